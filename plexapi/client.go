// Package plexapi is a client for Plex Media Server: one transport in this file, one file per resource. It classifies
// failures (*Error), and callers decide what follows from them. It does not log.
//
// The token is sent only in a header, so that no URL and no error can contain it.
package plexapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

const (
	ourProduct     = "Stash Plex Sync"
	connectDefault = 5 * time.Second
	answerDefault  = 30 * time.Second
	uploadTimeout  = 60 * time.Second // at least, because an upload takes longer
	probeTimeout   = 5 * time.Second
	bodyLimit      = 16 << 20 // bytes, decompressed
	identityLimit  = 64 << 10 // bytes of an answer about the identity
	headLimit      = 4 << 10  // bytes read of the body of an error, and after the end of an answer
)

// Config configures a Client.
type Config struct {
	URL              string // http or https, with a base path if a proxy adds one
	Token            string
	MachineID        string // if set, the token goes only to the server with this identifier; not with a Transport
	TokenHint        string // what a person does about a token that is not accepted; "": copies another one into the settings
	ClientIdentifier string // must never change: Plex announces a new device for each
	ProductVersion   string
	InsecureTLS      bool              // accept any certificate; whoever answers gets the token
	Timeout          time.Duration     // for an answer; 0: 30 s
	Transport        http.RoundTripper // nil: the default
}

// A Client sends requests to one server. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	header    http.Header
	token     string
	machine   string // the server that may get the token; "": whichever answers
	tokenHint string
	timeout   time.Duration
	transport http.RoundTripper
	anonymous http.RoundTripper // for requests without the token
	seen      atomic.Bool       // an answer had Plex's header
	contact   contact
}

// New returns a client. It refuses an address that is not an absolute http or https URL or that contains a user name,
// and a token that is not valid in a header. Its errors contain neither.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || base.Hostname() == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New(`"Plex address" (plexUrl) is not an http or https address such as http://192.168.1.5:32400`)
	}
	if base.User != nil {
		return nil, errors.New(`"Plex address" (plexUrl) must not contain a user name; Plex uses only "Plex token" (plexToken)`)
	}
	if strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New(`"Plex token" (plexToken) contains a space or a character that tokens never contain; copy it again`)
	}
	base = &url.URL{Scheme: base.Scheme, Host: base.Host, Path: strings.TrimRight(path.Clean("/"+base.Path), "/")}
	c := &Client{base: base, token: cfg.Token, machine: cfg.MachineID, tokenHint: cfg.TokenHint, timeout: cfg.Timeout, transport: cfg.Transport, header: http.Header{
		"Accept":                   {"application/json"},
		"X-Plex-Client-Identifier": {cfg.ClientIdentifier},
		"X-Plex-Product":           {ourProduct},
		"X-Plex-Version":           {cfg.ProductVersion},
		"X-Plex-Platform":          {runtime.GOOS},
		"X-Plex-Device":            {runtime.GOOS},
		"X-Plex-Device-Name":       {ourProduct},
		"User-Agent":               {"stash-plex-sync/" + cfg.ProductVersion},
		"X-Idempotency-Key":        {}, // allows Go to repeat a write; without a value it is not sent
	}}
	if c.timeout <= 0 {
		c.timeout = answerDefault
	}
	switch {
	case c.transport == nil && c.machine != "":
		c.guard(newTransport(base.Scheme, cfg), newTransport(base.Scheme, cfg))
		return c, nil
	case c.transport == nil:
		c.transport = newTransport(base.Scheme, cfg)
	case c.machine != "":
		return nil, errors.New("a machine identifier is only used with the default transport")
	}
	c.anonymous = c.transport
	return c, nil
}

func newTransport(scheme string, cfg Config) *http.Transport {
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: connectDefault}).DialContext,
		TLSHandshakeTimeout: connectDefault,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: cfg.InsecureTLS, MinVersion: tls.VersionTLS12}, // the user's choice
		IdleConnTimeout:     15 * time.Second,                                                               // Plex closes after 20 s
		MaxIdleConnsPerHost: 2,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // Plex speaks HTTP/1.1
	}
	if scheme == "https" { // Stash passes its proxy in the environment; without TLS the proxy could read the token
		throughProxy(t)
	}
	return t
}

// request is one request to Plex.
type request struct {
	op        string
	method    string
	path      string // below the base path
	query     string // encoded
	header    map[string]string
	body      []byte // nil: none
	anonymous bool   // without the token
	identity  bool   // every Plex server answers this request
	probe     bool   // the request only checks whether Plex is up
	timeout   time.Duration
	date      *time.Time // if not nil, set to the Date header of the answer
}

// target returns the URL of a request.
func (c *Client) target(r request) *url.URL {
	u := *c.base
	u.Path += r.path
	u.RawQuery = r.query
	return &u
}

// do sends the request and passes the body of a 2xx answer to read. Every failure is an *Error, except the end of the
// caller's context. Go replaces a connection that Plex closed while it was idle; the idempotency key allows that for
// writes too.
func (c *Client) do(ctx context.Context, r request, read func(io.Reader) error) error {
	err := c.send(ctx, r, read)
	switch {
	case err == nil:
		c.contact.note(nil)
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("cannot %s: %w", r.op, ctx.Err())
	}
	c.contact.note(err)
	return err
}

func (c *Client) send(ctx context.Context, r request, read func(io.Reader) error) *Error {
	timeout := c.timeout
	if r.timeout > 0 {
		timeout = min(timeout, r.timeout)
	}
	var body io.Reader
	if r.body != nil { // a type that Go can send again on another connection
		body, timeout = bytes.NewReader(r.body), max(timeout, uploadTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var early, fresh bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { early = true },
		GotConn: func(i httptrace.GotConnInfo) { early, fresh = false, !i.Reused },
	})
	req, err := http.NewRequestWithContext(ctx, r.method, c.target(r).String(), body)
	if err != nil {
		return &Error{Class: Rejected, Op: r.op, Method: r.method, Path: r.path, Err: errors.New("the request cannot be built")}
	}
	req.Header = c.header.Clone()
	res, err := c.roundTrip(req, r)
	if other, refused := errors.AsType[*Error](err); refused { // of the guard
		return other
	}
	if err != nil {
		return c.failed(r, failure{err: err, early: early, fresh: fresh})
	}
	defer res.Body.Close()
	if res.Header.Get(protocolHeader) != "" {
		c.seen.Store(true)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		head, _ := io.ReadAll(io.LimitReader(res.Body, headLimit)) // the body is only a hint
		return c.failed(r, failure{status: res.StatusCode, header: res.Header, head: string(head)})
	}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil && r.date != nil {
		*r.date = at
	}
	answer, page := withoutPage(res.Header, http.MaxBytesReader(nil, res.Body, r.limit()))
	if err = ErrPage; !page {
		err = read(answer)
	}
	if _, cut := errors.AsType[*http.MaxBytesError](err); cut { // its text mentions a request
		err = errTooLarge
	}
	if coding := compression.FindString(res.Header.Get("Content-Encoding")); coding != "" && errors.Is(err, errShape) { // Go removes the coding that it decodes
		err = fmt.Errorf("%w %s", errCoded, coding)
	}
	if err != nil {
		return c.failed(r, failure{status: res.StatusCode, header: res.Header, err: err})
	}
	io.CopyN(io.Discard, res.Body, headLimit) // read to the end, or the connection is not reused
	return nil
}

// roundTrip sends a request, with the token unless it is anonymous. An http.Client would follow redirects and send the token
// along.
func (c *Client) roundTrip(req *http.Request, r request) (*http.Response, error) {
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if r.anonymous {
		return c.anonymous.RoundTrip(req)
	}
	req.Header.Set("X-Plex-Token", c.token)
	return c.transport.RoundTrip(req.WithContext(context.WithValue(req.Context(), asker{}, r)))
}

// limit returns how long an answer may be, in bytes. Any host may be asked for its identity.
func (r request) limit() int64 {
	if r.identity {
		return identityLimit
	}
	return bodyLimit
}

// failed returns the *Error for a failure.
func (c *Client) failed(r request, f failure) *Error {
	f.plain, f.identity, f.probe, f.anonymous = c.base.Scheme == "http", r.identity, r.probe, r.anonymous
	f.edit, f.tokenHint = r.method == http.MethodPut, c.tokenHint
	f.identifySender(c.seen.Load())
	if f.err != nil { // for an answer that is not HTTP it quotes lines, which may be our own request
		text := quoted.ReplaceAllString(f.err.Error(), "…")
		if c.token != "" {
			text = strings.ReplaceAll(text, c.token, "…")
		}
		f.err = &redacted{text, f.err}
	}
	e := &Error{Op: r.op, Method: r.method, Path: r.path, Status: f.status, Foreign: f.foreign, InFront: f.inFront, Err: f.err}
	if f.foreign {
		e.Server = serverName(f.header, c.token)
	}
	e.Class, e.Hint, e.RetryAfter = classify(f, time.Now())
	if more := addressHint(c.base, f.err); more != "" {
		e.Hint += "; " + more
	}
	e.Timeout = e.Class == Temporary && isTimeout(f.err)
	return e
}

// quoted matches the parts of an answer that an error quotes.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// redacted is an error whose original text might contain the token.
type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }

// discard ignores a body: a successful write returns no information.
func discard(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
