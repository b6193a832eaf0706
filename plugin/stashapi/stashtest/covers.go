package stashtest

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// placeholder is Stash's picture of a scene without a cover.
const placeholder = `<?xml version="1.0" encoding="UTF-8"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="-384 -104 1280 720">
<!--! Font Awesome Free 6.2.0 by @fontawesome --><path d="M0 0h640v360H0z"/></svg>`

var coverRoute = regexp.MustCompile(`^/scene/(\d+)/screenshot$`)

// SetExternalHost sets the address that the addresses of pictures begin with, such as https://stash.example.org.
func (s *Server) SetExternalHost(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.external = address
}

// base returns the start of the addresses in an answer: the requested host or the external one, and the prefix that a
// proxy has removed.
func (s *Server) base(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	base := "http://" + r.Host
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		base = "https://" + r.Host
	}
	if s.external != "" {
		base = s.external
	}
	return base + strings.TrimRight(r.Header.Get("X-Forwarded-Prefix"), "/")
}

// GenerateCover sets a scene's cover as Stash's own task does: updated_at changes, and no hook fires.
func (s *Server) GenerateCover(id int, data []byte) {
	s.Change(id, func(scene *Scene) { scene.Cover = data })
}

// screenshot answers with a scene's cover.
func (s *Server) screenshot(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(coverRoute.FindStringSubmatch(r.URL.Path)[1])
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	s.note(Query{Operation: "screenshot", Variables: map[string]any{"id": id}})
	cover, found := s.cover(id)
	if f := s.fault("screenshot"); f != nil && f.happen(w, r, string(cover[:len(cover)/2])) {
		return
	}
	if !found {
		http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
		return
	}
	kind := http.DetectContentType(cover)
	if strings.HasPrefix(kind, "text/xml") || strings.HasPrefix(kind, "text/plain") {
		kind = "image/svg+xml"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(cover)))
	w.Write(cover) // the client may be gone
}

func (s *Server) cover(id int) (cover []byte, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scene := s.scenes[id]
	switch {
	case scene == nil:
		return nil, false
	case scene.Cover == nil:
		return []byte(placeholder), true
	}
	return scene.Cover, true
}
