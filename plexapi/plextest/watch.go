package plextest

// Watch has f called for each request: when it has arrived, and again when it is carried out and its answer is
// about to leave. A panic of f with http.ErrAbortHandler cuts the connection; at first the request then takes
// no effect.
func (s *Server) Watch(f func(r Request, done bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// watched tells the watcher of a request, and returns what tells that it is done.
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
