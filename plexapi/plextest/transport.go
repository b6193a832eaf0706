package plextest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
)

// Transport returns a RoundTripper that calls the server without a network, for tests with a fake clock. It refuses
// connections after Refuse. Cut connections and bodies cause the same errors as on a network.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil { // the request is not sent
		return nil, err
	}
	t.s.mu.Lock()
	down := t.s.refused
	t.s.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	type result struct {
		res *http.Response
		err error
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithCancel(r.Context())
	go func() {
		w := httptest.NewRecorder()
		defer cancel()
		defer func() {
			switch recover() {
			case nil:
				return
			case refusal{}:
				done <- result{nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
				return
			}
			if w.Body.Len() == 0 {
				done <- result{nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
				return
			}
			res := w.Result()
			res.Body = io.NopCloser(io.MultiReader(res.Body, broken{}))
			done <- result{res, nil}
		}()
		seen := r.Clone(ctx)
		if seen.Body == nil {
			seen.Body = http.NoBody
		}
		defer seen.Body.Close()
		t.s.ServeHTTP(w, seen)
		done <- result{w.Result(), nil}
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case got := <-done:
		return got.res, got.err
	}
}

// broken is the end of a cut body.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Refuse makes Transport refuse connections, as Stop does on the network.
func (s *Server) Refuse(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = refuse
}
