package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// peak reads the most memory that a process ever held, in MiB; 0 if it has ended.
func peak(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return 0
	}
	return kb / 1024
}

// With many files indexed and many scenes queued a run stays below 80 MiB. The test takes a tenth of a
// million of each; the environment variable FILES sets another number.
func TestMemoryOfARunDoesNotGrowWithTheLibrary(t *testing.T) {
	files := 100_000
	if text := os.Getenv("FILES"); text != "" {
		var err error
		if files, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t, 500)
	w.occupied()
	w.bulk("First", 1)
	w.process()
	fill(w, files)
	var all []int
	for id := 1; id <= 500; id++ {
		all = append(all, id)
	}
	w.bulk("Second", all...)
	done := make(chan map[string]any, 1)
	go func() { done <- w.process() }()
	most := 0
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case out := <-done:
			if out["synced"] != 500.0 || most == 0 || most > 80 {
				t.Errorf("%d MiB at most with %d files: %v", most, files, out)
			}
			t.Logf("%d MiB at most with %d files", most, files)
			return
		case <-tick.C:
			for _, pid := range w.host.Processes() {
				most = max(most, peak(pid))
			}
		}
	}
}

// fill adds files to the index, and scenes that wait to the queue.
func fill(w *world, files int) {
	w.Helper()
	dir := filepath.Dir(w.database())
	index, err := store.OpenIndex(w.Context(), dir)
	w.must(err)
	at, err := index.Reading(w.Context(), w.plex.Machine(), w.section)
	w.must(err)
	for begin := 0; begin < files; begin += 10_000 {
		page := store.ReadPage{After: at}
		for i := begin; i < begin+10_000; i++ {
			page.Files = append(page.Files, store.PlexFile{
				Section: w.section, RatingKey: strconv.Itoa(1_000_000 + i), Path: fmt.Sprintf("/data/other/folder %d/some long file name of a video %d.mp4", i/50, i), Size: int64(i),
			})
		}
		w.must(index.Apply(w.Context(), w.plex.Machine(), page))
	}
	w.must(index.Close())
	db, err := store.Open(w.Context(), dir)
	w.must(err)
	var requests []store.Request
	for i := range files {
		requests = append(requests, store.Request{SceneID: 1_000_000 + i, Reason: "waits", Priority: store.InBulk})
	}
	w.must(db.Enqueue(w.Context(), time.Now().Add(store.LongestWait-time.Minute), requests))
	w.must(db.Close())
}
