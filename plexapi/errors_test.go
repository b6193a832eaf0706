package plexapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestClassification(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	read := func(err error) error { return &net.OpError{Op: "read", Net: "tcp", Err: err} }
	maintenance := `<Response code="503" title="Maintenance" status="Plex Media Server is currently running database migrations."/>`
	for _, c := range []struct {
		name string
		in   failure
		want Class
		hint string // a part of it
	}{
		{"refused", failure{err: dial(syscall.ECONNREFUSED)}, Down, "Plex is running"},
		{"no route", failure{err: dial(syscall.EHOSTUNREACH)}, Down, "Plex is running"},
		{"network unreachable", failure{err: dial(syscall.ENETUNREACH)}, Down, "Plex is running"},
		{"no such host", failure{err: dial(&net.DNSError{Err: "no such host"})}, Down, "host name"},
		{"connect timeout", failure{err: dial(timeout{})}, Down, "Plex is running"},
		{"time runs out while connecting", failure{err: context.DeadlineExceeded, early: true}, Down, "Plex is running"},
		{"cut while greeting", failure{err: io.EOF, early: true}, Down, "Plex is running"},
		{"unknown authority", failure{err: x509.UnknownAuthorityError{}, early: true}, Down, "insecureTLS"},
		{"refused certificate", failure{err: &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}}, early: true}, Down, "plex.direct"},
		{"http answers https", failure{err: tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, early: true}, Down, "try http"},
		{"proxy refuses", failure{err: &net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}, early: true}, Down, "HTTPS_PROXY"},
		{"proxy is no address", failure{err: errProxy}, Down, "HTTPS_PROXY"},
		{"cut on a new plain connection", failure{err: io.EOF, fresh: true, plain: true}, Temporary, "https"},
		{"the same on Windows", failure{err: read(windowsReset), fresh: true, plain: true}, Temporary, "https"},
		{"ended by Windows itself", failure{err: read(windowsAborted), fresh: true, plain: true}, Temporary, "https"},
		{"the same in a probe", failure{err: io.EOF, fresh: true, plain: true, probe: true}, Down, "https"},
		{"cut on a new encrypted connection", failure{err: io.EOF, fresh: true}, Temporary, ""},
		{"reset on an old connection", failure{err: read(syscall.ECONNRESET), plain: true}, Temporary, ""},
		{"no answer in time", failure{err: context.DeadlineExceeded}, Temporary, ""},
		{"no answer in time to a probe", failure{err: read(timeout{}), probe: true}, Down, "busy"},
		{"a body that stops", failure{err: context.DeadlineExceeded, status: 200}, Temporary, ""},
		{"broken JSON", failure{err: errShape, status: 200}, Temporary, ""},
		{"broken JSON to a probe", failure{err: errShape, status: 200, probe: true}, Down, "plexUrl"},
		{"broken JSON to an identity request", failure{err: errShape, status: 200, identity: true}, Temporary, ""},
		{"cut body", failure{err: io.ErrUnexpectedEOF, status: 200, fresh: true, plain: true}, Temporary, ""},
		{"too large", failure{err: errTooLarge, status: 200}, Temporary, ""},
		{"not modified", failure{status: 304}, Down, "redirects"},
		{"redirect", failure{status: 301}, Down, "redirects"},
		{"bad request", failure{status: 400}, Rejected, ""},
		{"bad request to a probe", failure{status: 400, probe: true}, Down, "plexUrl"},
		{"unauthorised", failure{status: 401}, Unauthorized, "plexToken"},
		{"unauthorised probe", failure{status: 401, probe: true}, Unauthorized, "plexToken"},
		{"forbidden", failure{status: 403}, Unauthorized, "plexToken"},
		{"not found", failure{status: 404}, NotFound, ""},
		{"identity not found", failure{status: 404, identity: true}, Down, "plexUrl"},
		{"not found by a probe", failure{status: 404, probe: true}, Down, "plexUrl"},
		{"no such method", failure{status: 405}, Rejected, ""},
		{"request timeout", failure{status: 408}, Temporary, ""},
		{"no such method for edits", failure{status: 405, edit: true}, Down, "PUT"},
		{"edits are not implemented", failure{status: 501, edit: true}, Down, "PUT"},
		{"conflict", failure{status: 409}, Rejected, ""},
		{"too large a body", failure{status: 413}, Rejected, ""},
		{"too long an address", failure{status: 414}, Rejected, ""},
		{"too early", failure{status: 425}, Temporary, ""},
		{"too many requests", failure{status: 429}, Temporary, ""},
		{"too large a header", failure{status: 431}, Rejected, ""},
		{"token expired", failure{status: 498}, Unauthorized, "plexToken"},
		{"server error", failure{status: 500}, Temporary, ""},
		{"server error to a probe", failure{status: 500, probe: true}, Temporary, ""},
		{"not implemented", failure{status: 501}, Rejected, ""},
		{"bad gateway", failure{status: 502}, Down, "proxy"},
		{"overload", failure{status: 503}, Temporary, ""},
		{"overload for an identity request", failure{status: 503, identity: true}, Down, "starting"},
		{"overload in a probe", failure{status: 503, probe: true}, Down, "starting"},
		{"starting", failure{status: 503, head: maintenance}, Down, "starting"},
		{"gateway timeout", failure{status: 504}, Down, "proxy"},
		{"Cloudflare: Plex is off", failure{status: 521}, Down, "proxy"},
		{"Cloudflare: the tunnel is off", failure{status: 530}, Down, "proxy"},
		{"compressed as nobody asked", failure{err: fmt.Errorf("%w br", errCoded), status: 200}, Down, "compresses"},
		{"expired certificate", failure{err: &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, early: true}, Down, "clock"},
		{"certificate for another use", failure{err: &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}, early: true}, Down, "insecureTLS"},
		{"something new", failure{status: 599}, Temporary, ""},
		{"a login that is not Plex's", failure{status: 401, foreign: true, inFront: true, login: true}, Down, "login of its own"},
		{"the same with 403", failure{status: 403, foreign: true, inFront: true, login: true}, Down, "login of its own"},
		{"401 in front of Plex", failure{status: 401, foreign: true, inFront: true}, Unauthorized, "login of its own"},
		{"403 in front of Plex", failure{status: 403, foreign: true, inFront: true}, Unauthorized, "allow the request"},
		{"401 to a request without a token", failure{status: 401, foreign: true, inFront: true, anonymous: true, identity: true, probe: true}, Down, "login of its own"},
		{"403 to a request without a token", failure{status: 403, foreign: true, inFront: true, anonymous: true, identity: true, probe: true}, Down, "plexUrl"},
		{"401 of Plex to a request without a token", failure{status: 401, anonymous: true, identity: true, probe: true}, Down, "needs no token"},
		{"401 without Plex's header, as always", failure{status: 401, foreign: true, probe: true}, Unauthorized, "plexToken"},
		{"403 without Plex's header, as always", failure{status: 403, foreign: true, probe: true}, Unauthorized, "plexToken"},
		{"404 in front of Plex", failure{status: 404, foreign: true, inFront: true}, Down, "pass the request on"},
		{"404 without Plex's header, as always", failure{status: 404, foreign: true}, NotFound, ""},
		{"identity not found by something else", failure{status: 404, foreign: true, identity: true}, Down, "does not come from Plex"},
		{"503 in front of Plex to a probe", failure{status: 503, foreign: true, inFront: true, probe: true}, Down, "proxy"},
		{"503 without Plex's header, as always", failure{status: 503, foreign: true, probe: true}, Down, "starting"},
		{"starting, without Plex's header", failure{status: 503, head: maintenance, foreign: true, inFront: true, probe: true}, Down, "starting"},
		{"413 in front of Plex", failure{status: 413, foreign: true, inFront: true}, Rejected, ""},
		{"a web page", failure{err: ErrPage, status: 200, foreign: true}, Temporary, "login page"},
		{"a web page to a probe", failure{err: ErrPage, status: 200, foreign: true, probe: true}, Down, "login page"},
	} {
		got, hint, _ := classify(c.in, time.Time{})
		if got != c.want || (hint == "") != (c.hint == "") || !strings.Contains(hint, c.hint) {
			t.Errorf("%s: %s with hint %q, want %s with %q", c.name, got, hint, c.want, c.hint)
		}
	}
}

func TestRetryAfterIsReadInBothFormsAndBounded(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "x": 0, "99999999999999999999": LongestRetryAfter, "100000": LongestRetryAfter,
		"Thu, 01 Jan 2026 00:00:09 GMT": 9 * time.Second, "Thu, 01 Jan 2027 00:00:00 GMT": LongestRetryAfter, "Wed, 31 Dec 2025 00:00:00 GMT": 0,
	} {
		if got := parseRetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After %q = %v, want %v", text, got, want)
		}
	}
}

func TestErrorsAreOneShortLine(t *testing.T) {
	e := &Error{Op: "read", Method: "GET", Path: "/x", Err: errors.New("a\nb\x00" + strings.Repeat("é", 1000)), Hint: "do this"}
	if text := e.Error(); strings.ContainsAny(text, "\n\x00") || len([]rune(text)) > 300 {
		t.Errorf("error of %d runes: %q", len([]rune(text)), text)
	}
	if text := (&Error{Op: "read", Err: errors.New("\xff")}).Error(); !utf8.ValidString(text) {
		t.Errorf("error = %q, which is not valid UTF-8", text)
	}
}

func TestErrorsNameOperationFailureAndNextStep(t *testing.T) {
	for want, e := range map[string]Error{
		"cannot list: Plex answered 401 Unauthorized to GET /x; do this":  {Op: "list", Method: "GET", Path: "/x", Status: 401, Hint: "do this"},
		"cannot list: Plex answered 599 to GET /x":                        {Op: "list", Method: "GET", Path: "/x", Status: 599},
		"cannot list: Plex answered 200 to GET /x: cut":                   {Op: "list", Method: "GET", Path: "/x", Status: 200, Err: errors.New("cut")},
		"cannot read: Plex answered 403 Forbidden to GET /y/1,…; do this": {Op: "read", Method: "GET", Path: "/y/1" + strings.Repeat(",1049", 50), Status: 403, Hint: "do this"},
		"cannot list: no answer in time":                                  {Op: "list", Err: fmt.Errorf("x: %w", context.DeadlineExceeded)},

		"cannot list: the server answered 401 Unauthorized to GET /x":                                  {Op: "list", Method: "GET", Path: "/x", Status: 401, Foreign: true},
		"cannot edit: something in front of Plex (cloudflare) answered 403 Forbidden to PUT /x; allow": {Op: "edit", Method: "PUT", Path: "/x", Status: 403, Foreign: true, InFront: true, Server: "cloudflare", Hint: "allow"},
	} {
		if e.Error() != want {
			t.Errorf("error = %q, want %q", e.Error(), want)
		}
	}
}

func TestOnlyEncryptedRequestsGoThroughAProxy(t *testing.T) {
	if newTransport("http", Config{}).Proxy != nil {
		t.Error("a proxy could read the token")
	}
	if newTransport("https", Config{}).Proxy == nil {
		t.Error("the environment's proxy is ignored")
	}
}

// The connect timeout may be longer than the answer timeout. A timeout while connecting still means Down.
func TestSilentHostIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{URL: "http://plex.invalid", Token: "x", Timeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		c.transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(connectDefault)
			return nil, timeout{}
		}
		begin := time.Now()
		_, err = c.Sections(t.Context())
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != Down || e.Timeout || time.Since(begin) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		time.Sleep(connectDefault) // Go continues to connect, for the next request
	})
}

// The end of an answer may arrive after everything that the client reads of it.
func TestConnectionIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{URL: "http://plex.invalid", Token: "x"})
		if err != nil {
			t.Fatal(err)
		}
		dials := 0
		transport := c.transport.(*http.Transport)
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			dials++
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				for in := bufio.NewReader(theirs); ; {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					body := `{"MediaContainer":{"machineIdentifier":"m"}}`
					fmt.Fprintf(theirs, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body)
					time.Sleep(time.Second)
					fmt.Fprint(theirs, "0\r\n\r\n")
				}
			}()
			return ours, nil
		}
		for range 3 {
			if _, err := c.Identity(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		transport.CloseIdleConnections()
		if dials != 1 {
			t.Errorf("%d connections for 3 requests", dials)
		}
	})
}
