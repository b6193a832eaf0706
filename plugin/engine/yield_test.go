package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// longWork takes more than a minute.
type longWork struct {
	name  string
	n     int                       // scenes whose files Plex holds
	begin func(l *lab)              // prepares it
	slow  func(l *lab)              // makes Stash or Plex slow
	part  func(l *lab) bool         // works, and reports whether it yielded
	done  func(l *lab, name string) // fails unless the work is complete
}

const longListing = 8000

func (l *lab) runPart() bool { return l.run().Stopped != "" }

// elsewhere adds scenes whose files Plex does not hold.
func (l *lab) elsewhere(n int) {
	scenes := make([]stashtest.Scene, n)
	for i := range scenes {
		scenes[i] = stashtest.Scene{Title: "T", Updated: time.Now().Add(-time.Hour)}
	}
	l.stash.Add(scenes...)
}

func slowStash(operation string, delay time.Duration) func(l *lab) {
	return func(l *lab) { l.stash.Inject(stashtest.Fault{Operation: operation, Delay: delay}) }
}

func slowPlex(method, prefix string, delay time.Duration) func(l *lab) {
	return func(l *lab) { l.plex.Inject(plextest.Fault{Method: method, Prefix: prefix, Delay: delay}) }
}

// allEdited changes the titles of n scenes.
func allEdited(n int) func(l *lab) {
	return func(l *lab) {
		for id := 1; id <= n; id++ {
			l.edit("New", id)
		}
	}
}

func wantEdited(n int) func(l *lab, name string) {
	return func(l *lab, _ string) {
		for id := 1; id <= n; id++ {
			l.wantTitle(id, "New")
		}
	}
}

// wantListedOnce checks that the parts listed each page of Stash's scenes once.
func wantListedOnce(l *lab, name string) {
	pages := 0
	for _, q := range l.stash.Queries() {
		if q.Operation == "SlimScenes" {
			pages++
		}
	}
	if want := longListing/1000 + 1; pages != want {
		l.Errorf("%s: %d pages were listed, want %d", name, pages, want)
	}
	_, at, err := l.Store.Meta(l.Context(), store.KeyLastCatchUp)
	l.must(err)
	if time.Since(at) > time.Minute {
		l.Errorf("%s: the listing ended at %v", name, at)
	}
}

func listings() []longWork {
	slow := slowStash("SlimScenes", 10*time.Second)
	return []longWork{
		{"the listing of all scenes", 0, func(l *lab) { l.elsewhere(longListing) }, slow, (*lab).runPart, wantListedOnce},
		{"the listing of changed scenes", 0, func(l *lab) {
			l.elsewhere(longListing)
			l.run()
			pass(11 * time.Minute)
			l.stash.Forget()
		}, slow, (*lab).runPart, wantListedOnce},
		syncOf("Sync all", (*Engine).EnqueueAll),
		syncOf("Sync recent", func(e *Engine, ctx context.Context) (int, error) {
			return e.EnqueueSince(ctx, time.Now().Add(-24*time.Hour))
		}),
	}
}

// syncOf is a sync whose listing takes long. Its scenes have no file, so their jobs end quickly.
func syncOf(name string, enqueue func(e *Engine, ctx context.Context) (int, error)) longWork {
	var queued bool
	var processed int
	return longWork{name, 0, func(l *lab) {
		queued, processed = false, 0
		l.elsewhere(longListing)
	}, slowStash("SlimScenes", 10*time.Second), func(l *lab) bool {
		if !queued {
			queued = true
			if _, err := enqueue(l.Engine, l.Context()); err != nil {
				why, ok := Yielded(err)
				return ok && why == leavesRun
			}
		}
		sum := l.run()
		processed += sum.Gone
		return sum.Stopped != ""
	}, func(l *lab, name string) {
		if processed != longListing {
			l.Errorf("%s: %d scenes were processed, want %d", name, processed, longListing)
		}
	}}
}

func readings() []longWork {
	const items = 5000
	fill := func(l *lab) {
		for id := 100; id < 100+items; id++ {
			l.plex.AddItem(l.section, path(id), size(id))
		}
	}
	read := func(l *lab, name string) {
		if n, err := l.Index.CountFiles(l.Context(), l.plex.Machine(), l.section); err != nil || n.N != items+1 {
			l.Errorf("%s: the index holds %d files, %v", name, n.N, err)
		}
	}
	slow := slowPlex("GET", "/library/sections/", 4*time.Second)
	rebuilding := false
	return []longWork{
		{"the first reading of the index", 1, func(l *lab) { fill(l); allEdited(1)(l) }, slow, (*lab).runPart, read},
		{"a listing of new items", 1, func(l *lab) {
			allEdited(1)(l)
			l.run()
			pass(time.Hour)
			fill(l)
			allEdited(1)(l)
			l.plex.Remove(l.keys[1]) // so that the job needs the index
			l.keys[1] = l.plex.AddItem(l.section, path(1), size(1))
		}, slow, (*lab).runPart, read},
		{"a rebuilding of the index", 1, func(l *lab) { fill(l); rebuilding = true }, slow, func(l *lab) bool {
			again := (*Engine).RefreshIndex
			if rebuilding {
				again = (*Engine).RebuildIndex
			}
			rebuilding = false
			sum, err := again(l.Engine, l.Context())
			l.must(err)
			return sum.Stopped == leavesIndex
		}, read},
	}
}

func batches() []longWork {
	covers := func(n int) func(l *lab) {
		return func(l *lab) {
			for id := 1; id <= n; id++ {
				l.stash.Change(id, func(s *stashtest.Scene) { s.Cover = jpeg(fmt.Sprint(id)) })
			}
			allEdited(n)(l)
		}
	}
	return []longWork{
		{"writes", 60, allEdited(60), slowPlex("PUT", "", 2*time.Second), (*lab).runPart, wantEdited(60)},
		{"writes of 25 s", 6, allEdited(6), slowPlex("PUT", "", 25*time.Second), (*lab).runPart, wantEdited(6)},
		{"scenes without data", 60, func(l *lab) {
			for id := 1; id <= 60; id++ {
				l.edit("", id)
			}
		}, slowStash("screenshot", 1500*time.Millisecond), (*lab).runPart, func(l *lab, name string) {
			if due, err := l.Store.HasDue(l.Context(), time.Now(), store.ClaimOptions{}); err != nil || due {
				l.Errorf("%s: jobs are left: %v, %v", name, due, err)
			}
		}},
		{"covers", 30, covers(30), slowPlex("POST", "", 2*time.Second), (*lab).runPart, func(l *lab, name string) {
			for id := 1; id <= 30; id++ {
				if l.poster(id) != string(jpeg(fmt.Sprint(id))) || l.plex.Uploads(l.keys[id]) != 1 {
					l.Errorf("%s: scene %d has the cover %q after %d uploads", name, id, l.poster(id), l.plex.Uploads(l.keys[id]))
				}
			}
		}},
		{"pictures that are confirmed", 40, covers(40), slowPlex("GET", "/library/metadata/", 1500*time.Millisecond), (*lab).runPart, wantEdited(40)},
	}
}

// troubles are works that end only when Plex recovers.
func troubles() []longWork {
	lingers := func(l *lab) bool {
		sum := l.runWith(Options{Linger: true})
		return sum.Synced == 0
	}
	return []longWork{
		{"failing reads in halves", 50, allEdited(50), func(l *lab) {
			slow := plextest.Fault{Method: "GET", Prefix: "/library/metadata/", Delay: 2 * time.Second}
			several := slow
			several.Status, several.Match = 500, func(r plextest.Request) bool { return strings.Contains(r.Path, ",") }
			l.plex.Inject(several)
			l.plex.Inject(slow)
		}, (*lab).runPart, wantEdited(50)},
		{"a wait for a retry", 1, allEdited(1), func(l *lab) { l.patient(80) }, lingers, wantEdited(1)},
		{"a wait for a probe", 1, allEdited(1), func(l *lab) { l.plex.Inject(plextest.Fault{Status: 503}) }, lingers, wantEdited(1)},
	}
}

func reports() []longWork {
	var next *findings.RestorePosition
	var restored int
	restore := func(l *lab) bool {
		do := func(ctx context.Context) (findings.Restoration, error) { return l.Restore(ctx, 0) }
		if next != nil {
			do = func(ctx context.Context) (findings.Restoration, error) { return l.ContinueRestore(ctx, *next) }
		}
		r, err := do(l.Context())
		l.must(err)
		next, restored = r.Next, restored+r.Restored
		return next != nil && r.Stopped != ""
	}
	var from *PreviewPosition
	var counted int
	preview := func(l *lab) bool {
		do := func(ctx context.Context) (Preview, error) { return l.Preview(ctx, 0) }
		if from != nil {
			do = func(ctx context.Context) (Preview, error) { return l.ContinuePreview(ctx, *from, nil) }
		}
		p, err := do(l.Context())
		l.must(err)
		from, counted = p.Next, p.WouldChange
		if p.ByField["title"] != counted {
			l.Errorf("%d titles of %d scenes", p.ByField["title"], counted)
		}
		return from != nil && p.Stopped != ""
	}
	changed := func(n int) func(l *lab) {
		return func(l *lab) {
			from, counted = nil, 0
			l.must(second(l.RefreshIndex(l.Context())))
			for id := 1; id <= n; id++ {
				l.stash.Change(id, func(s *stashtest.Scene) { s.Title, s.Cover = "New", jpeg("one") })
			}
		}
	}
	wantCounted := func(n int) func(l *lab, name string) {
		return func(l *lab, name string) {
			if counted != n {
				l.Errorf("%s: %d scenes were counted, want %d", name, counted, n)
			}
		}
	}
	return []longWork{
		{"a restore", 60, func(l *lab) {
			next, restored = nil, 0
			allEdited(60)(l)
			l.run()
		}, slowPlex("PUT", "", 2*time.Second), restore, func(l *lab, name string) {
			if restored != 60 {
				l.Errorf("%s: %d items were restored, want 60", name, restored)
			}
			for id := 1; id <= 60; id++ {
				l.wantTitle(id, fmt.Sprintf("clip%d", id))
			}
		}},
		{"a preview", 400, changed(400), slowPlex("GET", "/library/metadata/", 200*time.Millisecond), preview, wantCounted(400)},
		{"a preview of covers", 60, changed(60), slowStash("screenshot", 1500*time.Millisecond), preview, wantCounted(60)},
	}
}

func TestEveryWorkLeavesWithin30SecondsAndIsContinued(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	for i, c := range slices.Concat(listings(), readings(), batches(), reports(), troubles()) {
		for third := range 3 {
			random := rand.New(rand.NewPCG(uint64(i), uint64(third)))
			moment := time.Duration(third)*23*time.Second + time.Duration(random.Int64N(int64(23*time.Second)))
			name := fmt.Sprintf("%s for %v", c.name, moment.Round(time.Millisecond))
			t.Run(name, func(t *testing.T) {
				inLab(t, c.n, func(l *lab) { leaves(l, c, moment) })
			})
		}
	}
}

// leaves lets another job wait from a moment of the work, and checks that the work makes room and is then continued.
func leaves(l *lab, c longWork, moment time.Duration) {
	l.Ask = func(context.Context) error { return nil }
	c.begin(l)
	l.Yields = true
	own, other := l.stash.Hold("our own run"), make(chan func(), 1)
	c.slow(l)
	begin := time.Now()
	go func() {
		pass(moment)
		other <- l.stash.Hold("Scanning...")
	}()
	left := c.part(l)
	if waited := time.Since(begin) - moment; !left || waited < 0 || waited > 30*time.Second {
		l.Errorf("left: %v, after another job had waited for %v", left, waited)
	}
	own()
	(<-other)()
	l.plex.Heal()
	l.stash.Heal()
	for part := 2; left && part <= 5; part++ {
		pass(15 * time.Minute) // retries are due
		left = c.part(l)
	}
	c.done(l, c.name)
}

// A person who queues twenty scans must not stop a sync: between two of them it works for a while.
func TestEveryWorkAdvancesBesideAQueueThatNeverEmpties(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	slowReads := longWork{"reads of 25 s", 5, allEdited(5), slowPlex("GET", "/library/metadata/", 25*time.Second), (*lab).runPart, wantEdited(5)}
	for _, c := range slices.Concat(listings(), readings(), batches(), reports(), []longWork{slowReads}) {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, c.n, func(l *lab) {
				l.Ask = func(context.Context) error { return nil }
				c.begin(l)
				l.Yields = true
				l.stash.Hold("our own run")
				l.stash.Hold("Scanning...")
				c.slow(l)
				parts := 1
				for began := time.Now(); c.part(l) && parts < 50; parts++ {
					if took := time.Since(began); took < workAtLeast || took > 80*time.Second {
						l.Errorf("a part took %v", took)
					}
					began = time.Now()
				}
				if parts < 3 || parts == 50 {
					l.Errorf("it took %d parts", parts)
				}
				c.done(l, c.name)
			})
		})
	}
}

// Runs that always find another job waiting, and those that find none, are as fast as runs that never look.
func TestYieldingCostsAtMostFivePercent(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const n = 1500
	took := func(l *lab, parts int) time.Duration {
		slowPlex("", "", 20*time.Millisecond)(l)
		slowStash("", 20*time.Millisecond)(l)
		allEdited(n)(l)
		begin := time.Now()
		done := 1
		for l.runPart() {
			done++
		}
		wantEdited(n)(l, "")
		if done < parts {
			l.Errorf("the sync had %d parts, want at least %d", done, parts)
		}
		return time.Since(begin)
	}
	var never, idle, busy time.Duration
	inLab(t, n, func(l *lab) { never = took(l, 1) })
	inLab(t, n, func(l *lab) {
		l.Ask = func(context.Context) error { return nil }
		idle = took(l, 1)
	})
	inLab(t, n, func(l *lab) {
		l.Ask = func(context.Context) error { return nil }
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		busy = took(l, 3)
	})
	t.Logf("%d scenes: %v without a look, %v with looks (%.3f), %v in parts (%.3f)", n, never, idle, float64(idle)/float64(never), busy, float64(busy)/float64(never))
	if limit := never + never/20; idle > limit || busy > limit {
		t.Errorf("a sync of %v takes %v, and %v beside a busy queue", never, idle, busy)
	}
}
