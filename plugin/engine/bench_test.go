package engine

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// unchangedLibrary is an engine between the stand-ins, with n scenes that Plex shows already.
func unchangedLibrary(b *testing.B, n int) *Engine {
	b.Helper()
	must := musts(b)
	stash, err := stashtest.New()
	must(err)
	plex := plextest.New("token-123")
	section := plex.AddSection("Videos", "movie")
	scenes := make([]stashtest.Scene, n)
	for i := range scenes {
		file := path(i + 1)
		title := strings.TrimSuffix(filepath.Base(file), ".mp4")
		scenes[i] = stashtest.Scene{ID: i + 1, Title: title, Files: []stashtest.File{{Path: file, Size: size(i + 1)}}}
		plex.AddItem(section, file, size(i+1))
	}
	stash.Add(scenes...)
	stashClient, err := stashapi.New(stashtest.Connection(), stashapi.Options{Transport: stash.Transport()})
	must(err)
	plexClient, err := plexapi.New(plexapi.Config{
		URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: plex.Transport(),
	})
	must(err)
	return newEngine(b, stashClient, plexClient)
}

// musts returns what ends a benchmark with an error.
func musts(b *testing.B) func(error) {
	return func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
}

// newEngine is an engine with an empty queue and an empty index.
func newEngine(b *testing.B, stash *stashapi.Client, plex *plexapi.Client) *Engine {
	b.Helper()
	must := musts(b)
	fields, err := merge.ParseFields("")
	must(err)
	dir := filepath.Join(b.TempDir(), "data")
	db, err := store.Open(b.Context(), dir)
	must(err)
	index, err := plexindex.Open(b.Context(), dir)
	must(err)
	b.Cleanup(func() {
		index.Close()
		db.Close()
	})
	return &Engine{
		Store: db, Index: index, Stash: stash, Plex: plex, Config: Config{Config: push.Config{Fields: fields, MaxRetries: 5}},
		Log: zerolog.New(io.Discard).Level(zerolog.InfoLevel), Random: func() float64 { return 0.5 },
	}
}

// Sync all of scenes that Plex shows already, in libraries of which one is ten times the other. The metric x
// is how often a scene of the large one takes as long as one of the small one.
func BenchmarkSyncAllUnchanged(b *testing.B) {
	sizes := [...]int{3_000, 30_000}
	var engines [2]*Engine
	for i, n := range sizes {
		engines[i] = unchangedLibrary(b, n)
	}
	syncAll := func(i int) time.Duration {
		begin := time.Now()
		if _, err := engines[i].EnqueueAll(b.Context()); err != nil {
			b.Fatal(err)
		}
		sum, err := engines[i].Run(b.Context(), Options{})
		if err != nil || sum != (Summary{Unchanged: sizes[i], Floor: sum.Floor}) {
			b.Fatalf("%d scenes: %+v, %v", sizes[i], sum, err)
		}
		return time.Since(begin)
	}
	for i := range sizes { // the first reading of Plex's files
		syncAll(i)
	}
	var took [2]time.Duration
	rounds := 0
	for b.Loop() {
		rounds++
		for i := range sizes {
			took[i] += syncAll(i)
		}
	}
	for i, n := range sizes {
		b.ReportMetric(float64(took[i].Microseconds())/float64(rounds*n), fmt.Sprintf("µs/scene-of-%d", n))
	}
	b.ReportMetric(float64(took[1])/float64(took[0])*float64(sizes[0])/float64(sizes[1]), "x")
}
