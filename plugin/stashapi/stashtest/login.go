package stashtest

import (
	"context"
	"net/http"
	"net/url"
	"path"

	"github.com/stashapp/stash/pkg/session"
)

// RequireLogin sets credentials: from now on every query needs this key, or a session not older than maxAge seconds, which
// each answer renews.
func (s *Server) RequireLogin(apiKey string, maxAge int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apiKey = apiKey
	s.sessions = session.NewStore(sessionConfig{apiKey, maxAge, "0123456789abcdef0123456789abcdef"})
}

// EndSessions refuses every session made so far, as after its age. The key is still accepted.
func (s *Server) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = session.NewStore(sessionConfig{s.apiKey, 3600, "fedcba9876543210fedcba9876543210"})
}

// admits reports whether a request has a key or a session. Otherwise it answers the request: a query with 401, and what
// looks like a page, such as the address of a picture, with a redirect to the login page.
func (s *Server) admits(w http.ResponseWriter, r *http.Request) bool {
	user, err := s.store().Authenticate(w, r)
	switch ext := path.Ext(r.URL.Path); {
	case err == nil && user != "":
		return true
	case err != nil, r.URL.Path == "/graphql", ext != "" && ext != ".html":
		w.WriteHeader(http.StatusUnauthorized)
	default:
		http.Redirect(w, r, "/login?"+url.Values{"returnURL": {r.URL.RequestURI()}}.Encode(), http.StatusFound)
	}
	return false
}

// webPage is Stash's answer to every unknown address: its web app.
func webPage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	w.Write([]byte("<!DOCTYPE html><html><head><title>Stash</title></head></html>")) // the client may be gone
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

// sessionConfig is the configuration that Stash's own session store needs.
type sessionConfig struct {
	apiKey string
	maxAge int    // seconds
	secret string // signs the sessions
}

func (c sessionConfig) GetUsername() string                     { return "admin" }
func (c sessionConfig) GetAPIKey() string                       { return c.apiKey }
func (c sessionConfig) GetSessionStoreKey() []byte              { return []byte(c.secret) }
func (c sessionConfig) GetMaxSessionAge() int                   { return c.maxAge }
func (c sessionConfig) ValidateCredentials(string, string) bool { return false }

// Session returns a new session of the user, in the form of a Cookie header.
func (s *Server) Session() string {
	c := s.store().MakePluginCookie(session.SetCurrentUserID(context.Background(), "admin"))
	return c.Name + "=" + c.Value
}
