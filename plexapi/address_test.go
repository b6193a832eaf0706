package plexapi

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// dead is a transport without a connection.
type dead struct{ err error }

func (d dead) RoundTrip(*http.Request) (*http.Response, error) { return nil, d.err }

func TestErrorExplainsASuspiciousAddress(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	unknown := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
	for _, c := range []struct {
		url  string
		err  error
		want string // "" if the address is not suspicious
	}{
		{"http://10.0.0.160", refused, "try http://10.0.0.160:32400"},
		{"http://[::1]", refused, "try http://[::1]:32400"},
		{"https://plex/base", unknown, "try https://plex:32400"},
		{"http://nas.local:32400", unknown, "use the IP address"},
		{"http://NAS.Local.", unknown, "use the IP address"},
		{"http://10.0.0.160:32400", refused, ""},
		{"http://10.0.0.160", errors.New("tls: bad certificate"), ""},
	} {
		client, err := New(Config{URL: c.url, Token: "t", Transport: dead{c.err}})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = client.Probe(t.Context())
		hinted := strings.Contains(err.Error(), ".local often") || strings.Contains(err.Error(), "no port")
		if !strings.Contains(err.Error(), c.want) || hinted != (c.want != "") {
			t.Errorf("%s, %v: %v, want %q in it", c.url, c.err, err, c.want)
		}
	}
}
