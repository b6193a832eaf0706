package plexapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
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
	Op         string // the operation after "cannot", such as "read 3 items"
	Method     string
	Path       string // without the query
	Status     int    // 0 if there was no answer
	RetryAfter time.Duration
	Foreign    bool   // the answer lacks Plex's header or asks for a login: a proxy or firewall in front of Plex may have sent it
	InFront    bool   // Foreign, and Plex itself certainly did not send it
	Server     string // the product that a Foreign answer names, such as nginx/1.25.3; "" if none
	Timeout    bool   // Plex is up but did not answer in time; a smaller request may succeed
	Hint       string
	Err        error // nil if the status is the only cause
}

// Error returns one line with the operation, the failure and the next step.
func (e *Error) Error() string {
	text, path, sender := "cannot "+e.Op+": ", e.Path, e.Sender()
	if e.Server != "" {
		sender += " (" + e.Server + ")"
	}
	if i := strings.IndexByte(path, ','); i >= 0 { // many keys would displace the hint
		path = path[:i] + ",…"
	}
	switch {
	case e.Status != 0 && e.Err != nil:
		text += fmt.Sprintf("%s answered %d to %s %s: %v", sender, e.Status, e.Method, path, e.Err)
	case e.Status != 0:
		status := statusText(e.Status)
		text += fmt.Sprintf("%s answered %s to %s %s", sender, status, e.Method, path)
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

// statusText returns a status with its name, if it has one.
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
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

// errCoded means that an answer is compressed, although only what Go decodes was asked for.
var errCoded = errors.New("the answer is compressed as")

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
	edit     bool   // the request is a PUT

	tokenHint string // see Config

	anonymous bool // the request had no token
	login     bool // the answer asks for a login by WWW-Authenticate
	foreign   bool // see Error
	inFront   bool // see Error
}

// Hints that several failures share.
const (
	hintAddress  = `the answer does not come from Plex; check "Plex address" (plexUrl)`
	hintStarting = "Plex is starting or in maintenance"
	hintToken    = `copy the owner's token into "Plex token" (plexToken)`
	hintItself   = `set "Plex address" (plexUrl) to Plex itself`
	hintBehind   = "a proxy answers, but Plex behind it does not; check that Plex is running"
	hintPage     = `"Plex address" (plexUrl) must lead to Plex itself, without a login page in front of it`
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
		c, hint = Down, f.unavailable()
	case (f.identity || f.probe) && c == NotFound && !f.foreign:
		c, hint = Down, `Plex has nothing at this address; check the path in "Plex address" (plexUrl)`
	case (f.identity || f.probe) && (c == NotFound || c == Rejected):
		c, hint = Down, hintAddress
	case f.probe && errors.Is(f.err, ErrPage):
		c = Down
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
	case status == http.StatusUnauthorized, status == 498, status == http.StatusForbidden:
		return f.refused()
	case status == http.StatusNotFound && f.inFront:
		return Down, `it does not pass the request on; check that Plex is running and that "Plex address" (plexUrl) is right`
	case status == http.StatusNotFound:
		return NotFound, ""
	case status >= 300 && status < 400:
		return Down, "the server redirects the request, perhaps to a login page; " + hintItself
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return Temporary, ""
	case status == http.StatusBadGateway || status == http.StatusGatewayTimeout, status >= 520 && status <= 530: // 520 to 530 are Cloudflare's
		return Down, hintBehind
	case status == http.StatusServiceUnavailable && strings.Contains(f.head, `title="Maintenance"`):
		return Down, hintStarting
	case f.edit && (status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented): // for each item alike
		return Down, "something in front of Plex does not let PUT requests through; permit them there, or " + hintItself
	case status == http.StatusNotImplemented, status >= 400 && status < 500:
		return Rejected, ""
	}
	return Temporary, ""
}

// refused classifies 401, 403 and 498. If Plex did not send the answer, or the request had no token, another token does
// not help.
func (f failure) refused() (Class, string) {
	c := Unauthorized
	if f.anonymous || f.login {
		c = Down
	}
	why := "the token is not accepted"
	if f.status == http.StatusForbidden {
		why = "the token has no permission"
	}
	switch {
	case f.inFront && f.status == http.StatusForbidden && !f.login:
		return c, "allow the request there, or " + hintItself
	case f.inFront:
		return c, "it asks for a login of its own: " + hintItself
	case f.foreign:
		return c, "if a proxy in front of Plex refuses the request, " + hintItself + "; if Plex does, " + f.another()
	case f.anonymous:
		return c, `this request needs no token; check that "Plex address" (plexUrl) is the address of the server alone`
	}
	return c, why + "; " + f.another()
}

// another returns what to do about a token that is refused.
func (f failure) another() string { return cmp.Or(f.tokenHint, hintToken) }

// unavailable returns the hint for a probe that is answered 503.
func (f failure) unavailable() string {
	switch {
	case f.inFront:
		return hintBehind
	case f.foreign:
		return hintStarting + ", or a proxy in front of it does not reach it"
	}
	return hintStarting
}

// transport distinguishes a server that is down from one that did not complete its answer.
func (f failure) transport() (Class, string) {
	dial, _ := errors.AsType[*net.OpError](f.err)
	_, plain := errors.AsType[tls.RecordHeaderError](f.err)
	_, unknown := errors.AsType[*net.DNSError](f.err)
	switch {
	case errors.Is(f.err, ErrPage):
		return Temporary, hintPage
	case errors.Is(f.err, errCoded):
		return Down, "something in front of Plex compresses answers without being asked; switch that off, or " + hintItself
	case errors.Is(f.err, errShape), errors.Is(f.err, errTooLarge):
		return Temporary, ""
	case errors.Is(f.err, errProxy), dial != nil && dial.Op == "proxyconnect":
		return Down, "the proxy in HTTPS_PROXY cannot be used; correct it, or add Plex's host to NO_PROXY"
	case unknown:
		return Down, `Stash's computer cannot resolve the host name; check "Plex address" (plexUrl)`
	case plain:
		return Down, `"Plex address" (plexUrl) begins with https, but the answer is not encrypted; try http`
	case isOutdated(f.err):
		return Down, "the certificate is out of date; check the clock of Stash's computer, then the certificate"
	case isTLS(f.err):
		return Down, `the certificate is not accepted; use https://….plex.direct or, on a trusted network, "Accept any certificate" (insecureTLS)`
	case f.early, dial != nil && dial.Op == "dial", errors.Is(f.err, syscall.ECONNREFUSED):
		return Down, `check that Plex is running and that "Plex address" (plexUrl) is right as seen from Stash`
	case f.status == 0 && f.plain && f.fresh && isReset(f.err): // this is how Plex refuses a connection without TLS
		return Temporary, `if Plex requires secure connections, "Plex address" (plexUrl) must begin with https`
	}
	return Temporary, ""
}

// isOutdated reports whether a certificate has expired or is not valid yet.
func isOutdated(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
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
