package stashapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// MaxImage is the size limit of a picture in bytes.
const MaxImage = 10_000_000

var (
	// ErrNoPicture reports that there is no picture: Stash sends its placeholder.
	ErrNoPicture = errors.New("not a picture")
	// ErrImageTooLarge reports that a picture has more than MaxImage bytes.
	ErrImageTooLarge = errors.New("the picture is too large")
)

// coverPath returns the path and query of a cover's address. It drops the host, which is the external one
// (external_host), and the path before /scene/, which is a proxy's: under such a path Stash serves its web app.
func coverPath(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	path := u.EscapedPath()
	if at := strings.LastIndex(path, "/scene/"); at > 0 {
		path = path[at:]
	}
	if path != "" && u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// Image reads a picture from this client's Stash, regardless of the host in the address, and returns its type as
// detected from its bytes. A picture that Stash does not have is ErrNoPicture, and one that cannot be sent is ErrUnusable
// or ErrImageTooLarge. An *Error means that Stash failed, or redirected to its login page (302). No error contains the
// query of the address.
func (c *Client) Image(ctx context.Context, cover string) (data []byte, contentType string, err error) {
	u, err := url.Parse(cover)
	if err != nil || u.Path == "" {
		return nil, "", fmt.Errorf("%w: it has no address", ErrNoPicture)
	}
	op := "read the picture " + u.EscapedPath()
	from := c.base.JoinPath(u.EscapedPath())
	from.RawQuery = u.RawQuery
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, "", fmt.Errorf("%w: its address is not usable", ErrNoPicture)
	}
	res, err := c.login.Do(req)
	if err != nil {
		return nil, "", c.wrap(ctx, op, err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound:
		return nil, "", fmt.Errorf("%w: Stash has none at %s", ErrNoPicture, u.EscapedPath())
	case res.StatusCode != http.StatusOK:
		return nil, "", &Error{Op: op, Status: res.StatusCode}
	case res.ContentLength > MaxImage:
		return nil, "", fmt.Errorf("%w: it has %d bytes, more than the limit of %d", ErrImageTooLarge, res.ContentLength, MaxImage)
	}
	data, err = io.ReadAll(http.MaxBytesReader(nil, res.Body, MaxImage))
	if _, cut := errors.AsType[*http.MaxBytesError](err); cut {
		return nil, "", fmt.Errorf("%w: more than %d bytes", ErrImageTooLarge, MaxImage)
	}
	if err != nil {
		return nil, "", c.wrap(ctx, op, err)
	}
	if contentType, err = usable(data, res.Header.Get("Content-Type")); err != nil {
		return nil, "", err
	}
	return data, contentType, nil
}
