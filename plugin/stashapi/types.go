package stashapi

import (
	"strings"
	"time"
)

// Scene is a scene of Stash with everything that can be pushed.
type Scene struct {
	ID         int
	Title      string // "" if none
	Details    string
	Date       string // "", YYYY, YYYY-MM or YYYY-MM-DD
	Director   string
	Rating100  *int // 0–100, nil if unrated
	Organized  bool
	Studio     *Named
	Performers []Named
	Tags       []Named
	Groups     []Named
	UpdatedAt  string // RFC 3339 with the server's offset, as Stash stores it
	Files      []File // the primary file first
	Cover      string // path and query for Client.Image; "" if there is none
}

// Name returns the title of a scene or, if it has none, the name of its first file.
func (s *Scene) Name() string {
	if s.Title != "" || len(s.Files) == 0 {
		return s.Title
	}
	path := s.Files[0].Path
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

// Named is a studio, performer, tag or group of a scene.
type Named struct {
	ID   int
	Name string
}

// File is one file of a scene.
type File struct {
	Path     string  // as Stash stores it
	Size     int64   // bytes
	Duration float64 // seconds
}

// SceneStub is a row of a slim listing: enough to see whether a scene changed.
type SceneStub struct {
	ID        int
	UpdatedAt string // RFC 3339 with the server's offset
	Paths     []string
}

// Listing is one page of a slim listing in ascending order of id.
type Listing struct {
	Scenes []SceneStub
	Count  int       // how many scenes the complete listing has
	Date   time.Time // the server's time, from its Date header; zero if it sent none
}

// QueueJob is one job of Stash's own queue.
type QueueJob struct {
	ID          string
	Status      string // READY, RUNNING, STOPPING, FINISHED, CANCELLED, FAILED
	Description string
}

// ClockSlack is how long after its updated_at a scene may change without a new updated_at: Stash's times have a
// resolution of one second.
const ClockSlack = 2 * time.Second
