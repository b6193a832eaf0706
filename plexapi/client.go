// Package plexapi speaks to a Plex Media Server over HTTP: one transport here, one file per resource. It
// classifies its own failures (*Error) and leaves to others what follows from them. It does not log.
//
// The token travels in a header only, so that no URL and no error can contain it.
package plexapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"runtime"
	"strings"
	"time"
)

const (
	product        = "Stash Plex Sync"
	connectDefault = 5 * time.Second
	answerDefault  = 30 * time.Second
	probeTimeout   = 5 * time.Second
	bodyLimit      = 16 << 20 // bytes, decompressed
	headLimit      = 4 << 10  // bytes of an error's body that are looked at
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
	base    *url.URL
	header  http.Header
	token   string
	timeout time.Duration
	http    *http.Client
}

// New returns a client. It refuses an address that is not an absolute http or https URL.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("plexUrl is not an http or https address such as http://192.168.1.5:32400")
	}
	base = &url.URL{Scheme: base.Scheme, Host: base.Host, Path: strings.TrimRight(base.Path, "/")}
	c := &Client{base: base, token: cfg.Token, timeout: cfg.Timeout, header: http.Header{
		"Accept":                   {"application/json"},
		"X-Plex-Client-Identifier": {cfg.ClientIdentifier},
		"X-Plex-Product":           {product},
		"X-Plex-Version":           {cfg.ProductVersion},
		"X-Plex-Platform":          {runtime.GOOS},
		"X-Plex-Device":            {runtime.GOOS},
		"X-Plex-Device-Name":       {product},
		"User-Agent":               {"stash-plex-sync/" + cfg.ProductVersion},
	}}
	if c.timeout <= 0 {
		c.timeout = answerDefault
	}
	transport := cfg.Transport
	if transport == nil {
		transport = newTransport(base.Scheme, cfg)
	}
	c.http = &http.Client{
		Transport: transport,
		// Go would send the token's header on to the other host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
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
		t.Proxy = http.ProxyFromEnvironment
	}
	return t
}

// request is one question to Plex.
type request struct {
	op        string
	method    string
	path      string // below the base path
	query     string // encoded
	header    map[string]string
	anonymous bool // without the token
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
// idle is replaced once.
func (c *Client) do(ctx context.Context, r request, read func(io.Reader) error) error {
	for try := 0; ; try++ {
		reused, err := c.once(ctx, r, read)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", r.op, context.Cause(ctx))
		}
		if e, ok := errors.AsType[*Error](err); ok && e.Status == 0 && reused && try == 0 && isReset(e.Err) {
			continue
		}
		return err
	}
}

func (c *Client) once(ctx context.Context, r request, read func(io.Reader) error) (reused bool, err error) {
	timeout := c.timeout
	if r.timeout > 0 {
		timeout = min(timeout, r.timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
	req, err := http.NewRequestWithContext(ctx, r.method, c.target(r).String(), nil)
	if err != nil {
		return false, &Error{Class: Rejected, Op: r.op, Method: r.method, Path: r.path, Err: errors.New("the request cannot be built")}
	}
	req.Header = c.header.Clone()
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if !r.anonymous {
		req.Header.Set("X-Plex-Token", c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reused, c.failed(r, 0, nil, "", err)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		head, _ := io.ReadAll(io.LimitReader(res.Body, headLimit)) // the status decides, the body only hints
		return reused, c.failed(r, res.StatusCode, res.Header, string(head), nil)
	}
	body := &limited{r: res.Body, left: bodyLimit}
	if err := read(body); err != nil {
		return reused, c.failed(r, res.StatusCode, res.Header, "", err)
	}
	return reused, nil
}

// failed makes the *Error of a failure.
func (c *Client) failed(r request, status int, header http.Header, head string, err error) *Error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // the URL adds nothing
	}
	e := &Error{Op: r.op, Method: r.method, Path: r.path, Status: status, Err: err, Timeout: err != nil && isTimeout(err)}
	if err != nil {
		e.Class, e.Hint, _ = classify(0, nil, "", err, time.Time{})
		if isReset(err) && status == 0 && c.base.Scheme == "http" {
			e.Hint = "if Plex requires secure connections, plexUrl must begin with https"
		}
		return e
	}
	e.Class, e.Hint, e.RetryAfter = classify(status, header, head, nil, time.Now())
	return e
}

// limited reads up to a limit, and then fails rather than pretending that the body ended.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

// discard ignores a body: no success of a write says anything.
func discard(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
