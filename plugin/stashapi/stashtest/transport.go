package stashtest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"

	"github.com/stashapp/stash/pkg/plugin/common"
)

// Transport returns a RoundTripper that calls the server without a network, for tests with a simulated clock. Refused
// and cut connections fail as on a network.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

// Refuse makes Transport refuse connections, as Stop does on the network.
func (s *Server) Refuse(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = refuse
}

type transport struct{ s *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil { // the request is not sent
		return nil, err
	}
	t.s.mu.Lock()
	refused := t.s.refused
	t.s.mu.Unlock()
	if refused {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	type result struct {
		res *http.Response
		err error
	}
	done := make(chan result, 1)
	go func() {
		w := httptest.NewRecorder()
		cut := serve(t.s, w, r)
		res := w.Result()
		switch {
		case !cut:
			done <- result{res: res}
		case w.Body.Len() == 0:
			done <- result{err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
		default:
			res.Body = io.NopCloser(io.MultiReader(res.Body, broken{}))
			done <- result{res: res}
		}
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case got := <-done:
		return got.res, got.err
	}
}

// serve calls the handler, and reports whether it cut the connection, which it does by a panic of net/http.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			cut = true
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, r.Clone(r.Context()))
	return false
}

// broken is the rest of a truncated body.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Connection returns the connection that Stash passes to a plugin, for a server that is not started.
func Connection() common.StashServerConnection {
	return common.StashServerConnection{Scheme: "http", Host: "stash.invalid", Port: 9999}
}
