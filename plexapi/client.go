// Package plexapi speaks to a Plex Media Server over HTTP: one transport here, one file per resource. It
// classifies its own failures (*Error) and leaves to others what follows from them. It does not log.
//
// The token travels in a header only, so that no URL and no error can contain it.
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
	"time"
)

const (
	product        = "Stash Plex Sync"
	connectDefault = 5 * time.Second
	answerDefault  = 30 * time.Second
	uploadTimeout  = 60 * time.Second // at least, since a picture takes its time
	probeTimeout   = 5 * time.Second
	bodyLimit      = 16 << 20 // bytes, decompressed
	headLimit      = 4 << 10  // bytes that are read of an error's body, and after the end of an answer
)

// Config says which server to speak to, and how.
type Config struct {
	URL              string // http or https, with a base path if a proxy adds one
	Token            string
	ClientIdentifier string // the same for ever: Plex announces a new device for each
	ProductVersion   string
	InsecureTLS      bool              // accept any certificate: anyone who answers gets the token
	ConnectTimeout   time.Duration     // 0: 5 s
	Timeout          time.Duration     // for an answer; 0: 30 s
	Transport        http.RoundTripper // nil: an own one
}

// A Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	header    http.Header
	token     string
	timeout   time.Duration
	transport http.RoundTripper
}

// New returns a client. It refuses an address that is not an absolute http or https URL or that has a user
// name in it, and a token that no header can hold. Its errors repeat neither.
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
	c := &Client{base: base, token: cfg.Token, timeout: cfg.Timeout, transport: cfg.Transport, header: http.Header{
		"Accept":                   {"application/json"},
		"X-Plex-Client-Identifier": {cfg.ClientIdentifier},
		"X-Plex-Product":           {product},
		"X-Plex-Version":           {cfg.ProductVersion},
		"X-Plex-Platform":          {runtime.GOOS},
		"X-Plex-Device":            {runtime.GOOS},
		"X-Plex-Device-Name":       {product},
		"User-Agent":               {"stash-plex-sync/" + cfg.ProductVersion},
		"X-Idempotency-Key":        {}, // lets Go repeat a write, too; without a value it is not sent
	}}
	if c.timeout <= 0 {
		c.timeout = answerDefault
	}
	if c.transport == nil {
		c.transport = newTransport(base.Scheme, cfg)
	}
	return c, nil
}

func newTransport(scheme string, cfg Config) *http.Transport {
	connect := cfg.ConnectTimeout
	if connect <= 0 {
		connect = connectDefault
	}
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: connect}).DialContext,
		TLSHandshakeTimeout: connect,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: cfg.InsecureTLS, MinVersion: tls.VersionTLS12}, // the user's choice
		IdleConnTimeout:     15 * time.Second,                                                               // Plex closes after 20 s
		MaxIdleConnsPerHost: 2,
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // Plex speaks HTTP/1.1
	}
	if scheme == "https" { // Stash hands its proxy on in the environment; a plain one would read the token
		t.Proxy = proxy
	}
	return t
}

// proxy is the environment's, without the text of its error, which repeats the proxy's password.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errProxy
	}
	return u, nil
}

// request is one question to Plex.
type request struct {
	op        string
	method    string
	path      string // below the base path
	query     string // encoded
	header    map[string]string
	body      []byte // nil: none
	anonymous bool   // without the token
	identity  bool   // every Plex answers this
	probe     bool   // asked only to find out whether Plex is there
	timeout   time.Duration
}

// target is the path and query as they go over the wire.
func (c *Client) target(r request) *url.URL {
	u := *c.base
	u.Path += r.path
	u.RawQuery = r.query
	return &u
}

// do sends the request and hands the body of a 2xx answer to read. Every failure is an *Error, but for the
// end of the caller's own context, which is returned as such. A connection that Plex closed while it was
// idle is replaced: by Go, since the idempotency key allows it for writes too.
func (c *Client) do(ctx context.Context, r request, read func(io.Reader) error) error {
	err := c.send(ctx, r, read)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", r.op, ctx.Err())
	}
	return err
}

func (c *Client) send(ctx context.Context, r request, read func(io.Reader) error) *Error {
	timeout := c.timeout
	if r.timeout > 0 {
		timeout = min(timeout, r.timeout)
	}
	var body io.Reader
	if r.body != nil { // in a form that Go can send again on another connection
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
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if !r.anonymous {
		req.Header.Set("X-Plex-Token", c.token)
	}
	// Not through an http.Client: it would follow redirects, and the token with it.
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return c.failed(r, failure{err: err, early: early, fresh: fresh})
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		head, _ := io.ReadAll(io.LimitReader(res.Body, headLimit)) // the status decides, the body only hints
		return c.failed(r, failure{status: res.StatusCode, header: res.Header, head: string(head)})
	}
	err = read(http.MaxBytesReader(nil, res.Body, bodyLimit))
	if _, cut := errors.AsType[*http.MaxBytesError](err); cut { // whose text speaks of a request
		err = errTooLarge
	}
	if err != nil {
		return c.failed(r, failure{status: res.StatusCode, err: err})
	}
	io.CopyN(io.Discard, res.Body, headLimit) // to its end, or the connection is not used again
	return nil
}

// failed makes the *Error of a failure.
func (c *Client) failed(r request, f failure) *Error {
	f.plain, f.identity, f.probe = c.base.Scheme == "http", r.identity, r.probe
	if f.err != nil { // of an answer that is no HTTP it repeats lines, which may be those that we sent
		text := quoted.ReplaceAllString(f.err.Error(), "…")
		if c.token != "" {
			text = strings.ReplaceAll(text, c.token, "…")
		}
		f.err = &redacted{text, f.err}
	}
	e := &Error{Op: r.op, Method: r.method, Path: r.path, Status: f.status, Err: f.err}
	e.Class, e.Hint, e.RetryAfter = classify(f, time.Now())
	e.Timeout = e.Class == Temporary && isTimeout(f.err)
	return e
}

// quoted is what an error repeats of an answer.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// redacted is an error whose text might tell the token.
type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }

// discard ignores a body: no success of a write says anything.
func discard(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
