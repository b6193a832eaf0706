package plextest

// Watch calls f twice for each request: when it arrives, and after it has taken effect, before its answer is sent. A
// panic of f with http.ErrAbortHandler cuts the connection; in the first call the request then has no effect.
func (s *Server) Watch(f func(r Request, done bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// watched calls the watcher for a request and returns a function that calls it again at the end.
func (s *Server) watched(r Request) (done func()) {
	s.mu.Lock()
	f := s.watch
	s.mu.Unlock()
	if f == nil {
		return func() {}
	}
	f(r, false)
	return func() { f(r, true) }
}
