// Package plextest provides a test server that behaves like Plex Media Server. It follows measured or documented
// behaviour, refuses what Plex refuses, records every request, and can fail in every way in which Plex fails. Options
// switch unknown behaviour.
package plextest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Request is one request that reached the server.
type Request struct {
	At     time.Time
	Method string
	Path   string      // below the base path
	Query  string      // as sent
	Status int         // 0: cut off or never answered
	Header http.Header // without the token
	Faulty bool        // a fault affected the request
}

// Server is a Plex server with libraries. Use New to create one.
type Server struct {
	Token    string
	BasePath string // "" or "/plex", as behind a proxy

	mu       sync.Mutex
	machine  string
	clock    func() time.Time
	sections []*section
	nextKey  int
	faults   []*Fault
	log      []Request
	options  Options
	writing  int
	most     int // writes at the same time
	careless int // see Careless
	scans    []Scan
	watch    func(r Request, done bool) // see Watch

	accounts []user // besides the owner
	viewer   int    // the account of the request that is answered
	history  []play // in the order of the ids
	lastPlay int    // id
	sessions []session

	addr     string
	listener net.Listener
	http     *http.Server
	refused  bool // Transport refuses connections
}

// Options switch behaviour that is unknown or differs between versions of Plex.
type Options struct {
	Replace       bool   // a list of tags replaces the old one instead of adding to it
	FoldTags      bool   // tags that differ only in case are the same; the first spelling stays
	UnknownIs404  bool   // an edit of an unknown item answers 404 instead of 200 without effect
	EditIs404     bool   // PMS 1.43.0: edits of a section answer 404
	Strings       bool   // numbers and booleans are sent as strings
	PageSize      int    // largest page; 0: as requested
	Scanning      bool   // all libraries are being scanned
	Frozen        bool   // the times and the counter of a section never change
	ListIs404     bool   // a list of keys answers 404 if one is unknown
	NoSelect      bool   // an upload of a picture does not select it
	LocksOnUpload bool   // an upload of a picture locks it
	PictureRows   string // name of the rows in a list of pictures, "Photo" or "Directory"; "": Metadata
	AnyPicture    bool   // uploads accept pictures of any format
	ScanIsPost    bool   // scans are requested by POST, and GET answers 404
	SizeFilter    string // a filter by size: "" works, "ignored", or "refused" with 400
	Agent         string // of all libraries; "": the one of personal media
	NoPaths       bool   // files have no paths, as for a token that is not the owner's
	After         bool   // the history's filter by time leaves out the second itself
	LineLimit     int    // longer request lines answer 414, as with a proxy; 0: no limit
	// Keep returns the form in which Plex stores a value; nil: unchanged.
	Keep func(field, value string) string
	// Stuck holds the fields that do not change although an edit of them succeeds; thumb and art are pictures.
	Stuck map[string]bool
	// Refuse holds the status with which an edit of a field is refused; thumb and art are uploads.
	Refuse map[string]int
}

// New returns a server that is not yet started. It accepts only requests with this token.
func New(token string) *Server {
	return &Server{Token: token, machine: "0123456789abcdef0123456789abcdef01234567", clock: time.Now, nextKey: 1000}
}

// Start listens on a free port of 127.0.0.1.
func (s *Server) Start() error { return s.StartAt(0) }

// StartAt listens on a port of 127.0.0.1.
func (s *Server) StartAt(port int) error { return s.listen(fmt.Sprint("127.0.0.1:", port)) }

func (s *Server) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr, s.listener = l.Addr().String(), l
	s.http = &http.Server{Handler: s, IdleTimeout: 20 * time.Second, ReadHeaderTimeout: time.Minute}
	go s.http.Serve(l) // it ends with Stop
	return nil
}

// URL returns the server's address.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.addr + s.BasePath
}

// Stop stops the server at once. Its port is free and refuses connections.
func (s *Server) Stop() {
	s.mu.Lock()
	srv, l := s.http, s.listener
	s.http = nil
	s.mu.Unlock()
	if srv != nil {
		l.Close() // srv does not know l before Serve has begun
		srv.Close()
	}
}

// Restart listens again on the same port.
func (s *Server) Restart() error {
	s.mu.Lock()
	addr, running := s.addr, s.http != nil
	s.mu.Unlock()
	if running {
		return nil
	}
	return s.listen(addr)
}

// Configure changes the options.
func (s *Server) Configure(f func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.options)
}

// SetClock sets the clock of the server.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// SetMachine sets the machine identifier.
func (s *Server) SetMachine(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machine = id
}

// Machine returns the machine identifier.
func (s *Server) Machine() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine
}

// Requests returns the requests since the last call of Forget.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.log...)
}

// Count returns the number of requests with this method ("" for any) and this prefix of the path.
func (s *Server) Count(method, prefix string) int {
	n := 0
	for _, r := range s.Requests() {
		if (method == "" || r.Method == method) && strings.HasPrefix(r.Path, prefix) {
			n++
		}
	}
	return n
}

// Forget empties the log of requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

// MostWrites returns the largest number of simultaneous writes.
func (s *Server) MostWrites() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Careless returns the number of requests that a client must never send: edits without an item, which change a complete
// section, edits that clear a title, and scans that refresh all metadata.
func (s *Server) Careless() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.careless
}

// protocolHeader is in each answer of Plex, and in no answer of a proxy in front of it.
const protocolHeader = "X-Plex-Protocol"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, below := strings.CutPrefix(r.URL.Path, s.BasePath)
	entry := s.note(r, path)
	w.Header().Set("Date", entry.request.At.UTC().Format(http.TimeFormat))
	w.Header().Set(protocolHeader, "1.0")
	defer s.watched(Request{Method: r.Method, Path: path, Query: r.URL.RawQuery})()
	if s.tooLong(r) { // a proxy answers
		w.Header().Del(protocolHeader)
		entry.finish(page(w, http.StatusRequestURITooLong))
		return
	}
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		defer s.beginWrite()()
	}
	answer := func(w http.ResponseWriter) int {
		if !below || path == "" || strings.Contains(path, "//") {
			return page(w, http.StatusNotFound)
		}
		return s.route(w, r, path)
	}
	f := s.fault(entry)
	if f == nil {
		entry.finish(answer(w))
		return
	}
	if f.After {
		answer = carriedOut(answer)
	}
	entry.finish(f.happen(w, r, answer))
}

type entry struct {
	s       *Server
	i       int
	request Request
}

func (s *Server) note(r *http.Request, path string) entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	header := r.Header.Clone()
	header.Del("X-Plex-Token")
	request := Request{At: s.clock(), Method: r.Method, Path: path, Query: r.URL.RawQuery, Header: header}
	s.log = append(s.log, request)
	return entry{s, len(s.log) - 1, request}
}

func (e entry) finish(status int) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	if e.i < len(e.s.log) { // false if Forget has removed it
		e.s.log[e.i].Status = status
	}
}

// tooLong reports whether the line of the request exceeds the limit.
func (s *Server) tooLong(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := r.Method + " " + r.URL.RequestURI() + " HTTP/1.1"
	return s.options.LineLimit > 0 && len(line) > s.options.LineLimit
}

func (s *Server) beginWrite() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing++
	s.most = max(s.most, s.writing)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.writing--
	}
}

// page answers with Plex's page for a status. It is HTML for every request.
func page(w http.ResponseWriter, status int) int {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	text := http.StatusText(status)
	fmt.Fprintf(w, "<html><head><title>%s</title></head><body><h1>%d %s</h1></body></html>", text, status, text) // the client may be gone
	return status
}
