// Package stashtest simulates Stash: its GraphQL interface, which accepts only queries that are valid under Stash's own
// schema, and its plugin host, which is Stash's own code (stash/pkg/plugin).
package stashtest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stashapp/stash/pkg/plugin"
	"github.com/stashapp/stash/pkg/session"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Query is a request for GraphQL or for a picture that reached the server.
type Query struct {
	Operation string // "screenshot" for a picture
	Variables map[string]any
}

// Fault is a failure of queries.
type Fault struct {
	Operation string        // name of the query, or "screenshot"; "" for any
	Times     int           // 0: until Heal
	Delay     time.Duration // before the answer
	Status    int           // an answer with this status and no body
	Hang      bool          // no answer until the client disconnects
	Reset     bool          // the connection ends without an answer
	Truncate  bool          // the body ends in the middle
	Message   string        // a GraphQL error
	left      int
}

// Server is a Stash with scenes.
type Server struct {
	schema *ast.Schema

	mu              sync.Mutex
	zone            *time.Location
	clock           func() time.Time
	scenes          map[int]*Scene
	named           map[string]map[int]string // kind, id: name
	parents         map[string]map[int][]int  // kind, id: parents
	disambiguations map[int]string            // performer id: disambiguation
	settings        map[string]map[string]any
	ui              map[string]any  // of the web app
	plugins         map[string]bool // whether each is enabled
	broken          map[int]bool    // scenes that cannot be read
	faults          []*Fault
	log             []Query
	apiKey          string // "" without credentials
	sessions        *session.Store
	refused         bool // by Transport
	queue           *queue
	external        string                                                                     // the external host of Stash's configuration
	language        string                                                                     // of Stash's interface
	web             http.Handler                                                               // the web app; nil: one empty page
	cached          *plugin.Cache                                                              // of the Host
	operate         func(ctx context.Context, plugin string, args map[string]any) (any, error) // of the Host

	listener net.Listener
	tls      *tls.Config // nil: http
	http     *http.Server
}

// New returns a server that is not started. It reads Stash's schema from the module cache.
func New() (*Server, error) {
	schema, err := loadSchema()
	if err != nil {
		return nil, err
	}
	return newServer(schema), nil
}

// Another returns a new server that is not started. It shares only the schema, which is slow to read.
func (s *Server) Another() *Server { return newServer(s.schema) }

func newServer(schema *ast.Schema) *Server {
	s := &Server{
		schema: schema, zone: time.UTC, clock: time.Now, language: "en-US",
		scenes: make(map[int]*Scene), named: make(map[string]map[int]string), parents: make(map[string]map[int][]int), disambiguations: make(map[int]string), settings: make(map[string]map[string]any), ui: make(map[string]any), broken: make(map[int]bool),
	}
	s.sessions = session.NewStore(sessionConfig{maxAge: 3600})
	s.queue = newQueue()
	return s
}

// loadSchema reads Stash's schema once: that is slow and starts a process, and hundreds of tests need it.
var loadSchema = sync.OnceValues(func() (*ast.Schema, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/stashapp/stash").Output()
	if err != nil {
		return nil, fmt.Errorf("find Stash's schema: %w", err)
	}
	var sources []*ast.Source
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(out)), "graphql", "schema"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".graphql") {
			return err
		}
		text, err := os.ReadFile(name)
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read Stash's schema: %w", err)
	}
	return gqlparser.LoadSchema(sources...)
})

// Start listens on a free port of 127.0.0.1.
func (s *Server) Start() error { return s.listen("127.0.0.1:0") }

func (s *Server) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = l
	if s.tls != nil {
		l = tls.NewListener(l, s.tls)
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go s.http.Serve(l) // it ends with Stop
	return nil
}

// Stop ends the server at once: its port is free, and connections are refused.
func (s *Server) Stop() {
	s.mu.Lock()
	srv, l := s.http, s.listener
	s.http = nil
	s.mu.Unlock()
	if srv != nil {
		l.Close() // Serve may not have begun, and srv would not know it yet
		srv.Close()
	}
}

// Restart listens again on the same port.
func (s *Server) Restart() error { return s.listen(s.listener.Addr().String()) }

// Port returns the server's port.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// SetZone sets the time zone in which times are stored as text from now on.
func (s *Server) SetZone(zone *time.Location) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone = zone
}

// SetClock sets the clock of the server.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// SetSettings replaces the settings of a plugin.
func (s *Server) SetSettings(plugin string, settings map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings[plugin] = settings
}

// SetPlugin installs a plugin, enabled or not.
func (s *Server) SetPlugin(id string, enabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plugins == nil {
		s.plugins = make(map[string]bool)
	}
	s.plugins[id] = enabled
}

// Inject adds a fault, until it is used up or Heal is called.
func (s *Server) Inject(f Fault) {
	f.left = f.Times
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.broken = nil, make(map[int]bool)
}

// Queries returns the requests that have reached the server since the last call of Forget.
func (s *Server) Queries() []Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Forget empties the log of queries.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	switch {
	case strings.HasPrefix(r.URL.Path, "/login") && s.app() == nil:
		webPage(w)
	case !strings.HasPrefix(r.URL.Path, "/login") && s.needsLogin() && !s.admits(w, r):
	case r.URL.Path == "/graphql" && r.Method == http.MethodPost:
		s.graphql(w, r)
	case coverRoute.MatchString(r.URL.Path):
		s.screenshot(w, r)
	case s.app() != nil:
		s.app().ServeHTTP(w, r)
	case path.Ext(r.URL.Path) == "" && r.URL.Path != "/graphql":
		webPage(w)
	default:
		http.NotFound(w, r)
	}
}

// graphql answers a query.
func (s *Server) graphql(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	op, vars, errs := s.parse(r)
	if len(errs) > 0 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		write(w, nil, errs)
		return
	}
	s.note(Query{Operation: op.Name, Variables: vars})
	if f := s.fault(op.Name); f != nil && f.happen(w, r, `{"data":{"findScenes":`) {
		return
	}
	data, errs := s.execute(r, op, vars)
	write(w, data, errs)
}

func (s *Server) note(q Query) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, q)
}

// parse reads a query, and refuses one that is not valid under Stash's schema.
func (s *Server) parse(r *http.Request) (*ast.OperationDefinition, map[string]any, gqlerror.List) {
	var in struct {
		OperationName string
		Query         string
		Variables     map[string]any
	}
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("json request body could not be decoded: %v", err)}
	}
	return s.validate(in.OperationName, in.Query, in.Variables)
}

// validate parses a document under Stash's schema.
func (s *Server) validate(name, query string, variables map[string]any) (*ast.OperationDefinition, map[string]any, gqlerror.List) {
	doc, errs := gqlparser.LoadQueryWithRules(s.schema, query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, nil, errs
	}
	op := doc.Operations.ForName(name)
	if op == nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("operation %s not found", name)}
	}
	vars, err := validator.VariableValues(s.schema, op, variables)
	if err != nil {
		return nil, nil, gqlerror.List{gqlerror.Wrap(err)}
	}
	return op, vars, nil
}

// happen applies the fault, and reports whether the request is answered. half is the start of a truncated body.
func (f *Fault) happen(w http.ResponseWriter, r *http.Request, half string) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return true
		}
	}
	switch {
	case f.Hang:
		<-r.Context().Done()
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Truncate:
		w.Header().Set("Content-Length", strconv.Itoa(1000+len(half)))
		io.WriteString(w, half) // the client may be gone
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		w.WriteHeader(f.Status)
	case f.Message != "":
		write(w, nil, gqlerror.List{gqlerror.Errorf("%s", f.Message)})
	default:
		return false
	}
	return true
}

func (s *Server) fault(operation string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Operation != "" && f.Operation != operation {
			continue
		}
		if f.Times > 0 {
			if f.left--; f.left == 0 {
				s.faults = slices.Delete(slices.Clone(s.faults), i, i+1)
			}
		}
		return f
	}
	return nil
}

func write(w http.ResponseWriter, data any, errs gqlerror.List) {
	out := map[string]any{"data": data}
	if len(errs) > 0 {
		out["errors"] = errs
	}
	json.NewEncoder(w).Encode(out) // the client may be gone
}

func (s *Server) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock()
}
