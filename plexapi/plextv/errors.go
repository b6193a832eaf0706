package plextv

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class is what a failure means.
type Class string

// The classes.
const (
	Unreachable Class = "unreachable" // no connection to plex.tv
	Slow        Class = "slow"        // no answer in time
	Clock       Class = "clock"       // the certificate is not valid at the time that our clock shows
	Limited     Class = "limited"     // too many requests
	Refused     Class = "refused"     // the token is not accepted
	Expired     Class = "expired"     // the PIN is no longer valid
	Odd         Class = "odd"         // an answer that plex.tv should not give; a later attempt may succeed
)

// Error is a failed request to plex.tv. It contains no token.
type Error struct {
	Class      Class
	Op         string        // after "cannot"
	Status     int           // 0 if there was no answer
	RetryAfter time.Duration // that plex.tv asks for; 0 if it does not
	Err        error         // nil if the status is the only cause
}

// Error returns one line with the operation, the failure and the next step.
func (e *Error) Error() string {
	text := "cannot " + e.Op + ": "
	switch {
	case e.Class == Slow:
		text += "plex.tv did not answer in time"
	case e.Status != 0 && e.Err == nil:
		text += strings.TrimSpace(fmt.Sprintf("plex.tv answered %d %s", e.Status, http.StatusText(e.Status)))
	default:
		text += fmt.Sprint(e.Err)
	}
	return text + "; " + hints[e.Class]
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var hints = map[Class]string{
	Unreachable: "check that Stash's computer reaches https://plex.tv, and the proxy in HTTPS_PROXY if there is one",
	Slow:        "try again",
	Clock:       "correct the clock of Stash's computer",
	Limited:     "wait a few minutes, then try again",
	Refused:     "sign in again",
	Expired:     "start the sign-in again",
	Odd:         "try again later",
}

var (
	errProxy = errors.New("HTTPS_PROXY is not a valid address")
	errShape = errors.New("the answer of plex.tv is not in the expected format")
)

// failed returns the *Error for a request without a complete answer.
func failed(op string, err error) *Error {
	e := &Error{Class: Unreachable, Op: op}
	invalid, outdated := errors.AsType[x509.CertificateInvalidError](err)
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case outdated && invalid.Reason == x509.Expired:
		e.Class, e.Err = Clock, errors.New("the certificate of plex.tv is not valid at this time")
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		e.Class = Slow
	case errors.Is(err, errProxy):
		e.Err = errProxy
	case strings.Contains(err.Error(), "x509: "), strings.Contains(err.Error(), "tls: "):
		e.Err = errors.New("what answers as plex.tv has no certificate of plex.tv")
	default:
		e.Err = cause(err)
	}
	return e
}

// cause returns an error without the parts that may quote an address with a password, as that of a proxy.
func cause(err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("the name %s cannot be resolved", dns.Name)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("no connection (%s): %w", op.Op, op.Err)
	}
	return errors.New("the connection ended early")
}

// refused returns the *Error for an answer with another status than 2xx.
func refused(op string, res *http.Response, now time.Time) *Error {
	e := &Error{Class: Odd, Op: op, Status: res.StatusCode}
	switch res.StatusCode {
	case http.StatusUnauthorized:
		e.Class = Refused
	case http.StatusTooManyRequests:
		e.Class, e.RetryAfter = Limited, retryAfter(res.Header.Get("Retry-After"), now)
	}
	return e
}

// retryAfter reads seconds or an HTTP date, at most an hour.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return 0
}
