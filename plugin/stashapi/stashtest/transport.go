package stashtest

import (
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/stashapp/stash/pkg/plugin/common"
)

// Transport returns a RoundTripper that calls the server without a network, for tests whose time is not
// real.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		t.s.ServeHTTP(w, r.Clone(r.Context()))
		done <- w.Result()
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case res := <-done:
		return res, nil
	}
}

// Connection is what Stash tells a plugin of itself, for a server that was not started.
func Connection() common.StashServerConnection {
	u := url.URL{Scheme: "http", Host: "stash.invalid:9999"}
	return common.StashServerConnection{Scheme: u.Scheme, Host: u.Hostname(), Port: 9999}
}
