package main

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"
)

// tenMinutesPass makes the last push and the last look at Plex eleven minutes old.
func (w *world) tenMinutesPass() {
	w.Helper()
	w.sql(`UPDATE link SET pushed_at = pushed_at - 660000 WHERE pushed_at > 0`)
	w.sql(`UPDATE meta SET at = at - 660000 WHERE key = 'last_compare'`)
}

func TestLibraryThatIsCreatedAgainGetsItsTextsBack(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	w.bulk("Kept", 1, 2, 3)
	if out := w.process(); out["synced"] != 3.0 {
		t.Fatalf("result = %v", out)
	}
	old := w.section
	w.section = w.plex.AddSection("Videos", "movie")
	w.plex.RemoveSection(old)
	for id := range w.keys {
		w.keys[id] = w.plex.AddItem(w.section, fmt.Sprintf("/data/videos/%d/clip%d.mp4", id%7, id), int64(1000+id))
	}
	w.tenMinutesPass()
	if out := w.process(); out["synced"] != 3.0 || len(w.logged("new items for the files")) != 1 {
		t.Errorf("result = %v", out)
	}
	for id := range w.keys {
		w.wantTitle(id, "Kept")
	}
	w.tenMinutesPass()
	w.plex.Forget()
	if out := w.process(); out["synced"] != 0.0 || out["unchanged"] != 0.0 || w.writes() > 0 {
		t.Errorf("result = %v, and %d writes", out, w.writes())
	}
}

// The links of 100,000 scenes (10,000 in the short form) name files of a library that is new. The scenes are not in
// Stash, so their jobs end as soon as they are claimed: what counts is the memory of noting, looking and queueing.
func TestTortureMemoryDoesNotGrowWithScenesWhoseItemsAreReplaced(t *testing.T) {
	n := 10_000
	if torture(t) > 0 {
		n = 100_000
	}
	w := newWorld(t, 1)
	w.bulk("First", 1)
	w.process()
	w.idle() // the run that the edit asked for
	first, err := strconv.Atoi(w.keys[1])
	w.must(err)
	first++ // of the rating keys of the bulk
	w.plex.AddBulk(w.section, n)
	w.sql(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?3 - 1)
		INSERT INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at)
		SELECT ?1, 1000000 + i, 5000000 + i, '1', printf('/data/videos/studio %d/2023/A Folder of the Scene/clip%d.1080p.mp4', i % 50, ?2 + i), 'path', 1, '' FROM n`,
		w.plex.Machine(), first, n)
	w.sql(`DELETE FROM meta WHERE key = 'link_files'`) // the links are those of an earlier build
	w.tenMinutesPass()
	w.plex.Forget()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	began, done := time.Now(), make(chan any, 1)
	go func() {
		out, err := w.host.Operation(ctx, map[string]any{"mode": "process"})
		done <- fmt.Sprint(out, err)
	}()
	most := 0
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		select {
		case out := <-done:
			t.Logf("%v: %d MiB, %d requests to Plex, %v", time.Since(began).Round(time.Second), most, len(w.plex.Requests()), out)
			if gone := w.count(`attempt_log WHERE class = 'gone'`); most == 0 || most > runAtMost || gone < 10_000 || w.count("job") > 0 {
				t.Errorf("a run took %d MiB, want at most %d; %d of the latest scenes were queued and are gone, %d are left", most, runAtMost, gone, w.count("job"))
			}
			return
		case <-tick.C:
			for _, pid := range w.host.Processes() {
				most = max(most, peak(pid))
			}
		}
	}
}
