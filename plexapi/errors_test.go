package plexapi

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// The table of what a failure says about the server, row by row.
func TestClassification(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	read := func(err error) error { return &net.OpError{Op: "read", Net: "tcp", Err: err} }
	maintenance := `<Response code="503" title="Maintenance" status="Plex Media Server is currently running database migrations."/>`
	for _, c := range []struct {
		name   string
		status int
		head   string
		err    error
		want   Class
	}{
		{"refused", 0, "", dial(syscall.ECONNREFUSED), Down},
		{"no route", 0, "", dial(syscall.EHOSTUNREACH), Down},
		{"network unreachable", 0, "", dial(syscall.ENETUNREACH), Down},
		{"no such host", 0, "", dial(&net.DNSError{Err: "no such host"}), Down},
		{"connect timeout", 0, "", dial(timeout{}), Down},
		{"unknown authority", 0, "", x509.UnknownAuthorityError{}, Down},
		{"http answers https", 0, "", errors.New("http: server gave HTTP response to HTTPS client"), Down},
		{"proxy refuses", 0, "", &net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, Down},
		{"cut before an answer", 0, "", io.EOF, Temporary},
		{"reset", 0, "", read(syscall.ECONNRESET), Temporary},
		{"no answer in time", 0, "", read(timeout{}), Temporary},
		{"broken JSON", 0, "", errShape, Temporary},
		{"cut body", 0, "", io.ErrUnexpectedEOF, Temporary},
		{"too large", 0, "", errTooLarge, Temporary},
		{"redirect", 301, "", nil, Down},
		{"bad request", 400, "", nil, Rejected},
		{"unauthorised", 401, "", nil, Unauthorized},
		{"forbidden", 403, "", nil, Unauthorized},
		{"not found", 404, "", nil, NotFound},
		{"no such method", 405, "", nil, Rejected},
		{"request timeout", 408, "", nil, Temporary},
		{"conflict", 409, "", nil, Rejected},
		{"too large a body", 413, "", nil, Rejected},
		{"too long an address", 414, "", nil, Rejected},
		{"too early", 425, "", nil, Temporary},
		{"too many requests", 429, "", nil, Temporary},
		{"too large a header", 431, "", nil, Rejected},
		{"token expired", 498, "", nil, Unauthorized},
		{"server error", 500, "", nil, Temporary},
		{"not implemented", 501, "", nil, Rejected},
		{"bad gateway", 502, "", nil, Down},
		{"overload", 503, "", nil, Temporary},
		{"starting", 503, maintenance, nil, Down},
		{"gateway timeout", 504, "", nil, Down},
		{"something new", 599, "", nil, Temporary},
	} {
		if got, _, _ := classify(c.status, http.Header{}, c.head, c.err, time.Time{}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestProbeTakesOddAnswersForNoPlex(t *testing.T) {
	for _, c := range []struct {
		name     string
		in       Error
		identity bool
		want     Class
	}{
		{"a page of a proxy", Error{Class: Temporary, Status: 200}, true, Down},
		{"no answer in time", Error{Class: Temporary, Timeout: true}, false, Down},
		{"503 of any kind", Error{Class: Temporary, Status: 503}, true, Down},
		{"404 on everything", Error{Class: NotFound, Status: 404}, true, Down},
		{"refused token", Error{Class: Unauthorized, Status: 401}, false, Unauthorized},
		{"a database error", Error{Class: Temporary, Status: 500}, false, Temporary},
	} {
		e := c.in
		if got := asDown(&e, c.identity).(*Error).Class; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestRetryAfterIsReadInBothFormsAndCut(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "x": 0, "99999999999999999999": 0, "100000": LongestRetryAfter,
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
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `[]`, `{"MediaContainer":null}`, `{"MediaContainer":{"Metadata":{"ratingKey":1}}}`,
		`{"MediaContainer":{"totalSize":"5","Metadata":[{"ratingKey":"1","rating":1,"Rating":[{}],"Media":{"Part":{"file":"/a","size":"1"}}}]}}`,
		`{"MediaContainer":{"size":1e400,"Metadata":[null,1,"x"]}}`, `<html></html>`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := decodePage(strings.NewReader(text), 0)
		if err == nil && len(p.Rows) > p.Received {
			t.Errorf("%q: %d rows of %d", text, len(p.Rows), p.Received)
		}
		for _, r := range p.Rows {
			if !ValidKey(r.RatingKey) {
				t.Errorf("%q: rating key %q", text, r.RatingKey)
			}
		}
		var m struct{ Metadata list[wireItem] }
		if container(strings.NewReader(text), &m) == nil {
			for i := range m.Metadata {
				m.Metadata[i].item()
			}
		}
	})
}
