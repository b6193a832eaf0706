// Package stashapi is a client for Stash's GraphQL interface. Its queries are generated from Stash's own schema.
// It distinguishes an unavailable Stash from a query that Stash refuses (Error.Unavailable); the caller decides what
// follows. It does not log.
package stashapi

//go:generate sh generate.sh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/stashapp/stash/pkg/plugin/common"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

const (
	timeoutDefault = 60 * time.Second
	connectTimeout = 5 * time.Second
	bodyLimit      = 32 << 20 // bytes
	formerKept     = 20       // replaced sessions that must not be shown: they are valid for an hour
)

// Options configure a Client. All of them are optional.
type Options struct {
	Timeout   time.Duration     // of an answer; 0: 60 s
	Transport http.RoundTripper // nil: a new one
}

// A Client sends requests to the Stash that launched this process. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	login *login
	gql   graphql.Client
}

// New returns a client for the connection that Stash passed to the plugin. It replaces a bind address of all interfaces
// with the loopback address, does not verify Stash's certificate, which is self-signed, and uses no proxy.
func New(conn common.StashServerConnection, opts Options) (*Client, error) {
	if conn.Scheme != "http" && conn.Scheme != "https" || conn.Port <= 0 {
		return nil, &Error{Op: "reach Stash", Err: fmt.Errorf("its address is not usable: %s, port %d", conn.Scheme, conn.Port)}
	}
	base := &url.URL{Scheme: conn.Scheme, Host: net.JoinHostPort(hostOf(conn.Host), strconv.Itoa(conn.Port))}
	l := &login{transport: opts.Transport, timeout: opts.Timeout}
	if l.timeout <= 0 {
		l.timeout = timeoutDefault
	}
	if l.transport == nil {
		l.transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, // the own Stash
			TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
			MaxIdleConnsPerHost: 2,
		}
	}
	if c := conn.SessionCookie; c != nil {
		l.cookie = &http.Cookie{Name: c.Name, Value: c.Value}
	}
	return &Client{base: base, login: l, gql: graphql.NewClient(base.JoinPath("graphql").String(), l)}, nil
}

// hostOf returns an address to dial for Stash's bind address, without brackets.
func hostOf(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	switch host {
	case "", "0.0.0.0":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return host
}

// login authenticates requests: it sends the session's cookie, keeps the renewed one, and uses the API key after the
// session has expired.
type login struct {
	transport http.RoundTripper
	timeout   time.Duration

	mu     sync.Mutex
	cookie *http.Cookie
	apiKey string
	former []string  // sessions that a later one has replaced
	others []string  // see AddSecret
	date   time.Time // of the last answer
}

// Do implements graphql.Doer.
func (l *login) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), l.timeout)
	res, err := l.send(req.WithContext(ctx), false)
	if err == nil && refused(req.Method, res.StatusCode) && l.key() != "" {
		res.Body.Close() // nothing was read
		again := req.Clone(ctx)
		if req.GetBody != nil {
			again.Body, err = req.GetBody()
		}
		if err == nil {
			res, err = l.send(again, true)
		}
	}
	if err != nil {
		cancel()
		return nil, err
	}
	res.Body = &body{http.MaxBytesReader(nil, res.Body, bodyLimit), cancel}
	return res, nil
}

// refused reports whether Stash does not accept the session: it answers 401 to a query, and redirects the request for a
// picture to its login page.
func refused(method string, status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusFound && method == http.MethodGet
}

func (l *login) key() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.apiKey
}

func (l *login) send(req *http.Request, withKey bool) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", "stash-plex-sync")
	l.mu.Lock()
	if l.cookie != nil && !withKey {
		req.AddCookie(l.cookie)
	}
	if withKey {
		req.Header.Set("ApiKey", l.apiKey)
	}
	l.mu.Unlock()
	res, err := l.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range res.Cookies() {
		if l.cookie != nil && c.Name == l.cookie.Name && c.Value != "" && c.MaxAge >= 0 {
			if l.cookie.Value != c.Value {
				l.former = append(l.former, l.cookie.Value)
				l.former = l.former[max(0, len(l.former)-formerKept):]
			}
			l.cookie = &http.Cookie{Name: c.Name, Value: c.Value}
		}
	}
	l.date = time.Time{}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		l.date = at
	}
	return res, nil
}

// body is the body of an answer. Closing it releases the timeout of the answer.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *body) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// Error is a failed query.
type Error struct {
	Op      string
	Status  int      // 0 if there was no answer
	Refused []string // Stash's errors in an answer of 200
	Err     error
}

// Error returns in one line what failed and why.
func (e *Error) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusFound:
		return "cannot " + e.Op + ": Stash no longer accepts the session of this run"
	case e.Status != 0 && e.Status != http.StatusOK:
		return fmt.Sprintf("cannot %s: Stash answered %d %s", e.Op, e.Status, http.StatusText(e.Status))
	case len(e.Refused) > 0:
		return text.OneLine("cannot "+e.Op+": Stash says: "+text.Private(strings.Join(e.Refused, "; ")), text.Limit) // the message may name a file
	}
	return text.OneLine(fmt.Sprintf("cannot %s: %v", e.Op, e.Err), text.Limit)
}

// Unwrap returns the cause of the error.
func (e *Error) Unwrap() error { return e.Err }

// Unavailable reports whether Stash itself failed, rather than refused the query.
func (e *Error) Unavailable() bool { return len(e.Refused) == 0 }

// wrap returns the *Error of a failure, or the context's error if ctx has ended. It removes secrets before it cuts a
// text, because Stash's messages may repeat what it was sent.
func (c *Client) wrap(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if end := ctx.Err(); end != nil {
		if why := context.Cause(ctx); !errors.Is(why, end) {
			return fmt.Errorf("cannot %s: %w: %w", op, end, why)
		}
		return fmt.Errorf("cannot %s: %w", op, end)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if _, cut := errors.AsType[*http.MaxBytesError](err); cut { // its text is about a request
		err = errors.New("the answer is larger than expected")
	}
	secrets := c.Secrets()
	e := &Error{Op: op, Err: &hidden{stashlog.Hide(quoted.ReplaceAllString(err.Error(), "…"), secrets...), err}}
	if h, ok := errors.AsType[*graphql.HTTPError](err); ok {
		e.Status = h.StatusCode
		if e.Status == http.StatusUnprocessableEntity { // a query that is not valid under Stash's schema
			e.Refused = []string{"this version of Stash does not accept the query: update Stash or this plugin"}
		}
		return e
	}
	if list, ok := errors.AsType[gqlerror.List](err); ok {
		e.Status = http.StatusOK
		for _, one := range list {
			if one == nil {
				one = gqlerror.Errorf("error without a message")
			}
			e.Refused = append(e.Refused, stashlog.Hide(one.Message, secrets...))
		}
	}
	return e
}

// quoted matches the parts of an unexpected answer that an error repeats.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// hidden is an error with the secrets removed from its text.
type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.err }

// unexpected returns the error of an invalid answer.
func unexpected(op, what string) error {
	return &Error{Op: op, Status: http.StatusOK, Err: errors.New(what)}
}
