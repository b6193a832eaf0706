package plexapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Class is what a failure means for the server, whatever the request.
type Class string

// The classes.
const (
	Down         Class = "down"         // no server, or not Plex: the complete queue waits
	Temporary    Class = "temporary"    // a later attempt may succeed
	NotFound     Class = "not found"    // Plex does not have the item
	Rejected     Class = "rejected"     // the request cannot succeed unchanged
	Unauthorized Class = "unauthorized" // Plex refuses the token
)

// LongestRetryAfter bounds the value of Retry-After.
const LongestRetryAfter = 600 * time.Second

// Error is a failed request. It contains neither the token nor the query.
type Error struct {
	Class      Class
	Op         string // the operation, such as "read 3 items"
	Method     string
	Path       string // without the query
	Status     int    // 0 if there was no answer
	RetryAfter time.Duration
	Foreign    bool // the answer lacks Plex's header: a proxy or firewall in front of Plex may have sent it
	Timeout    bool // Plex is up but did not answer in time; a smaller request may succeed
	Hint       string
	Err        error // nil if the status is the only cause
}

// Error returns one line with the operation, the failure and the next step.
func (e *Error) Error() string {
	text, path := e.Op+": ", e.Path
	if i := strings.IndexByte(path, ','); i >= 0 { // many keys would displace the hint
		path = path[:i] + ",…"
	}
	switch {
	case e.Status != 0 && e.Err != nil:
		text += fmt.Sprintf("Plex answered %d to %s %s: %v", e.Status, e.Method, path, e.Err)
	case e.Status != 0:
		status := strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
		text += fmt.Sprintf("Plex answered %s to %s %s", status, e.Method, path)
	case errors.Is(e.Err, context.DeadlineExceeded):
		text += "no answer in time"
	default:
		text += fmt.Sprint(e.Err)
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return oneLine(text)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// TimedOut reports whether an error means that Plex is up but did not answer in time. A smaller request may succeed.
func TimedOut(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Timeout
}

// oneLine returns a text without control characters, cut to 300 runes.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }), " ")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:299]) + "…"
	}
	return text
}

// errShape means that a successful answer is not in Plex's format.
var errShape = errors.New("the answer is not in Plex's format")

// errTooLarge means that an answer exceeds bodyLimit.
var errTooLarge = errors.New("the answer is larger than expected")

// errProxy means that the proxy in the environment is invalid.
var errProxy = errors.New("HTTPS_PROXY is not a valid address")

// failure describes a failed request.
type failure struct {
	err      error // of the transport or the decoder; nil if the status is the only cause
	status   int   // 0 if there was no answer
	header   http.Header
	head     string // the beginning of the body of an error
	early    bool   // no connection existed yet
	fresh    bool   // the connection was new
	plain    bool   // the connection was not encrypted
	identity bool   // every Plex server answers this request
	probe    bool   // the request only checks whether Plex is up
}

// Hints that several failures share.
const (
	hintAddress  = `the answer does not come from Plex; check "Plex address" (plexUrl)`
	hintStarting = "Plex is starting or in maintenance"
)

// classify decides what a failure means. Nothing else does.
func classify(f failure, now time.Time) (c Class, hint string, retryAfter time.Duration) {
	if f.err != nil {
		c, hint = f.transport()
	} else {
		c, hint = f.answer()
		if c == Temporary || c == Down {
			retryAfter = parseRetryAfter(f.header, now)
		}
	}
	switch {
	case c == Unauthorized, c == Down:
	case (f.identity || f.probe) && f.status == http.StatusServiceUnavailable:
		c, hint = Down, hintStarting
	case (f.identity || f.probe) && (c == NotFound || c == Rejected):
		c, hint = Down, hintAddress
	case f.probe && f.status == http.StatusOK:
		c, hint = Down, hintAddress
	case f.probe && isTimeout(f.err):
		c, hint = Down, "Plex may be busy; its database can be locked for a while"
	case f.probe && f.status == 0:
		c = Down
	}
	return c, hint, retryAfter
}

// answer classifies a status.
func (f failure) answer() (Class, string) {
	switch status := f.status; {
	case status == http.StatusUnauthorized || status == 498:
		return Unauthorized, `the token is not accepted; copy the owner's token into "Plex token" (plexToken)`
	case status == http.StatusForbidden:
		return Unauthorized, `the token has no permission; copy the owner's token into "Plex token" (plexToken)`
	case status == http.StatusNotFound:
		return NotFound, ""
	case status >= 300 && status < 400:
		return Down, `the server redirects the request; set "Plex address" (plexUrl) to the address of Plex itself`
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return Temporary, ""
	case status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		return Down, "a proxy answers, but Plex behind it does not; check that Plex is running"
	case status == http.StatusServiceUnavailable && strings.Contains(f.head, `title="Maintenance"`):
		return Down, hintStarting
	case status == http.StatusNotImplemented, status >= 400 && status < 500:
		return Rejected, ""
	}
	return Temporary, ""
}

// transport distinguishes a server that is down from one that did not complete its answer.
func (f failure) transport() (Class, string) {
	dial, _ := errors.AsType[*net.OpError](f.err)
	_, plain := errors.AsType[tls.RecordHeaderError](f.err)
	_, unknown := errors.AsType[*net.DNSError](f.err)
	switch {
	case errors.Is(f.err, errShape), errors.Is(f.err, errTooLarge):
		return Temporary, ""
	case errors.Is(f.err, errProxy), dial != nil && dial.Op == "proxyconnect":
		return Down, "the proxy in HTTPS_PROXY cannot be used; correct it, or add Plex's host to NO_PROXY"
	case unknown:
		return Down, `Stash's computer cannot resolve the host name; check "Plex address" (plexUrl)`
	case plain:
		return Down, `"Plex address" (plexUrl) begins with https, but the answer is not encrypted; try http`
	case isTLS(f.err):
		return Down, `the certificate is not accepted; use https://….plex.direct or, on a trusted network, "Accept any certificate" (insecureTLS)`
	case f.early, dial != nil && dial.Op == "dial", errors.Is(f.err, syscall.ECONNREFUSED):
		return Down, `check that Plex is running and that "Plex address" (plexUrl) is right as seen from Stash`
	case f.status == 0 && f.plain && f.fresh && isReset(f.err): // this is how Plex refuses a connection without TLS
		return Temporary, `if Plex requires secure connections, "Plex address" (plexUrl) must begin with https`
	}
	return Temporary, ""
}

// isTLS reports whether the handshake failed.
func isTLS(err error) bool {
	return strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "x509: ")
}

// WSAECONNABORTED and WSAECONNRESET. On Windows, no system call returns syscall.ECONNRESET, a number that Go invents.
const (
	windowsAborted = syscall.Errno(10053)
	windowsReset   = syscall.Errno(10054)
)

// isReset reports whether the connection closed before an answer.
func isReset(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, windowsAborted, windowsReset},
		func(end error) bool { return errors.Is(err, end) })
}

// isTimeout reports whether an error is a timeout.
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
	// For a number out of range, ParseUint returns the largest one.
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return min(time.Duration(min(seconds, 3600))*time.Second, LongestRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), LongestRetryAfter)
	}
	return 0
}
