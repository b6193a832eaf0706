package match

import (
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
)

// The rules by which a file was matched.
const (
	ByPath     = "path"      // equal path
	ByPathMap  = "pathMap"   // equal path after the user's pathMap
	ByLearned  = "learned"   // equal path after a learned prefix, and equal size
	ByNameSize = "name+size" // the only file with this name and this size
	ByFolders  = "folders"   // the only file with this name in these folders
	Manual     = chosen.Rule // a person has chosen it
)

// Found is the result of matching a scene.
type Found int

// The results of matching.
const (
	Matched   Found = iota
	Missing         // no library holds a file of the scene
	Ambiguous       // several items fit equally well
	Unknown         // a library is missing or not completely read, so the file may be in it
)

// A Match is what was found for a scene.
type Match struct {
	Found      Found
	Hits       []Hit
	Candidates []Candidate // of an ambiguous match, at most 50
	Unread     bool        // some library may contain further files of the scene
	Doubt      error       // why it is unknown whether another scene owns an item that fits; nil if it is known

	Choice *chosen.Choice // the file that a person has chosen for the scene: nothing else is matched; nil if there is none
	Taken  []Taken        // items that fit by name and were chosen for other scenes
}

// Wanted returns the file that was chosen for a scene, or else these files of the scene.
func (m *Match) Wanted(files []stashapi.File) []stashapi.File {
	if m.Choice != nil {
		return []stashapi.File{{Path: m.Choice.Path, Size: m.Choice.Size}}
	}
	return files
}

// A Hit is an item that holds a file of the scene.
type Hit struct {
	RatingKey string
	Section   string
	Path      string // Plex's
	Size      int64  // of the file, as Plex lists it
	File      string // Stash's; of the rule Manual, the chosen one
	Rule      string
}

// Taken is an item that was chosen for another scene.
type Taken struct {
	Hit
	Scene int // that scene
}

// Why says why a scene does not get such an item; many says it for several scenes.
func (t Taken) Why() (one, many string) {
	return fmt.Sprintf("Plex item %s was chosen for scene %d: to push this one, choose another item for it, or forget that choice", t.RatingKey, t.Scene),
		"their Plex items were chosen for other scenes: to push these, choose other items for them, or forget those choices"
}

// A Candidate is one of several items that fit.
type Candidate struct {
	RatingKey string `json:"rating_key"`
	Section   string `json:"section"`
	Library   string `json:"library"` // the section's title
	Path      string `json:"path"`
	Size      int64  `json:"size"`
}

const candidatesAtMost = 50
