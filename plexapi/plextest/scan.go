package plextest

import (
	"net/http"
	"slices"
	"strings"
)

// Scan is a requested scan.
type Scan struct {
	Section string
	Path    string // "": the complete section
}

// Scans returns the requested scans in order.
func (s *Server) Scans() []Scan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.scans)
}

// AddHidden adds a file that Plex finds only by a scan of its folder or a parent folder. A file outside of the section's
// folders is never found.
func (s *Server) AddHidden(sectionID, file string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec := s.section(sectionID)
	sec.hidden = append(sec.hidden, File{Path: file, Size: size})
}

// refresh scans a section or a folder of it. It also answers 200 for a folder outside of the section, and for a file, but
// then finds nothing.
func (s *Server) refresh(w http.ResponseWriter, r *http.Request, id string) int {
	method := http.MethodGet
	if s.options.ScanIsPost {
		method = http.MethodPost
	}
	sec := s.section(id)
	if sec == nil || r.Method != method {
		return page(w, http.StatusNotFound)
	}
	q := r.URL.Query()
	if q.Has("force") {
		s.careless++
	}
	folder := q.Get("path")
	s.scans = append(s.scans, Scan{Section: id, Path: folder})
	sec.scanned = s.clock().Unix()
	roots := sec.locations
	if folder != "" && slices.ContainsFunc(roots, func(l string) bool { return within(folder, l) }) {
		roots = []string{folder}
	} else if folder != "" {
		roots = nil
	}
	hidden := sec.hidden
	sec.hidden = nil
	for _, f := range hidden {
		if slices.ContainsFunc(roots, func(root string) bool { return f.Path != root && within(f.Path, root) }) {
			s.discover(sec, f.Path, f.Size)
		} else {
			sec.hidden = append(sec.hidden, f)
		}
	}
	return empty(w)
}

// within reports whether a path is a folder or is inside it, with slashes or backslashes.
func within(path, folder string) bool {
	path, folder = strings.ReplaceAll(path, `\`, "/"), strings.TrimRight(strings.ReplaceAll(folder, `\`, "/"), "/")
	return path == folder || strings.HasPrefix(path, folder+"/")
}
