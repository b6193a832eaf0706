package plexapi

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// asker is the key of the request, in the context of a connection that is made for it.
type asker struct{}

// guard makes a client send the token only over connections that were made right after the server had named itself as the
// right one: another server may get the address at any time. Requests without the token have connections of their own.
func (c *Client) guard(withToken, without *http.Transport) {
	without.DisableKeepAlives = true
	dial := withToken.DialContext
	withToken.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		r, _ := ctx.Value(asker{}).(request)
		if err := c.confirm(ctx, r); err != nil {
			return nil, err
		}
		return dial(ctx, network, address)
	}
	c.transport, c.anonymous = withToken, without
}

// withoutValues returns a context without its values, such as the trace of the request that waits.
func withoutValues(ctx context.Context) context.Context { return bare{ctx} }

type bare struct{ context.Context }

func (bare) Value(any) any { return nil }

// confirm returns an error unless the server is the one that may get the token.
func (c *Client) confirm(ctx context.Context, r request) error {
	id, err := c.identity(withoutValues(ctx), r.probe)
	if err != nil || id.MachineIdentifier == c.machine {
		return err
	}
	return &Error{
		Class: Unauthorized, Op: r.op, Method: r.method, Path: r.path, Err: errors.New("another Plex server answers at this address"),
		Hint: "the token was not sent; choose the server again, or another one of its addresses",
	}
}
