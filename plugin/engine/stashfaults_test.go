package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A stashFault is one way in which queries fail.
type stashFault struct {
	name    string
	fault   stashtest.Fault
	harmful bool // it is no answer
	refused bool // it is one: Stash refuses the question
}

func stashFaults() []stashFault {
	list := []stashFault{
		{name: "late", fault: stashtest.Fault{Delay: answerWithin / 2}},
		{name: "no answer", fault: stashtest.Fault{Hang: true}, harmful: true},
		{name: "reset", fault: stashtest.Fault{Reset: true}, harmful: true},
		{name: "late and reset", fault: stashtest.Fault{Reset: true, Delay: answerWithin / 2}, harmful: true},
		{name: "cut", fault: stashtest.Fault{Truncate: true}, harmful: true},
		{name: "an error", fault: stashtest.Fault{Message: "no such file or directory"}, refused: true},
		{name: "422", fault: stashtest.Fault{Status: 422}, refused: true},
	}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504} {
		list = append(list, stashFault{name: fmt.Sprint(status), fault: stashtest.Fault{Status: status}, harmful: true})
	}
	return list
}

// What a failed query means for the run and for the jobs.
type stashMeaning int

const (
	passes      stashMeaning = iota // nothing: it is asked again in another way, or is no matter
	stops                           // the run, and no job is charged
	charges                         // who was asked for alone, once each
	leavesCover                     // there is no picture
)

// meaningOf is the table of what a failed query means.
func meaningOf(operation string, f stashFault) (stashMeaning, bool) {
	switch operation {
	case "JobQueue": // if unknown, another job is assumed to wait
		return passes, true
	case "screenshot": // a page instead of it is no picture
		switch {
		case f.fault.Status == 404, f.fault.Status == 200, f.fault.Message != "":
			return leavesCover, true
		case f.harmful, f.refused:
			return charges, true
		}
		return passes, true
	case "Tags": // without it the excluded scenes are unknown
		if f.harmful || f.refused {
			return stops, true
		}
		return passes, true
	case "SlimScenes", "SceneByID", "ScenesByID": // a refused listing blocks no other scene
		switch {
		case f.harmful:
			return stops, true
		case f.refused && operation != "ScenesByID":
			return charges, true
		}
		return passes, true
	}
	return 0, false
}

// operations are what a rich run asks of Stash.
func operations(t *testing.T, stash *stashtest.Server) []string {
	t.Helper()
	seen := make(map[string]bool)
	inFaultWorld(t, stash, func(w *faultWorld) {
		for _, r := range rounds() {
			r.prepare(w)
			w.filter()
			_, err := w.Engine.Run(w.Context(), Options{Linger: true})
			w.must(err)
		}
		for _, q := range stash.Queries() {
			seen[q.Operation] = true
		}
	})
	return slices.Sorted(maps.Keys(seen))
}

// filter makes a run ask for tags.
func (w *faultWorld) filter() {
	w.stash.Name("tag", 0, "Unheard")
	w.Config.Filter.ExcludeTags = []string{"Unheard"}
}

func TestTortureEveryFaultOfStash(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	type failing struct {
		operation string
		f         stashFault
		times     int
	}
	var list []failing
	for _, operation := range operations(t, stash) {
		for _, f := range stashFaults() {
			for _, times := range []int{1, 0} {
				list = append(list, failing{operation, f, times})
			}
		}
	}
	list = sample(given, list, 40, 2)
	for _, c := range list {
		means, known := meaningOf(c.operation, c.f)
		if !known {
			t.Errorf("%s is a new operation: say what its failures mean", c.operation)
		}
		t.Run(fmt.Sprintf("%s, %s, %d", c.operation, c.f.name, c.times), func(t *testing.T) {
			inFaultWorld(t, stash, func(w *faultWorld) {
				rounds()[0].prepare(w)
				w.filter()
				w.judged(nil)
				w.change()
				pass(catchup.CompleteEvery)
				f := c.f.fault
				f.Operation, f.Times = c.operation, c.times
				w.stash.Inject(f)
				w.stashFailed(means)
			})
		})
	}
	t.Logf("%d combinations", len(list))
}

// stashFailed makes a run while Stash fails, and then those that bring everything to its end.
func (w *faultWorld) stashFailed(means stashMeaning) {
	w.Helper()
	sum, err := w.Engine.Run(w.Context(), Options{})
	w.must(err)
	if (sum.Class == retry.ClassStashUnavailable) != (means == stops) {
		w.Errorf("it stopped with %q, class %s", sum.Stopped, sum.Class)
	}
	w.findHidden()
	attempts := 0
	for id := range w.version {
		j, err := w.Store.Job(w.Context(), id)
		switch {
		case errors.Is(err, store.ErrNone):
		case err != nil:
			w.Error(err)
		case j.Attempts > 1 || j.Unfinished > 0 || j.Attempts > 0 && j.ErrorClass != string(retry.ClassTemporary):
			w.Errorf("job = %+v", j)
		default:
			attempts += j.Attempts
		}
	}
	if means == charges && attempts == 0 || means != charges && attempts > 0 {
		w.Errorf("%d attempts are charged", attempts)
	}
	if b, err := w.Store.Breaker(w.Context()); err != nil || b != (store.Breaker{State: store.BreakerClosed}) {
		w.Errorf("Plex's breaker = %+v, %v", b, err)
	}
	w.stash.Heal()
	w.judged(nil)
	if means == leavesCover { // until the scene changes
		w.ask(store.InBulk, richScene, w.late)
		w.judged(nil)
	}
	w.arrived()
	if letters, err := w.Store.DeadLetters(w.Context(), store.Narrow{}, 1); err != nil || len(letters) > 0 {
		w.Errorf("dead letters = %+v, %v", letters, err)
	}
}
