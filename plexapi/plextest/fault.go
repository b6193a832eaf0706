package plextest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// A Fault is a failure of requests.
type Fault struct {
	Method string             // "" for any
	Prefix string             // of the path
	Match  func(Request) bool // nil: all
	Skip   int                // how many requests succeed first
	Times  int                // how often; 0: forever

	Delay    time.Duration   // before the answer
	Until    <-chan struct{} // no answer before this is closed; nil: at once
	Hang     bool            // no answer until the client gives up
	Refuse   bool            // Transport refuses the connection
	Reset    bool            // the connection is cut before an answer
	Truncate bool            // the body ends in the middle
	Status   int             // an answer with this status instead
	Header   http.Header
	Body     string // of that answer; "": Plex's page for the status
	Empty    bool   // that answer has no body
	Front    bool   // that answer comes from a proxy in front of Plex

	After bool // the request takes effect first, and only its answer fails
	left  int
}

// refusal is the panic of a fault that refuses the connection.
type refusal struct{}

// Inject adds a fault, which lasts until it is used up or Heal is called.
func (s *Server) Inject(f Fault) {
	f.left = f.Times
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// LockDatabase makes all requests for the library hang. The server still answers /identity.
func (s *Server) LockDatabase() { s.Inject(Fault{Prefix: "/library", Hang: true}) }

// Migrate makes the server answer as Plex does while it starts.
func (s *Server) Migrate() {
	s.Inject(Fault{Status: http.StatusServiceUnavailable, Body: `<Response code="503" title="Maintenance" status="Plex Media Server is currently running database migrations."/>`})
}

// Heal removes all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault returns the fault of a request, or nil, and marks the request as faulty.
func (s *Server) fault(e entry) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != e.request.Method || !strings.HasPrefix(e.request.Path, f.Prefix) || f.Match != nil && !f.Match(e.request) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if e.i < len(s.log) { // false if Forget has removed it
			s.log[e.i].Faulty = true
		}
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		return f
	}
	return nil
}

// happen applies the fault and returns the status that was sent.
func (f *Fault) happen(w http.ResponseWriter, r *http.Request, route func(http.ResponseWriter) int) int {
	if f.Delay > 0 {
		select {
		case <-r.Context().Done():
			return 0
		case <-time.After(f.Delay):
		}
	}
	if f.Until != nil {
		select {
		case <-r.Context().Done():
			return 0
		case <-f.Until:
		}
	}
	switch {
	case f.Hang:
		<-r.Context().Done()
		return 0
	case f.Refuse:
		panic(refusal{})
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Truncate:
		c := &cut{ResponseWriter: w}
		route(c)
		c.flush()
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		if f.Front {
			w.Header().Del(protocolHeader)
		}
		maps.Copy(w.Header(), f.Header)
		if f.Body == "" && !f.Empty {
			return page(w, f.Status)
		}
		w.WriteHeader(f.Status)
		fmt.Fprint(w, f.Body) // the client may be gone
		return f.Status
	}
	return route(w)
}

// cut sends half of an answer.
type cut struct {
	http.ResponseWriter
	body []byte
}

func (c *cut) Write(b []byte) (int, error) {
	c.body = append(c.body, b...)
	return len(b), nil
}

func (c *cut) flush() {
	c.ResponseWriter.Header().Set("Content-Length", fmt.Sprint(len(c.body)))
	c.ResponseWriter.Write(c.body[:len(c.body)/2]) // the client may be gone
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// carriedOut performs a request and returns a function that sends its answer.
func carriedOut(route func(http.ResponseWriter) int) func(http.ResponseWriter) int {
	kept := httptest.NewRecorder()
	status := route(kept)
	return func(w http.ResponseWriter) int {
		maps.Copy(w.Header(), kept.Header())
		if status != http.StatusOK {
			w.WriteHeader(status)
		}
		w.Write(kept.Body.Bytes()) // the client may be gone
		return status
	}
}
