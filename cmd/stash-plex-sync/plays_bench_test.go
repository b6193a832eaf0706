package main

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// The import of 100,000 plays, and of 10,000. The metrics x are how often the large one takes as much time, or memory.
func BenchmarkImportPlays(b *testing.B) {
	sizes := [...]int{10_000, 100_000}
	var took [2]time.Duration
	var kB [2]int
	for i, n := range sizes {
		took[i], kB[i] = importPlays(b, n)
		b.Logf("%d plays: %v, %d MiB", n, took[i].Round(time.Millisecond), kB[i]/1024)
	}
	for name, m := range map[string][2]float64{"time": {float64(took[1]) / float64(took[0]), 11}, "memory": {float64(kB[1]) / float64(kB[0]), 1.1}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() { // it is over: what counts is no time
			}
			b.ReportMetric(m[0], "x")
			b.ReportMetric(m[1], "goal")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// importPlays imports n plays, 50 of each scene, and returns the time and the most memory of the process.
func importPlays(b *testing.B, n int) (took time.Duration, kB int) {
	scenes := n / 50
	w := newWorld(b, scenes)
	w.settings(map[string]any{"85plays": "on", "debugLog": false})
	w.edit(1, "Clip")
	w.idle()
	w.process()
	first, err := strconv.Atoi(w.keys[1])
	w.must(err)
	w.sql(`WITH RECURSIVE k(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM k WHERE i < ?1)
		INSERT OR IGNORE INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at)
		SELECT ?2, i, ?3 + i - 1, '1', '/data/videos/' || (i % 7) || '/clip' || i || '.mp4', 'path', 1, '' FROM k`, scenes, w.plex.Machine(), first)
	began := time.Now().Add(-time.Duration(n+1000) * time.Minute).Truncate(time.Second)
	for i := range n {
		w.plex.Play(w.keys[1+i/50], plextest.Owner, began.Add(time.Duration(i)*time.Minute))
	}
	start := time.Now()
	done := make(chan map[string]any, 1)
	go func() {
		out, err := w.host.Operation(b.Context(), map[string]any{"mode": "import-plays", "task": "yes"})
		if err != nil {
			b.Error(err)
		}
		m, _ := out.(map[string]any)
		done <- m
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case out := <-done:
			if out["written"] != float64(n) {
				b.Fatalf("the import of %d plays ended with %v", n, fmt.Sprint(out))
			}
			return time.Since(start), kB
		case <-tick.C:
			for _, pid := range w.host.Processes() {
				kB = max(kB, peakKB(pid))
			}
		}
	}
}
