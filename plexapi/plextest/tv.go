package plextest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TV is plex.tv: it signs people in and knows the servers of their accounts. Use NewTV to create one.
type TV struct {
	mu       sync.Mutex
	clock    func() time.Time
	lastPin  int64
	pins     map[int64]*pin
	accounts map[string]*account // by token
	faults   []*TVFault
	log      []Request
}

type pin struct {
	client  string
	code    string
	token   string
	expires time.Time
}

type account struct {
	id      int64
	name    string
	servers []TVServer
}

// A TVServer is a server as plex.tv lists it.
type TVServer struct {
	Name             string         `json:"name"`
	Product          string         `json:"product"`
	ProductVersion   string         `json:"productVersion"`
	Provides         string         `json:"provides"`
	ClientIdentifier string         `json:"clientIdentifier"`
	AccessToken      string         `json:"accessToken"`
	Owned            bool           `json:"owned"`
	Presence         bool           `json:"presence"`
	HTTPSRequired    bool           `json:"httpsRequired"`
	Connections      []TVConnection `json:"connections"`
}

// A TVConnection is an address of a TVServer.
type TVConnection struct {
	Protocol string `json:"protocol"`
	Address  string `json:"address"`
	Port     int    `json:"port"`
	URI      string `json:"uri"`
	Local    bool   `json:"local"`
	Relay    bool   `json:"relay"`
	IPv6     bool   `json:"IPv6"`
}

// A TVFault makes requests to a path fail.
type TVFault struct {
	Prefix string        // of the path
	Times  int           // how often; 0: forever
	Delay  time.Duration // before the answer
	Hang   bool          // no answer until the client gives up
	Status int           // an answer with this status instead
	Header http.Header
	Body   string
	left   int
}

// The lifetimes of PINs. That of a strong one was seen; the other is said to be much shorter.
const (
	strongLasts = 1799 * time.Second
	shortLasts  = 300 * time.Second
)

// NewTV returns a plex.tv without accounts.
func NewTV() *TV {
	return &TV{clock: time.Now, pins: make(map[int64]*pin), accounts: make(map[string]*account)}
}

// SetClock sets the clock of plex.tv.
func (t *TV) SetClock(now func() time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock = now
}

// SetAccount adds or replaces the account of a token.
func (t *TV) SetAccount(token, name string, servers ...TVServer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accounts[token] = &account{int64(1000 + len(t.accounts)), name, servers}
}

// Revoke makes a token invalid, as the sign-out of all devices does.
func (t *TV) Revoke(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.accounts, token)
}

// Claim confirms the PIN with a code for the account of a token, as a person does. It reports whether there is such a PIN.
func (t *TV) Claim(code, token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pins {
		if p.code == code && t.clock().Before(p.expires) {
			p.token = token
			return true
		}
	}
	return false
}

// Codes returns the codes of the PINs that wait to be confirmed.
func (t *TV) Codes() (codes []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pins {
		if p.token == "" && t.clock().Before(p.expires) {
			codes = append(codes, p.code)
		}
	}
	return codes
}

// Inject adds a fault.
func (t *TV) Inject(f TVFault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.left = f.Times
	t.faults = append(t.faults, &f)
}

// Heal removes all faults.
func (t *TV) Heal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// Requests returns the requests so far. The header of each keeps its token, so that a test can see which token was sent.
func (t *TV) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Request{}, t.log...)
}

// fault returns the fault of a request; nil if it succeeds.
func (t *TV) fault(path string) *TVFault {
	for _, f := range t.faults {
		if strings.HasPrefix(path, f.Prefix) && (f.Times == 0 || f.left > 0) {
			f.left--
			return f
		}
	}
	return nil
}

func (t *TV) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	t.log = append(t.log, Request{At: t.clock(), Method: r.Method, Path: r.Host + r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()})
	f := t.fault(r.URL.Path)
	t.mu.Unlock()
	if f != nil {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return
		}
		if f.Hang {
			<-r.Context().Done()
			return
		}
		maps.Copy(w.Header(), f.Header)
		if f.Status != 0 {
			w.WriteHeader(f.Status)
			fmt.Fprint(w, f.Body)
			return
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch id, isPin := strings.CutPrefix(r.URL.Path, "/api/v2/pins/"); {
	case r.Header.Get("X-Plex-Client-Identifier") == "":
		problem(w, http.StatusBadRequest, 1000, "X-Plex-Client-Identifier is missing")
	case r.Method == http.MethodPost && r.URL.Path == "/api/v2/pins":
		t.newPin(w, r)
	case r.Method == http.MethodGet && isPin:
		t.readPin(w, r, id)
	case r.Method == http.MethodGet && r.URL.Path == "/api/v2/user":
		if a := t.account(w, r); a != nil {
			reply(w, http.StatusOK, map[string]any{"id": a.id, "username": a.name, "title": a.name, "authToken": r.Header.Get("X-Plex-Token")})
		}
	case r.Method == http.MethodGet && r.URL.Path == "/api/v2/resources":
		if a := t.account(w, r); a != nil {
			reply(w, http.StatusOK, append([]TVServer{}, a.servers...))
		}
	default:
		problem(w, http.StatusNotFound, 1020, "Not found")
	}
}

// account returns the account of a request's token. It answers 401 if there is none.
func (t *TV) account(w http.ResponseWriter, r *http.Request) *account {
	a := t.accounts[r.Header.Get("X-Plex-Token")]
	if a == nil {
		problem(w, http.StatusUnauthorized, 1001, "User could not be authenticated")
	}
	return a
}

func (t *TV) newPin(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Plex-Product") == "" {
		problem(w, http.StatusBadRequest, 1000, "X-Plex-Product is missing")
		return
	}
	t.lastPin++
	p := &pin{client: r.Header.Get("X-Plex-Client-Identifier"), code: rand.Text()[:4], expires: t.clock().Add(shortLasts)}
	if r.URL.Query().Get("strong") == "true" {
		p.code, p.expires = strings.ToLower(rand.Text()), t.clock().Add(strongLasts)
	}
	t.pins[t.lastPin] = p
	reply(w, http.StatusCreated, t.shownPin(t.lastPin, p))
}

// readPin answers only to the client that created the PIN.
func (t *TV) readPin(w http.ResponseWriter, r *http.Request, id string) {
	n, err := strconv.ParseInt(id, 10, 64)
	p := t.pins[n]
	if err != nil || p == nil || p.client != r.Header.Get("X-Plex-Client-Identifier") || !t.clock().Before(p.expires) {
		problem(w, http.StatusNotFound, 1020, "Code not found or expired")
		return
	}
	reply(w, http.StatusOK, t.shownPin(n, p))
}

func (t *TV) shownPin(id int64, p *pin) map[string]any {
	shown := map[string]any{
		"id": id, "code": p.code, "product": product, "trusted": false, "clientIdentifier": p.client, "authToken": nil,
		"expiresIn": int(p.expires.Sub(t.clock()).Seconds()), "expiresAt": p.expires.UTC().Format(time.RFC3339),
	}
	if p.token != "" {
		shown["authToken"] = p.token
	}
	return shown
}

const product = "Stash Plex Sync"

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}

func problem(w http.ResponseWriter, status, code int, message string) {
	reply(w, status, map[string]any{"errors": []map[string]any{{"code": code, "message": message, "status": status}}})
}
