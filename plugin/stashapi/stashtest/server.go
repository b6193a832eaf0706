// Package stashtest is a stand-in for Stash: its GraphQL interface, which answers only what is valid under
// Stash's own schema, and its plugin host, which is Stash's own code (stash/pkg/plugin) around it.
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
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stashapp/stash/pkg/session"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Query is one GraphQL request that reached the server.
type Query struct {
	Operation string
	Variables map[string]any
}

// Fault is something that goes wrong with queries.
type Fault struct {
	Operation string        // name of the query; "" for any
	Times     int           // 0 for ever
	Delay     time.Duration // the answer is late
	Status    int           // an answer with this status and no body
	Hang      bool          // no answer until the client gives up
	Reset     bool          // the connection ends without an answer
	Truncate  bool          // the body ends in the middle
	Message   string        // a GraphQL error
	left      int
}

// Server is a Stash with scenes.
type Server struct {
	schema *ast.Schema

	mu       sync.Mutex
	zone     *time.Location
	clock    func() time.Time
	scenes   map[int]*Scene
	named    map[string]map[int]string // kind, id: name
	settings map[string]map[string]any
	broken   map[int]bool // scenes that cannot be read
	faults   []*Fault
	log      []Query
	apiKey   string // with one, there are credentials
	sessions *session.Store
	refused  bool // by Transport
	queue    *queue
	operate  func(ctx context.Context, plugin string, args map[string]any) (any, error) // of the Host

	listener net.Listener
	tls      *tls.Config // nil: http
	http     *http.Server
}

// New returns a server that is not started yet. It reads Stash's schema out of the module cache.
func New() (*Server, error) {
	schema, err := loadSchema()
	if err != nil {
		return nil, err
	}
	s := &Server{
		schema: schema, zone: time.UTC, clock: time.Now,
		scenes: make(map[int]*Scene), named: make(map[string]map[int]string), settings: make(map[string]map[string]any), broken: make(map[int]bool),
	}
	s.sessions = session.NewStore(sessionConfig{maxAge: 3600})
	s.queue = newQueue()
	return s, nil
}

func loadSchema() (*ast.Schema, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/stashapp/stash").Output()
	if err != nil {
		return nil, fmt.Errorf("find Stash's schema: %w", err)
	}
	var sources []*ast.Source
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(out)), "graphql", "schema"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".graphql") {
			return err
		}
		text, err := os.ReadFile(path)
		sources = append(sources, &ast.Source{Name: path, Input: string(text)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read Stash's schema: %w", err)
	}
	return gqlparser.LoadSchema(sources...)
}

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

// Stop ends the server at once: connections are refused from now on.
func (s *Server) Stop() {
	s.mu.Lock()
	srv := s.http
	s.http = nil
	s.mu.Unlock()
	if srv != nil {
		srv.Close() // that is the point
	}
}

// Restart listens again on the same port.
func (s *Server) Restart() error { return s.listen(s.listener.Addr().String()) }

// Port is where the server listens.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// SetZone sets the server's zone: times are stored as text in it.
func (s *Server) SetZone(zone *time.Location) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone = zone
}

// SetClock makes the server's times come from now.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

// SetSettings replaces what the user set for a plugin.
func (s *Server) SetSettings(plugin string, settings map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings[plugin] = settings
}

// RequireLogin sets credentials: from now on every query needs this key, or a session not older than maxAge
// seconds. Each answer renews the session.
func (s *Server) RequireLogin(apiKey string, maxAge int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apiKey = apiKey
	s.sessions = session.NewStore(sessionConfig{apiKey, maxAge})
}

// Inject makes a fault happen until it is used up or Heal is called.
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

// Queries returns what has reached the server since the last call of Forget.
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
	if r.URL.Path != "/graphql" || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	if s.needsLogin() {
		user, err := s.store().Authenticate(w, r)
		if err != nil || user == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	op, vars, errs := s.parse(r)
	if len(errs) > 0 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		write(w, nil, errs)
		return
	}
	s.mu.Lock()
	s.log = append(s.log, Query{Operation: op.Name, Variables: vars})
	s.mu.Unlock()
	if f := s.fault(op.Name); f != nil && f.happen(w, r) {
		return
	}
	data, err := s.execute(r.Context(), op, vars)
	if err != nil {
		write(w, nil, gqlerror.List{gqlerror.Wrap(err)})
		return
	}
	write(w, data, nil)
}

// parse reads a query, and refuses what is not valid under Stash's schema.
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
	doc, errs := gqlparser.LoadQueryWithRules(s.schema, in.Query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, nil, errs
	}
	op := doc.Operations.ForName(in.OperationName)
	if op == nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("operation %s not found", in.OperationName)}
	}
	vars, err := validator.VariableValues(s.schema, op, in.Variables)
	if err != nil {
		return nil, nil, gqlerror.List{gqlerror.Wrap(err)}
	}
	return op, vars, nil
}

// happen lets the fault happen, and reports whether that was all of the answer.
func (f *Fault) happen(w http.ResponseWriter, r *http.Request) bool {
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
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(`{"data":{"findScenes":`)) // the client may be gone
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

func (s *Server) needsLogin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apiKey != ""
}

func (s *Server) store() *session.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// sessionConfig is what Stash's own session store asks of its configuration.
type sessionConfig struct {
	apiKey string
	maxAge int // seconds
}

func (c sessionConfig) GetUsername() string                     { return "admin" }
func (c sessionConfig) GetAPIKey() string                       { return c.apiKey }
func (c sessionConfig) GetSessionStoreKey() []byte              { return []byte("0123456789abcdef0123456789abcdef") }
func (c sessionConfig) GetMaxSessionAge() int                   { return c.maxAge }
func (c sessionConfig) ValidateCredentials(string, string) bool { return false }

// Session returns a new session of the user, in the form of a Cookie header.
func (s *Server) Session() string {
	c := s.store().MakePluginCookie(session.SetCurrentUserID(context.Background(), "admin"))
	return c.Name + "=" + c.Value
}
