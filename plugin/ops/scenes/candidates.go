package scenes

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// CandidatesReport is what a person can choose for a scene.
type CandidatesReport struct {
	SceneID  int         `json:"scene_id"`
	Title    string      `json:"title"`
	Items    []Candidate `json:"items"`
	Complete bool        `json:"complete"` // false: the search looked at the newest files alone, since there are very many
}

// Candidate is a file of Plex that a person can choose.
type Candidate struct {
	PlexFile
	ChosenBy int `json:"chosen_by"` // the scene for which the item was chosen; 0: none
	Owner    int `json:"owner"`     // the scene that the item shows; 0: none
}

const (
	candidatesAtMost = 20 // besides those of the dead letter
	filesLookedAt    = 5  // of a scene
)

// containers are the endings that the files of one video may have.
var containers = []string{".mp4", ".mkv", ".m4v", ".avi", ".mov", ".wmv", ".webm", ".ts"}

func candidates(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	id, err := neededScene(args)
	if err != nil {
		return nil, err
	}
	wanted, err := args.Text("text")
	if err != nil {
		return nil, err
	}
	l, err := openLibrary(ctx, d)
	if err != nil {
		return nil, err
	}
	scene, err := sceneOf(ctx, d, id)
	if err != nil {
		return nil, err
	}
	letter, err := ambiguous(ctx, d, l, id)
	if err != nil {
		return nil, err
	}
	var found []plexindex.File
	var complete bool
	if wanted != "" {
		found, complete, err = l.index.WithText(ctx, l.server, wanted, candidatesAtMost)
	} else {
		found, complete, err = l.similar(ctx, scene.Files)
	}
	if err != nil {
		return nil, err
	}
	files := match.InSections(letter, l.sections)
	atMost := len(files) + candidatesAtMost
	for _, f := range match.InSections(found, l.sections) {
		same := func(have plexindex.File) bool { return have.RatingKey == f.RatingKey && have.Path == f.Path }
		if len(files) < atMost && !slices.ContainsFunc(files, same) {
			files = append(files, f)
		}
	}
	r := CandidatesReport{SceneID: id, Title: text.Private(text.OneLine(scene.Name(), text.ValueLimit)), Complete: complete}
	r.Items, err = owned(ctx, d, l, files)
	return r, err
}

// ambiguous returns the files between which the last push of a scene could not decide.
func ambiguous(ctx context.Context, d *desk.Desk, l *library, scene int) ([]plexindex.File, error) {
	letters, err := d.Store.DeadLetters(ctx, store.Narrow{SceneID: scene}, 1)
	if err != nil || len(letters) == 0 {
		return nil, err
	}
	var list []match.Candidate
	if json.Unmarshal(letters[0].Candidates, &list) != nil { // damaged ones count as none
		return nil, nil
	}
	keys := make([]string, len(list))
	paths := make(map[string]bool, len(list))
	for i, c := range list {
		keys[i], paths[c.RatingKey+pathform.Normal(text.Plain(c.Path))] = c.RatingKey, true
	}
	files, err := l.index.OfItems(ctx, l.server, keys)
	return slices.DeleteFunc(files, func(f plexindex.File) bool { return !paths[f.RatingKey+pathform.Normal(f.Path)] }), err
}

// similar returns files that are like those of a scene: first those with the same size, then those with the same name in
// any container, then those with the duration of the first file.
func (l *library) similar(ctx context.Context, of []stashapi.File) (found []plexindex.File, complete bool, err error) {
	for _, f := range of[:min(len(of), filesLookedAt)] {
		normal := pathform.Normal(f.Path)
		stem := strings.TrimSuffix(normal, path.Ext(normal))
		names := []string{normal}
		for _, ext := range containers {
			names = append(names, stem+ext)
		}
		for _, name := range names {
			files, err := l.index.ByName(ctx, l.server, name)
			if err != nil {
				return nil, false, err
			}
			found = append(found, files...)
		}
	}
	if len(of) == 0 {
		return found, true, nil
	}
	files, complete, err := l.index.WithSize(ctx, l.server, of[0].Size, int64(math.Round(of[0].Duration*1000)), candidatesAtMost)
	found = append(found, files...)
	slices.SortStableFunc(found, func(a, b plexindex.File) int { return cmp.Compare(unlike(a, of), unlike(b, of)) })
	return found, complete, err
}

// unlike returns 0 for a file with the size of one of these, else 1.
func unlike(f plexindex.File, of []stashapi.File) int {
	if slices.ContainsFunc(of, func(s stashapi.File) bool { return s.Size > 0 && s.Size == f.Size }) {
		return 0
	}
	return 1
}

// owned adds to files for which scenes their items were chosen, and which they show.
func owned(ctx context.Context, d *desk.Desk, l *library, files []plexindex.File) ([]Candidate, error) {
	keys := make([]string, len(files))
	for i, f := range files {
		keys[i] = f.RatingKey
	}
	m := match.Matcher{Index: l.index, Server: l.server, ByFiles: l.choices.ByFiles}
	choosers, err := m.ChoosersOf(ctx, keys)
	if err != nil {
		return nil, err
	}
	owners, err := d.Store.Owners(ctx, l.server, keys)
	if err != nil {
		return nil, err
	}
	list := []Candidate{}
	for _, f := range files {
		list = append(list, Candidate{l.shown(f), choosers[f.RatingKey], owners[f.RatingKey]})
	}
	return list, nil
}
