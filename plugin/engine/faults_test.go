package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A point is a request of a run without faults: the nth of its kind in a round.
type point struct {
	round round
	kind  string
	role  role
	nth   int
}

func (p point) String() string { return fmt.Sprintf("%s %s %d", p.round.name, p.kind, p.nth) }

// meets reports whether a request is of the point's kind.
func (p point) meets(r plextest.Request) bool { return kindOf(r) == p.kind }

// points are the first request of each kind, at each place where it plays another part: before or after a
// write, and for one job or several.
func points(t *testing.T, stash *stashtest.Server) []point {
	t.Helper()
	var list []point
	seen := make(map[string]int)
	inFaultWorld(t, stash, func(w *faultWorld) {
		for _, r := range rounds() {
			r.prepare(w)
			w.plex.Forget()
			w.run()
			wrote, sent := false, false
			count := make(map[string]int)
			for _, request := range w.plex.Requests() {
				kind := kindOf(request)
				p := point{round: r, kind: kind, nth: count[kind]}
				count[kind]++
				var known bool
				if p.role, known = roleOf(kind); !known {
					t.Errorf("%s is a new kind of request: say what its failures mean", kind)
				}
				place := fmt.Sprint(kind, wrote, sent, len(w.jobsOf(request)) > 1)
				if p.role == listingRole {
					place = fmt.Sprint(kind, r.name)
				}
				wrote, sent = wrote || request.Method == "PUT", sent || request.Method == "POST"
				if at, there := seen[place]; there {
					list[at] = p // what an old world does is more than what a new one does
				} else {
					seen[place] = len(list)
					list = append(list, p)
				}
			}
			w.judged(nil)
			w.arrived()
		}
	})
	return list
}

// A combination is a fault at a point.
type combination struct {
	point point
	c     faultCase
	times int // 0: until it is healed
}

func (c combination) String() string {
	when, often := "instead", "for ever"
	if c.c.fault.After {
		when = "afterwards"
	}
	if c.times > 0 {
		often = fmt.Sprint(c.times, " times")
	}
	return fmt.Sprintf("%s, %s, %s, %s", c.c.name, c.point, when, often)
}

// combinations are all that there are.
func combinations(points []point) []combination {
	var list []combination
	for _, c := range faultCases() {
		for _, p := range points {
			for _, times := range []int{1, 3, 0} {
				list = append(list, combination{p, c, times})
				if p.role == writeRole || p.role == scanRole || p.role == pictureRole {
					afterwards := c
					afterwards.fault.After = true
					list = append(list, combination{p, afterwards, times})
				}
			}
		}
	}
	return list
}

// runsBeforeHealing is how many runs a fault lasts that does not end by itself.
const runsBeforeHealing = 4

// run makes runs until no job is left, each when something is due. Each is judged, if there is an oracle.
func (w *faultWorld) judged(o *oracle) {
	w.Helper()
	for n := 1; n <= 30; n++ {
		began := time.Now()
		w.plex.Forget()
		if o != nil {
			o.begins()
		}
		sum := w.run()
		w.findHidden()
		if o != nil {
			o.judge()
			o.check(sum, began)
			o.tooEarly()
		}
		if w.Failed() || w.next() < 0 {
			return
		}
		if n == runsBeforeHealing {
			w.plex.Heal()
		}
		pass(w.next())
	}
	w.Errorf("jobs are left")
}

// next is how long it takes until a run finds something to do; negative if there is nothing.
func (w *faultWorld) next() time.Duration {
	w.Helper()
	b, err := w.Store.Breaker(w.Context())
	w.must(err)
	left := false
	earliest := time.Now().Add(store.LongestWait)
	for id := range w.version {
		if j, err := w.Store.Job(w.Context(), id); err == nil {
			left = true
			if j.DueAt.Before(earliest) {
				earliest = j.DueAt
			}
		}
	}
	switch {
	case !left:
		return -1
	case b.ProbeAt.After(earliest):
		earliest = b.ProbeAt
	}
	return max(time.Until(earliest), time.Millisecond)
}

// tooEarly makes a run before anything is due: nobody may be asked for a job that waits, and Plex for nothing
// while the breaker is open.
func (o *oracle) tooEarly() {
	w := o.w
	w.Helper()
	waits := o.open
	for id, a := range o.jobs {
		if j, err := w.Store.Job(w.Context(), id); err == nil && !j.DueAt.After(time.Now()) || a.dead {
			waits = o.open // one is due
			break
		}
		waits = true
	}
	if !waits {
		return
	}
	open, began := o.open, time.Now()
	o.begins()
	w.plex.Forget()
	sum := w.run()
	w.findHidden()
	o.judge()
	o.check(sum, began)
	for _, r := range w.plex.Requests() {
		if jobs := w.jobsOf(r); open || len(jobs) > 0 && !slices.Equal(jobs, []int{w.hidden}) {
			w.Errorf("a run that comes too early sends %s %s", r.Method, r.Path)
		}
	}
}

// try makes a round in which a fault happens.
func (w *faultWorld) try(c combination) {
	w.Helper()
	c.point.round.prepare(w)
	o := &oracle{w: w, c: c.c, jobs: make(map[int]*account), apart: c.point.round.name == "changes"}
	for id := range w.version {
		if _, err := w.Store.Job(w.Context(), id); err == nil {
			o.jobs[id] = &account{}
		}
	}
	f := c.c.fault
	f.Times, f.Skip, f.Match = c.times, c.point.nth, c.point.meets
	if c.c.everything {
		begun := false
		f.Match = func(r plextest.Request) bool {
			begun = begun || c.point.meets(r)
			return begun
		}
	}
	w.plex.Inject(f)
	w.judged(o)
	w.plex.Heal()
	var lost []int
	for id, a := range o.jobs {
		if a.lost {
			lost = append(lost, id)
		}
	}
	if len(lost) > 0 {
		w.ask(store.InBulk, slices.Sorted(slices.Values(lost))...)
		w.judged(nil)
	}
	w.arrived()
	for id := range w.version {
		if letters, err := w.Store.DeadLetters(w.Context(), store.Narrow{SceneID: id}, 1); err != nil || len(letters) > 0 {
			w.Errorf("scene %d is dead in the end: %+v, %v", id, letters, err)
		}
	}
}

// tryAll tries combinations one by one, in a new world after each that fails, and for each that
// needs one.
func tryAll(t *testing.T, stash *stashtest.Server, list []combination) {
	for len(list) > 0 {
		t.Run(list[0].String(), func(t *testing.T) {
			inFaultWorld(t, stash, func(w *faultWorld) {
				if list[0].point.round.name != "first" {
					rounds()[0].prepare(w)
					w.judged(nil)
				}
				for fresh := true; len(list) > 0 && !w.Failed() && (fresh || list[0].point.round.name != "first"); fresh = false {
					w.try(list[0])
					if w.Failed() {
						w.T.Log(list[0])
					}
					list = list[1:]
				}
			})
		})
	}
}

func TestTortureEveryFaultAtEveryRequest(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	all := combinations(points(t, stash))
	list := sample(given, all, 150, 6)
	tryAll(t, stash, list)
	t.Logf("%d of %d combinations", len(list), len(all))
}
