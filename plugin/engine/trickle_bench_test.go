package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// sceneReads counts the scenes that Stash is asked for.
type sceneReads struct {
	next http.RoundTripper
	n    atomic.Int64
}

func (s *sceneReads) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil { // a picture
		return s.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var q struct {
		OperationName string
		Variables     struct{ Ids []string }
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	switch q.OperationName {
	case "ScenesByID":
		s.n.Add(int64(len(q.Variables.Ids)))
	case "SceneByID":
		s.n.Add(1)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return s.next.RoundTrip(r)
}

// hooks records what hooks would for an edit of all scenes, one every 10 ms, and asks for runs as they do.
func (s *served) hooks(b *testing.B, record func(id int) store.HookRecord, ask chan<- struct{}) {
	for id := 1; id <= s.n; id++ {
		mark, err := s.Store.RecordHook(b.Context(), time.Now(), record(id))
		if err != nil {
			b.Error(err)
			return
		}
		if mark.Ask {
			if err := s.Store.Asked(b.Context(), time.Now(), mark, true, false); err != nil {
				b.Error(err)
				return
			}
			ask <- struct{}{}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Edits that trickle in while a run is at work: one bulk edit of 500 scenes, whose first hook queues all and whose later
// hooks ask again for their own scene, and 500 scenes saved one by one. The metric x is how many requests Plex gets
// for each scene.
func BenchmarkTrickle(b *testing.B) {
	const n = 500
	own := func(id, priority int) store.Request {
		return store.Request{SceneID: id, Reason: "bench", Priority: priority}
	}
	var all []store.Request
	for id := 1; id <= n; id++ {
		all = append(all, own(id, store.InBulk))
	}
	workloads := []struct {
		name   string
		record func(id int) store.HookRecord
	}{
		{"bulk", func(id int) store.HookRecord {
			return store.HookRecord{Own: own(id, store.InBulk), Others: all, First: id == 1, Event: "event"}
		}},
		{"single", func(id int) store.HookRecord { return store.HookRecord{Own: own(id, store.ByPerson)} }},
	}
	for _, w := range workloads {
		for _, delay := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond} {
			b.Run(fmt.Sprintf("%s/plex=%s", w.name, delay), func(b *testing.B) {
				var requests, reads int
				for b.Loop() {
					s := serve(b, n, delay)
					s.sync(b)
					for id := 1; id <= n; id++ {
						s.stash.Change(id, func(scene *stashtest.Scene) { scene.Title += ", Changed" })
					}
					counter := s.count(b)
					s.plex.Forget()
					ask := make(chan struct{}, n)
					go func() {
						defer close(ask)
						s.hooks(b, w.record, ask)
					}()
					synced := 0
					for range ask {
						sum, err := s.Run(b.Context(), Options{Linger: true})
						if err != nil {
							b.Fatal(err)
						}
						synced += sum.Synced
					}
					if synced < n {
						b.Fatalf("%d of %d scenes arrived", synced, n)
					}
					requests += len(s.plex.Requests())
					reads += int(counter.n.Load())
				}
				b.ReportMetric(float64(requests)/float64(n*b.N), "x")
				b.ReportMetric(1.15, "goal")
				b.ReportMetric(float64(reads)/float64(n*b.N), "scene-reads/scene")
			})
		}
	}
}

// count makes the engine's client for Stash count the scenes that it reads.
func (s *served) count(b *testing.B) *sceneReads {
	b.Helper()
	counter := &sceneReads{next: http.DefaultTransport}
	var err error
	s.Stash, err = stashapi.New(common.StashServerConnection{Scheme: "http", Host: "127.0.0.1", Port: s.stash.Port()}, stashapi.Options{Transport: counter})
	musts(b)(err)
	return counter
}
