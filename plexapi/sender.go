package plexapi

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// protocolHeader is in every answer of Plex. A proxy may remove it from all of them.
const protocolHeader = "X-Plex-Protocol"

// ErrPage means that a web page answered a request successfully.
var ErrPage = errors.New("a web page, not Plex")

// Sender names what sent the answer: Plex, something in front of it, or, if that is unknown, the server.
func (e *Error) Sender() string {
	switch {
	case !e.Foreign:
		return "Plex"
	case e.InFront:
		return "something in front of Plex"
	}
	return "the server"
}

// SenderOf returns the Sender of the *Error in err; "Plex" if there is none.
func SenderOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Sender()
	}
	return (&Error{}).Sender()
}

// identifySender finds out whether Plex itself sent an answer. seen reports whether the server ever sent Plex's header.
func (f *failure) identifySender(seen bool) {
	if f.status == 0 {
		return
	}
	f.login = f.header.Get("WWW-Authenticate") != "" // Plex knows no login of this kind
	f.foreign = f.login || f.header.Get(protocolHeader) == ""
	refused := f.status == http.StatusUnauthorized || f.status == http.StatusForbidden
	f.inFront = f.foreign && (seen || f.login || f.anonymous && refused)
}

// product matches the first product of a Server header. It has no room for a token, which a proxy may repeat.
var product = regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{0,19}(/[0-9.]{1,9})?( |$)`)

// serverName returns the first product of a Server header, "" if that is unusual or contains the token.
func serverName(h http.Header, token string) string {
	name := strings.TrimSpace(product.FindString(h.Get("Server")))
	if token != "" && strings.Contains(name, token) {
		return ""
	}
	return name
}

// compression matches the known first codings of a Content-Encoding header; "identity", for one, compresses nothing.
var compression = regexp.MustCompile(`^(?i:br|zstd|deflate|compress|gzip)\b`)

// withoutPage returns the body of an answer of status 200, or page if that is a web page of something else than Plex.
// Plex itself answers some writes with a page that says "200 OK".
func withoutPage(h http.Header, body io.Reader) (_ io.Reader, page bool) {
	if h.Get(protocolHeader) != "" {
		return body, false
	}
	r := bufio.NewReader(body)
	r.Peek(1) // what arrives with the first byte is enough; the reader of the body sees an error again
	head, _ := r.Peek(r.Buffered())
	return r, strings.HasPrefix(http.DetectContentType(head), "text/html") && !strings.Contains(string(head), "<h1>200 OK</h1>")
}
