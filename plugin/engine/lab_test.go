package engine

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// lab is an engine between the two stand-ins, in time that is not real.
type lab struct {
	*testing.T
	*Engine
	stash   *stashtest.Server
	plex    *plextest.Server
	section string
	keys    map[int]string
	log     *bytes.Buffer
	ended   []float64 // progress
	asking  error     // of asking Stash for a run
}

// inLab runs f in a bubble, with n scenes of which Plex holds the files.
func inLab(t *testing.T, n int, f func(l *lab)) {
	t.Helper()
	stash, err := stashtest.New() // outside: it starts a process
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, stash, dir)
		for range n {
			l.add()
		}
		f(l)
		if n := l.plex.Careless(); n > 0 {
			t.Errorf("%d edits named no item", n)
		}
		if n := l.plex.MostWrites(); n > 1 {
			t.Errorf("%d writes at the same time", n)
		}
		if t.Failed() {
			t.Log(strings.ReplaceAll(l.log.String(), "\x01", " "))
		}
	})
}

func newLab(t *testing.T, stash *stashtest.Server, dir string) *lab {
	l := &lab{T: t, stash: stash, plex: plextest.New("token-123"), keys: make(map[int]string), log: &bytes.Buffer{}}
	l.section = l.plex.AddSection("Videos", "movie")
	fields, err := merge.ParseFields("")
	l.must(err)
	db, err := store.Open(t.Context(), dir)
	l.must(err)
	index, err := plexindex.Open(t.Context(), dir)
	l.must(err)
	t.Cleanup(func() {
		index.Close()
		db.Close()
	})
	stashClient, err := stashapi.New(stashtest.Connection(), stashapi.Options{Transport: stash.Transport()})
	l.must(err)
	plexClient, err := plexapi.New(plexapi.Config{
		URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: l.plex.Transport(),
	})
	l.must(err)
	log := stashlog.New(l.log, nil)
	log.Reveal(true)
	l.Engine = &Engine{
		Store: db, Index: index, Stash: stashClient, Plex: plexClient, Config: Config{Config: push.Config{Fields: fields, MaxRetries: 5}},
		Log: log.Logger(true), Random: func() float64 { return 0.5 },
		Progress: func(p float64) { l.ended = append(l.ended, p) },
	}
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func path(id int) string { return fmt.Sprintf("/data/videos/%d/clip%d.mp4", id%7, id) }
func size(id int) int64  { return int64(1000 + id) }

// add adds a scene to Stash and its file to Plex.
func (l *lab) add() {
	id := l.stash.Add(stashtest.Scene{Updated: time.Now().Add(-time.Hour)})[0]
	l.stash.Change(id, func(s *stashtest.Scene) { s.Files = []stashtest.File{{Path: path(id), Size: size(id)}} })
	l.keys[id] = l.plex.AddItem(l.section, path(id), size(id))
}

// edit changes a scene's title and records what its hook would.
func (l *lab) edit(title string, ids ...int) {
	l.Helper()
	for _, id := range ids {
		l.stash.Change(id, func(s *stashtest.Scene) { s.Title = title })
		_, err := l.Store.RecordHook(l.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: id, Reason: "edit", Priority: store.InBulk}})
		l.must(err)
	}
}

func (l *lab) run() Summary {
	l.Helper()
	return l.runWith(Options{})
}

func (l *lab) runWith(o Options) Summary {
	l.Helper()
	sum, err := l.Engine.Run(l.Context(), o)
	l.must(err)
	return sum
}

func (l *lab) want(sum, want Summary) {
	l.Helper()
	sum.Stopped, sum.Class, sum.Reason, sum.CaughtUp, sum.Floor, sum.Bare = "", "", "", 0, 0, 0
	if sum != want {
		l.Errorf("summary = %+v, want %+v", sum, want)
	}
}

func (l *lab) wantTitle(id int, title string) {
	l.Helper()
	if got := l.plex.Item(l.keys[id]).Title; got != title {
		l.Errorf("Plex shows scene %d as %q, want %q", id, got, title)
	}
}

func (l *lab) job(id int) store.Job {
	l.Helper()
	j, err := l.Store.Job(context.Background(), id)
	l.must(err)
	return j
}

// pass lets time go by, in the bubble's clock.
func pass(d time.Duration) { <-time.After(d) }
