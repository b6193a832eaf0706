package uitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Fault makes operations of the page fail between the browser and Stash.
type Fault struct {
	Mode   string        // of the operation; "" for any
	Times  int           // 0: until Heal
	Delay  time.Duration // before the answer
	Hang   bool          // no answer until the page goes away
	Error  string        // an error of the plugin
	Answer string        // JSON in place of the plugin's answer, such as null or {}
	Status int           // of HTTP, without a body
	left   int
}

// front is the server that the browser talks to. What it does not do itself, the simulated Stash does.
type front struct {
	w      *World
	built  string // the folder of the host page
	server *httptest.Server

	sockets sync.Map // the connections of pages that listen to events

	mu      sync.Mutex
	prefix  string
	faults  []*Fault
	ops     []string // modes of operations that the page has called
	tasks   []string // modes or names of tasks that the page has started
	running int      // operations without an answer
}

func newFront(w *World, built string) *front {
	f := &front{w: w, built: built}
	f.server = httptest.NewServer(f)
	return f
}

func (f *front) close() {
	f.server.CloseClientConnections()
	f.server.Close()
}

func (f *front) setPrefix(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prefix = strings.TrimSuffix(path, "/")
}

func (f *front) root() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.prefix
}

func (f *front) url() string { return f.server.URL + f.root() }

// ServeHTTP removes the prefix as a proxy does, and passes the request on.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	prefix := f.root()
	rest, ok := strings.CutPrefix(r.URL.Path, prefix+"/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if prefix != "" {
		r.Header.Set("X-Forwarded-Prefix", prefix)
	}
	r.URL.Path, r.URL.RawPath, r.RequestURI = "/"+rest, "", "/"+rest
	if r.URL.Path == "/graphql" && r.Method == http.MethodPost {
		f.graphql(w, r)
		return
	}
	f.w.Stash.ServeHTTP(w, r)
}

// literal finds the mode of an operation that stands in its document and not in its variables.
var literal = regexp.MustCompile(`mode:\s*"([a-z-]+)"`)

// graphql counts the operations and tasks of the page, and makes them fail where a test wants it.
func (f *front) graphql(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	mode, isOp := f.note(body)
	if !isOp {
		f.w.Stash.ServeHTTP(w, r)
		return
	}
	f.count(1)
	defer f.count(-1)
	fault := f.fault(mode)
	if fault != nil && fault.happen(w, r) {
		return
	}
	f.w.Stash.ServeHTTP(w, r)
}

func (f *front) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running += n
}

// note records an operation or a task, and reports the mode of an operation.
func (f *front) note(body []byte) (mode string, isOp bool) {
	var in struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return "", false
	}
	for _, v := range in.Variables {
		if args, ok := v.(map[string]any); ok && args["mode"] != nil {
			mode, _ = args["mode"].(string)
		}
	}
	if found := literal.FindStringSubmatch(in.Query); mode == "" && found != nil {
		mode = found[1]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case strings.Contains(in.Query, "runPluginOperation"):
		f.ops = append(f.ops, mode)
		return mode, true
	case strings.Contains(in.Query, "runPluginTask"):
		for _, key := range []string{"name", "task_name", "taskName"} {
			if name, ok := in.Variables[key].(string); ok && mode == "" {
				mode = name
			}
		}
		f.tasks = append(f.tasks, mode)
	}
	return mode, false
}

func (f *front) fault(mode string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.faults {
		if fault.Mode != "" && fault.Mode != mode {
			continue
		}
		if fault.Times > 0 {
			if fault.left--; fault.left == 0 {
				f.faults = slices.Delete(slices.Clone(f.faults), i, i+1)
			}
		}
		return fault
	}
	return nil
}

// happen reports whether the request has been answered.
func (f *Fault) happen(w http.ResponseWriter, r *http.Request) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return true
		}
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case f.Hang:
		<-r.Context().Done()
	case f.Status != 0:
		w.WriteHeader(f.Status)
	case f.Error != "":
		text, _ := json.Marshal(f.Error)
		io.WriteString(w, `{"data":{"runPluginOperation":null},"errors":[{"message":`+string(text)+`,"path":["runPluginOperation"]}]}`)
	case f.Answer != "":
		io.WriteString(w, `{"data":{"runPluginOperation":`+f.Answer+`}}`)
	default:
		w.Header().Del("Content-Type")
		return false
	}
	return true
}

// Inject makes operations of the page fail, until the fault is used up or Heal is called.
func (w *World) Inject(fault Fault) {
	fault.left = fault.Times
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	w.front.faults = append(w.front.faults, &fault)
}

// Heal ends all faults of the page's operations.
func (w *World) Heal() {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	w.front.faults = nil
}

// Ops returns the modes of the operations that the page has called since Forget, in their order.
func (w *World) Ops() []string {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	return slices.Clone(w.front.ops)
}

// Tasks returns the tasks that the page has started since Forget: their modes, or else their names.
func (w *World) Tasks() []string {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	return slices.Clone(w.front.tasks)
}

// Forget empties the lists of operations and tasks.
func (w *World) Forget() {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	w.front.ops, w.front.tasks = nil, nil
}

// Running returns how many operations of the page have no answer yet.
func (w *World) Running() int {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	return w.front.running
}

func (f *front) file(name string) string { return filepath.Join(f.built, name) }
