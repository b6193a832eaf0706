package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// peak reads the most memory that a process ever held, in MiB; 0 if it has ended.
func peak(pid int) int { return peakKB(pid) / 1024 }

// peakKB is peak in kB.
func peakKB(pid int) int {
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
	return kb
}

// Limits of memory, in MiB.
const (
	runAtMost  = 80
	hookAtMost = 30
)

// With many files indexed and many scenes queued a run and a hook stay small, even a hook that is handed a
// picture.
func TestMemoryDoesNotGrowWithTheLibrary(t *testing.T) {
	w := newWorld(t, 500)
	run, hook := w.peaks(100_000)
	t.Logf("at most %d MiB in a run and %d MiB in a hook", run, hook)
	if run == 0 || run > runAtMost || hook == 0 || hook > hookAtMost {
		t.Errorf("a run took %d MiB, want at most %d; a hook took %d, want at most %d", run, runAtMost, hook, hookAtMost)
	}
}

// The same with a million of each.
func BenchmarkMemory(b *testing.B) {
	run, hook := newWorld(b, 500).peaks(1_000_000)
	for name, m := range map[string][2]int{"run": {run, runAtMost}, "hook": {hook, hookAtMost}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() { // it is over: what counts is no time
			}
			b.ReportMetric(float64(m[0]), "MiB")
			b.ReportMetric(float64(m[1]), "goal")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// peaks measures a run that syncs 500 scenes beside so many files and jobs that wait, and then a hook.
func (w *world) peaks(files int) (run, hook int) {
	w.Helper()
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
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case out := <-done:
			if out["synced"] != 500.0 {
				w.Errorf("result = %v", out)
			}
			return run, w.hookMemory()
		case <-tick.C:
			for _, pid := range w.host.Processes() {
				run = max(run, peak(pid))
			}
		}
	}
}

// hookMemory measures a hook that is handed a cover of 8 MB. Stash ends a hook when it has answered: this one
// is looked at before.
func (w *world) hookMemory() int {
	w.Helper()
	cmd := exec.Command(binary())
	in, err := cmd.StdinPipe()
	w.must(err)
	out, err := cmd.StdoutPipe()
	w.must(err)
	w.must(cmd.Start())
	defer cmd.Wait() // killed
	defer cmd.Process.Kill()
	_, err = fmt.Fprintf(in, `{"method":"RPCRunner.Run","params":[{"server_connection":{"Scheme":"http","Host":"127.0.0.1","Port":%d,"Dir":%q},`+
		`"args":{"hookContext":{"id":1,"type":"Scene.Update.Post","input":{"ids":["1"],"cover_image":%q},"inputFields":["ids"]}}}],"id":0}`+"\n",
		w.stash.Port(), w.dir, "data:image/png;base64,"+strings.Repeat("A", 8<<20))
	w.must(err)
	answer, err := bufio.NewReader(out).ReadString('\n')
	w.must(err)
	if !strings.Contains(answer, `"error":null`) {
		w.Errorf("answer %s", answer)
	}
	return peak(cmd.Process.Pid)
}

// fill adds files to the index, and scenes that wait to the queue.
func fill(w *world, files int) {
	w.Helper()
	dir := filepath.Dir(w.database())
	index, err := plexindex.Open(w.Context(), dir)
	w.must(err)
	at, err := index.State(w.Context(), w.plex.Machine(), w.section)
	w.must(err)
	for begin := 0; begin < files; begin += 10_000 {
		page := plexindex.Page{After: at}
		for i := begin; i < begin+10_000; i++ {
			page.Files = append(page.Files, plexindex.File{
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
