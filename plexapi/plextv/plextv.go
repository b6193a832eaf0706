// Package plextv is a client for plex.tv, Plex's own site: sign-in by PIN, the account, and its servers. It reaches plex.tv
// over verified TLS alone, whatever the settings say about certificates, and follows no redirect. Tokens are sent only in
// a header. It does not log.
package plextv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"time"
)

const (
	site      = "https://plex.tv"
	listing   = "https://clients.plex.tv" // lists the servers
	authPage  = "https://app.plex.tv/auth"
	product   = "Stash Plex Sync"
	patience  = 6 * time.Second // for an answer
	bodyLimit = 1 << 20         // bytes
	headLimit = 1 << 16         // bytes
)

// LinkPage is where a person types the code of a short PIN.
const LinkPage = site + "/link"

// Config configures a Client.
type Config struct {
	ClientIdentifier string // must never change: each is a new device of the account
	Version          string
	Transport        http.RoundTripper // nil: the default, with the proxy of the environment
}

// A Client sends requests to plex.tv. It is safe for concurrent use.
type Client struct {
	header    http.Header
	transport http.RoundTripper
}

// New returns a client.
func New(cfg Config) *Client {
	c := &Client{transport: cfg.Transport, header: http.Header{
		"Accept":                   {"application/json"},
		"X-Plex-Client-Identifier": {cfg.ClientIdentifier},
		"X-Plex-Product":           {product},
		"X-Plex-Version":           {cfg.Version},
		"X-Plex-Platform":          {runtime.GOOS},
		"X-Plex-Device":            {runtime.GOOS},
		"X-Plex-Device-Name":       {product},
		"User-Agent":               {"stash-plex-sync/" + cfg.Version},
	}}
	if c.transport == nil {
		t := &http.Transport{
			DialContext:         (&net.Dialer{Timeout: patience / 2}).DialContext,
			TLSHandshakeTimeout: patience / 2,
			ForceAttemptHTTP2:   true,

			MaxResponseHeaderBytes: headLimit,
			Proxy: func(r *http.Request) (*url.URL, error) {
				u, err := http.ProxyFromEnvironment(r)
				if err != nil { // its text may contain the password of the proxy
					return nil, errProxy
				}
				return u, nil
			},
		}
		c.transport = t
	}
	return c
}

// A Pin is a request to sign in that a person has to confirm.
type Pin struct {
	ID      int64         // names the PIN in polls; whoever has it and our client identifier gets the token
	Code    string        // for the person
	Expires time.Duration // how long it is still valid; our clock may be wrong, so there is no time
	Token   string        // of the account; "" until the person has confirmed
}

// NewPin creates a PIN. A strong one has a long code for the link of SignInPage; the code of another one has four
// characters, which a person types at LinkPage, and expires sooner.
func (c *Client) NewPin(ctx context.Context, strong bool) (Pin, error) {
	query := ""
	if strong {
		query = "?strong=true"
	}
	p, err := c.pin(ctx, "create a PIN", http.MethodPost, "/api/v2/pins"+query)
	if err == nil && (p.ID <= 0 || !codeForm.MatchString(p.Code)) {
		err = &Error{Class: Odd, Op: "create a PIN", Err: errShape}
	}
	return p, err
}

// Poll reads a PIN. Its Token is "" until the person has confirmed. The class of the error is Expired if the PIN is no
// longer valid.
func (c *Client) Poll(ctx context.Context, id int64) (Pin, error) {
	p, err := c.pin(ctx, "read the PIN", http.MethodGet, "/api/v2/pins/"+strconv.FormatInt(id, 10))
	var e *Error
	if errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusGone) {
		e.Class = Expired
	}
	return p, err
}

func (c *Client) pin(ctx context.Context, op, method, path string) (Pin, error) {
	var p struct {
		ID        int64   `json:"id"`
		Code      string  `json:"code"`
		ExpiresIn float64 `json:"expiresIn"` // seconds
		AuthToken *string `json:"authToken"`
	}
	if err := c.do(ctx, request{op: op, method: method, url: site + path}, &p); err != nil {
		return Pin{}, err
	}
	pin := Pin{ID: p.ID, Code: p.Code, Expires: time.Duration(min(max(p.ExpiresIn, 0), 86400)) * time.Second}
	if p.AuthToken == nil || *p.AuthToken == "" {
		return pin, nil
	}
	if !isToken(*p.AuthToken) {
		return Pin{}, &Error{Class: Odd, Op: op, Err: errShape}
	}
	pin.Token = *p.AuthToken
	return pin, nil
}

// SignInPage returns the address at which a person confirms a strong PIN.
func (c *Client) SignInPage(p Pin) string {
	q := url.Values{
		"clientID": c.header["X-Plex-Client-Identifier"], "code": {p.Code},
		"context[device][product]": {product},
	}
	return authPage + "#?" + q.Encode()
}

// An Account is who a token belongs to.
type Account struct {
	ID   int64
	Name string // on one line of limited length
}

// Account returns who a token belongs to. The class of the error is Refused only if plex.tv does not accept the token;
// every other failure says nothing about it.
func (c *Client) Account(ctx context.Context, token string) (Account, error) {
	var a struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		Title    string `json:"title"`
	}
	if err := c.do(ctx, request{op: "read the account", method: http.MethodGet, url: site + "/api/v2/user", token: token}, &a); err != nil {
		return Account{}, err
	}
	if a.Username == "" {
		a.Username = a.Title
	}
	return Account{a.ID, shown(a.Username, token)}, nil
}

// request is one request to plex.tv.
type request struct {
	op, method, url, token string
}

// do sends a request and decodes the answer. Every failure is an *Error, except the end of the caller's context.
func (c *Client) do(ctx context.Context, r request, out any) error {
	err := c.send(ctx, r, out)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("cannot %s: %w", r.op, ctx.Err())
	}
	return err
}

func (c *Client) send(ctx context.Context, r request, out any) *Error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, nil)
	if err != nil {
		return &Error{Class: Odd, Op: r.op, Err: errors.New("the request cannot be built")}
	}
	req.Header = c.header.Clone()
	if r.token != "" {
		req.Header.Set("X-Plex-Token", r.token)
	}
	// An http.Client would follow redirects and send the token along.
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return failed(r.op, err)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return refused(r.op, res, time.Now())
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, bodyLimit)).Decode(out); err != nil {
		if ctx.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF) {
			return failed(r.op, err)
		}
		return &Error{Class: Odd, Op: r.op, Status: res.StatusCode, Err: errShape}
	}
	return nil
}
