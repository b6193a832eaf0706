package stashtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scene is a scene of the model. Performers, tags, groups and the studio are ids of named objects.
type Scene struct {
	ID         int
	Title      string
	Details    string
	Date       string
	Director   string
	Rating100  *int
	Organized  bool
	Studio     int
	Performers []int
	Tags       []int
	Groups     []int
	Files      []File
	Cover      []byte // nil: Stash shows a placeholder
	Updated    time.Time

	Plays        []time.Time // in UTC and whole seconds
	Resume       float64     // seconds
	PlayDuration float64     // seconds
}

// File is a file of a scene.
type File struct {
	Path     string
	Size     int64
	Duration float64
}

// Add adds scenes without any hook. A scene without an id gets the next one.
func (s *Server) Add(scenes ...Scene) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []int
	for _, scene := range scenes {
		if scene.ID == 0 {
			scene.ID = len(s.scenes) + 1
			for s.scenes[scene.ID] != nil {
				scene.ID++
			}
		}
		if scene.Updated.IsZero() {
			scene.Updated = s.clock()
		}
		scene.Updated = scene.Updated.In(s.zone)
		s.scenes[scene.ID] = &scene
		ids = append(ids, scene.ID)
	}
	return ids
}

// Scene returns a scene, and whether it exists.
func (s *Server) Scene(id int) (scene Scene, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scenes[id] == nil {
		return Scene{}, false
	}
	return *s.scenes[id], true
}

// Change edits a scene as autotag does: its updated_at changes, and no hook fires.
func (s *Server) Change(id int, f func(*Scene)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.scenes[id])
	s.scenes[id].Updated = s.clock().In(s.zone)
}

// Import adds or replaces a scene as metadataImport does: no hook fires, and its updated_at is the exported one, in the
// exporter's time zone.
func (s *Server) Import(scene Scene) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scenes[scene.ID] = &scene
}

// Drop removes a scene without any hook.
func (s *Server) Drop(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.scenes, id)
}

// MergeScenes merges scenes into another: it gets their files after its own, its updated_at changes, and they are removed.
// No hook fires for any of them.
func (s *Server) MergeScenes(dest int, sources ...int) {
	s.Change(dest, func(scene *Scene) {
		for _, id := range sources {
			scene.Files = slices.Concat(scene.Files, s.scenes[id].Files)
			delete(s.scenes, id)
		}
	})
}

// AssignFile moves the last file of one scene to another. No hook fires, and no updated_at changes. It does not move the
// only file of a scene, as Stash does not.
func (s *Server) AssignFile(id, fileOf int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, last := s.scenes[fileOf], len(s.scenes[fileOf].Files)-1
	if last < 1 {
		panic(fmt.Sprintf("stashtest: scene %d has no file besides its primary one", fileOf))
	}
	s.scenes[id].Files = slices.Concat(s.scenes[id].Files, from.Files[last:])
	from.Files = slices.Clone(from.Files[:last])
}

// MoveFile changes the path of a scene's primary file, as moving it in Stash does. No hook fires, and no updated_at
// changes.
func (s *Server) MoveFile(id int, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := slices.Clone(s.scenes[id].Files)
	files[0].Path = path
	s.scenes[id].Files = files
}

// Break makes reading a scene and changing its plays fail, while Stash answers other queries.
func (s *Server) Break(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[id] = true
}

// stamp returns a scene's updated_at as Stash stores it: as text, in the time zone in which it was written.
func stamp(scene *Scene) string { return scene.Updated.Format(time.RFC3339) }

// row returns a scene as GraphQL shows it, with addresses that begin with base. The caller holds the lock.
func (s *Server) row(scene *Scene, base string) map[string]any {
	files := []map[string]any{}
	for _, f := range scene.Files {
		files = append(files, map[string]any{"path": f.Path, "basename": f.Path[strings.LastIndexAny(f.Path, `/\\`)+1:], "size": f.Size, "duration": f.Duration})
	}
	groups := []map[string]any{}
	for _, g := range s.names("group", scene.Groups) {
		groups = append(groups, map[string]any{"group": g})
	}
	row := map[string]any{
		"id": strconv.Itoa(scene.ID), "title": scene.Title, "details": scene.Details, "director": scene.Director, "organized": scene.Organized,
		"date": nil, "rating100": nil, "studio": nil, "updated_at": stamp(scene), "files": files, "groups": groups,
		"performers": s.names("performer", scene.Performers), "tags": s.names("tag", scene.Tags),
		"paths": map[string]any{"screenshot": fmt.Sprintf("%s/scene/%d/screenshot?t=%d", base, scene.ID, scene.Updated.Unix())},
	}
	maps.Copy(row, scene.activity())
	if scene.Date != "" {
		row["date"] = scene.Date
	}
	if scene.Rating100 != nil {
		row["rating100"] = *scene.Rating100
	}
	if list := s.names("studio", []int{scene.Studio}); len(list) > 0 {
		row["studio"] = list[0]
	}
	return row
}

// Updated returns a scene's updated_at as Stash stores it.
func (s *Server) Updated(id int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return stamp(s.scenes[id])
}
