package plexapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Class is what a failure says about the server, whatever was asked of it.
type Class string

// The classes.
const (
	Down         Class = "down"         // nobody there, or not Plex: the whole queue waits
	Temporary    Class = "temporary"    // it may work later
	NotFound     Class = "not found"    // Plex does not hold it (any more)
	Rejected     Class = "rejected"     // it will not work as it is
	Unauthorized Class = "unauthorized" // the token is refused
)

// LongestRetryAfter is how much of a Retry-After is honoured.
const LongestRetryAfter = 600 * time.Second

// Error is every failure of a request. It names no token and no query.
type Error struct {
	Class      Class
	Op         string // what was being done, "read 3 items"
	Method     string
	Path       string // without the query
	Status     int    // 0 if there was no answer
	RetryAfter time.Duration
	Timeout    bool // there was no answer in time
	Hint       string
	Err        error // nil if the status says it all
}

// Error says in one line what happened, to what, and what to do next.
func (e *Error) Error() string {
	text := e.Op + ": "
	switch {
	case e.Status != 0 && e.Err != nil:
		text += fmt.Sprintf("Plex answered %d to %s %s: %v", e.Status, e.Method, e.Path, e.Err)
	case e.Status != 0:
		text += fmt.Sprintf("Plex answered %d %s to %s %s", e.Status, http.StatusText(e.Status), e.Method, e.Path)
	default:
		text += fmt.Sprint(e.Err)
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return oneLine(text)
}

// Unwrap returns what caused the error.
func (e *Error) Unwrap() error { return e.Err }

// oneLine makes a text fit to be shown: no control characters, 300 runes at most.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }), " ")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:299]) + "…"
	}
	return text
}

// errShape says that an answer of 200 is not what Plex answers.
var errShape = errors.New("the answer is not Plex's")

// errTooLarge says that an answer was cut.
var errTooLarge = errors.New("the answer is larger than expected")

// classify is the one place that decides what a failure means. err is the transport's, nil if there was a
// status; head is the beginning of an error's body.
func classify(status int, header http.Header, head string, err error, now time.Time) (c Class, hint string, retryAfter time.Duration) {
	if err != nil {
		c, hint = classifyTransport(err)
		return c, hint, 0
	}
	switch {
	case status == http.StatusUnauthorized || status == 498:
		return Unauthorized, "set plexToken to a token of the server's owner", 0
	case status == http.StatusForbidden:
		return Unauthorized, "plexToken must be a token of the server's owner", 0
	case status == http.StatusNotFound:
		return NotFound, "", 0
	case status >= 300 && status < 400:
		return Down, "something redirects the request: set plexUrl to the address of Plex itself", 0
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return Temporary, "", parseRetryAfter(header, now)
	case status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		return Down, "a proxy answers, but Plex behind it does not", parseRetryAfter(header, now)
	case status == http.StatusServiceUnavailable && strings.Contains(head, `title="Maintenance"`):
		return Down, "Plex is starting or in maintenance", parseRetryAfter(header, now)
	case status == http.StatusNotImplemented, status >= 400 && status < 500:
		return Rejected, "", 0
	}
	return Temporary, "", parseRetryAfter(header, now)
}

// classifyTransport tells a server that is not there from one that did not finish its answer.
func classifyTransport(err error) (Class, string) {
	if errors.Is(err, errShape) || errors.Is(err, errTooLarge) {
		return Temporary, ""
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return Down, "is Plex running, and is plexUrl its address as seen from Stash?"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return Down, "the host name of plexUrl is not known here"
	}
	if isTLS(err) {
		return Down, "the certificate does not fit: use the https://….plex.direct address, or set insecureTLS if you trust the network"
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return Down, "is Plex running?"
	}
	if proxy, ok := errors.AsType[*net.OpError](err); ok && proxy.Op == "proxyconnect" {
		return Down, "the proxy of HTTPS_PROXY does not answer"
	}
	return Temporary, ""
}

// isTLS reports whether the handshake failed.
func isTLS(err error) bool {
	return strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "x509: ") ||
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// isReset reports whether the connection ended before an answer.
func isReset(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// isTimeout reports whether time ran out.
func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// parseRetryAfter reads seconds or an HTTP date, at most LongestRetryAfter.
func parseRetryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return min(time.Duration(min(seconds, 3600))*time.Second, LongestRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), LongestRetryAfter)
	}
	return 0
}
