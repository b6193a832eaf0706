package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// TestKillBetweenTwoPiecesLosesNothing kills the plugin before and after each piece of a list has taken effect.
func TestKillBetweenTwoPiecesLosesNothing(t *testing.T) {
	for _, replace := range []bool{false, true} {
		for piece := 1; piece <= 3; piece++ { // the title comes first
			for _, effect := range []bool{false, true} {
				t.Run(fmt.Sprintf("replace %v, piece %d, effect %v", replace, piece, effect), func(t *testing.T) {
					killAtPiece(t, plextest.Options{LineLimit: 8180, Replace: replace}, piece, effect)
				})
			}
		}
	}
}

func killAtPiece(t *testing.T, options plextest.Options, piece int, effect bool) {
	w := newWorld(t, 1)
	w.occupied()
	w.plex.Configure(func(o *plextest.Options) { *o = options })
	w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Tags["genre"] = []string{"A person's tag"} })
	var tags []int
	for i := range 300 {
		tags = append(tags, w.stash.Name("tag", 0, fmt.Sprintf("%-29s%04d", "a tag with quite a long name", i)))
	}
	w.host.BulkUpdate(w.context(), []int{1}, func(s *stashtest.Scene) { s.Title, s.Tags = "New", tags })
	w.plex.Inject(plextest.Fault{Method: "PUT", Skip: piece, Times: 1, Hang: true, After: effect})
	ended := make(chan error, 1)
	go func() {
		_, err := w.host.Operation(w.Context(), map[string]any{"mode": "process"})
		ended <- err
	}()
	w.until(func() bool {
		return slices.ContainsFunc(w.plex.Requests(), func(r plextest.Request) bool { return r.Method == http.MethodPut && r.Faulty })
	})
	if w.kill() == 0 {
		t.Fatal("no process was running")
	}
	<-ended
	held := w.plex.Item(w.keys[1]).Tags["genre"]
	var base string
	w.get(`SELECT base FROM item WHERE rating_key = '`+w.keys[1]+`'`, &base)
	var known struct {
		Owned map[string][]string `json:"owned"`
	}
	w.must(json.Unmarshal([]byte(base), &known))
	for _, name := range held {
		if slices.Contains(known.Owned["genre"], name) == (name == "A person's tag") {
			t.Errorf("%q is in Plex after the kill, ours are %d other names", name, len(known.Owned["genre"]))
		}
	}
	for range 3 {
		w.pass(time.Minute)
		w.process()
	}
	if n := w.count("job") + w.count("dead_letter"); n != 0 {
		t.Errorf("%d jobs or dead letters are left", n)
	}
	held = w.plex.Item(w.keys[1]).Tags["genre"]
	if n := len(held); !slices.Contains(held, "A person's tag") || !options.Replace && n != 301 || options.Replace && n < 100 {
		t.Errorf("%d tags", n)
	}
	w.wantTitle(1, "New")
	w.op(map[string]any{"mode": "restore"})
	if left := w.plex.Item(w.keys[1]).Tags["genre"]; !slices.Equal(left, []string{"A person's tag"}) {
		t.Errorf("after the restore: %q", left)
	}
}
