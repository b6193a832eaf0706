package engine

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// served is an engine that speaks to the two stand-ins over a network.
type served struct {
	*Engine
	stash *stashtest.Server
	plex  *plextest.Server
	n     int
}

// serve starts both stand-ins with n scenes as people have them. Plex holds their files and answers each
// request after this delay.
func serve(b *testing.B, n int, delay time.Duration) *served {
	b.Helper()
	must := musts(b)
	stash, err := stashtest.New()
	must(err)
	plex := plextest.New("token-123")
	section := plex.AddSection("Videos", "movie")
	for _, kind := range [...]string{"studio", "performer", "tag"} {
		for i := range 200 {
			stash.Name(kind, 0, fmt.Sprintf("The %s No. %d", kind, i))
		}
	}
	scenes := make([]stashtest.Scene, n)
	for i := range scenes {
		pick := func(k int) int { return 1 + (i*7+k*13)%200 }
		scenes[i] = stashtest.Scene{
			ID: i + 1, Title: fmt.Sprintf("A Title of Some Words %d", i), Details: fmt.Sprintf("Scene %d. %s", i, someText), Date: "2023-05-06", Studio: pick(0),
			Performers: []int{pick(1), pick(2), pick(3)}, Tags: []int{pick(1), pick(2), pick(3), pick(4), pick(5)},
			Files: []stashtest.File{{Path: path(i + 1), Size: size(i + 1), Duration: 1}},
		}
		plex.AddItem(section, path(i+1), size(i+1))
	}
	stash.Add(scenes...)
	must(stash.Start())
	must(plex.Start())
	if delay > 0 {
		plex.Inject(plextest.Fault{Delay: delay})
	}
	b.Cleanup(func() {
		stash.Stop()
		plex.Stop()
	})
	stashClient, err := stashapi.New(common.StashServerConnection{Scheme: "http", Host: "127.0.0.1", Port: stash.Port()}, stashapi.Options{})
	must(err)
	plexClient, err := plexapi.New(plexapi.Config{URL: plex.URL(), Token: "token-123", ClientIdentifier: "id", ProductVersion: "1"})
	must(err)
	return &served{newEngine(b, stashClient, plexClient), stash, plex, n}
}

const someText = `Two people meet in a city that neither of them knows, and spend the whole of a long afternoon there. ` +
	`It was filmed on a single day with two cameras, and is shown here in full length, with the sound of the street.`

// sync pushes all scenes, and returns how long that took and what it wrote.
func (s *served) sync(b *testing.B) (time.Duration, []plextest.Request) {
	b.Helper()
	if _, err := s.EnqueueAll(b.Context()); err != nil {
		b.Fatal(err)
	}
	s.plex.Forget()
	begin := time.Now()
	sum, err := s.Run(b.Context(), Options{})
	took := time.Since(begin)
	if err != nil || sum != (Summary{Synced: s.n, Floor: sum.Floor}) {
		b.Fatalf("%+v, %v", sum, err)
	}
	var writes []plextest.Request
	for _, r := range s.plex.Requests() {
		if r.Method == http.MethodPut {
			writes = append(writes, r)
		}
	}
	return took, writes
}

// A run against a Plex that takes so long for each request, side by side with nothing but its writes. The
// metric x is how much of the bare client's speed it reaches.
func BenchmarkRun(b *testing.B) {
	must := musts(b)
	for _, c := range []struct {
		delay time.Duration
		n     int
	}{{0, 2000}, {5 * time.Millisecond, 500}, {20 * time.Millisecond, 200}} {
		for _, first := range []bool{true, false} {
			name := map[bool]string{true: "first", false: "again"}[first]
			b.Run(fmt.Sprintf("plex=%s/%s", c.delay, name), func(b *testing.B) {
				var ours, bare time.Duration
				synced := 0
				for b.Loop() {
					s := serve(b, c.n, c.delay)
					took, writes := s.sync(b)
					if !first {
						for id := 1; id <= c.n; id++ {
							s.stash.Change(id, func(scene *stashtest.Scene) { scene.Title += ", Changed" })
						}
						took, writes = s.sync(b)
					}
					ours += took
					again, err := s.plex.SendAgain(writes)
					must(err)
					bare += again
					synced += c.n
				}
				b.ReportMetric(float64(bare)/float64(ours), "x")
				b.ReportMetric(0.7, "at-least")
				b.ReportMetric(float64(synced)/ours.Seconds(), "scenes/s")
			})
		}
	}
}

// A run of one edit while no job and while 100,000 others wait, in turns. The metric x is how often the one
// takes as long as the other.
func BenchmarkRunBesideWaiting(b *testing.B) {
	engines := [...]*served{serve(b, 1, 0), serve(b, 1, 0)}
	waiting := make([]store.Request, 100_000)
	for i := range waiting {
		waiting[i] = store.Request{SceneID: 1000 + i, Reason: "bench", Priority: store.InBulk}
	}
	if err := engines[1].Store.Enqueue(b.Context(), time.Now().Add(store.LongestWait-time.Second), waiting); err != nil {
		b.Fatal(err)
	}
	for _, s := range engines { // the first reading of Plex's files
		s.sync(b)
	}
	var took [len(engines)]time.Duration
	for b.Loop() {
		for i, s := range engines {
			s.stash.Change(1, func(scene *stashtest.Scene) { scene.Title += "!" })
			t, _ := s.sync(b)
			took[i] += t
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "x")
	b.ReportMetric(1.3, "goal")
}

// One look at a queue of 100 jobs in Stash. The metric x is how often a run that looks takes as long as one that does not.
func BenchmarkLookAtStashsQueue(b *testing.B) {
	s := serve(b, 1, 0)
	for range 100 {
		s.stash.Hold("Generating...")
	}
	for b.Loop() {
		if _, err := s.Stash.JobQueue(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	look := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(1+float64(look)/float64(roomEvery), "x")
	b.ReportMetric(1.05, "goal")
}
