package engine

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// account is what must be stored of a job.
type account struct {
	attempts, misses int
	faults           int  // answers of 500 to writes in a row: the third may mean a bad field
	pictureFailed    bool // once; the second time it is left out
	found            bool // what only a scan finds
	class            retry.Class
	wait             time.Duration // until it is due, if the last run has decided that; else -1
	done, dead       bool
	lost             bool // something of it is left out, or it is dead: an edit brings it back
}

// oracle says from the requests of a run alone what must be stored after it.
type oracle struct {
	w        *faultWorld
	c        faultCase
	jobs     map[int]*account
	failures int
	open     bool // the breaker
	sum      Summary
	cuts     []observed // that ended a batch
	stop     *observed  // that ended the run
	trial    int        // the job that is tried while the breaker is half-open
	scanned  bool       // Plex held what only a scan finds after the last run
	inRow    int        // items in a row that failed as if Plex did
	row      []int      // of them, those with an answer
	blamed   []int      // those of them that turned out to show a failure of Plex
	denied   bool       // the token was refused for an item
	apart    bool       // the twin is a person's edit, and so claimed before the others
}

// begins records the trial of the next run if the breaker is open: the due job with the fewest attempts.
func (o *oracle) begins() {
	o.trial = 0
	var best store.Job
	for _, id := range slices.Sorted(maps.Keys(o.jobs)) {
		j, err := o.w.Store.Job(o.w.Context(), id)
		if !o.open || err != nil || j.DueAt.After(time.Now()) {
			continue
		}
		if o.trial == 0 || j.Attempts < best.Attempts || j.Attempts == best.Attempts && j.DueAt.Before(best.DueAt) {
			o.trial, best = id, j
		}
	}
}

// judge judges a run.
func (o *oracle) judge() {
	o.sum, o.stop, o.cuts = Summary{}, nil, nil
	o.inRow, o.row, o.blamed, o.denied = 0, nil, nil, false
	steps := o.steps()
	o.checkTrial(steps)
	o.judgeBreaker(steps)
	if a := o.jobs[o.w.hidden]; a != nil && !a.found && o.scanned && listed(steps) {
		a.found, a.misses = true, 0 // it is woken
	}
	for id, a := range o.jobs {
		if a.wait = -1; !a.done && !a.dead {
			o.judgeJob(id, a, steps)
		}
	}
	o.scanned = o.w.keys[o.w.hidden] != ""
}

// checkTrial checks that the first job with a request to Plex is the trial.
func (o *oracle) checkTrial(steps []observed) {
	i := slices.IndexFunc(steps, func(s observed) bool { return len(s.jobs) > 0 })
	if o.trial == 0 || i < 0 || o.trial == o.w.hidden && !o.scanned { // of what Plex does not hold it cannot be asked
		return
	}
	if !steps[i].own(o.trial) {
		o.w.Errorf("the trial is %v, want scene %d", steps[i].jobs, o.trial)
	}
}

// judgeJob says what becomes of a job: it is what the last request that named it says.
func (o *oracle) judgeJob(id int, a *account, steps []observed) {
	at := -1
	for _, s := range steps {
		if slices.Contains(s.jobs, id) {
			at = s.at
		}
	}
	if at < 0 {
		// It is looked for before it is scanned for, and alone if it is the trial.
		scans := func(s observed) bool {
			return s.role == scanRole || id == o.trial && s.role == listingRole && s.means == fine
		}
		if id == o.w.hidden && slices.ContainsFunc(steps, scans) {
			o.miss(a)
		}
		return
	}
	s := steps[at]
	own := s.own(id)
	whole := s.Status == 500 && s.role == writeRole // which may be a bad field
	image := s.role == pictureRole && (s.Status == 500 || s.Status == 413)
	others := slices.ContainsFunc(steps, func(s observed) bool { return s.role == writeRole && s.own(id) && s.means == fine })
	favour := s.role == pictureRole || s.kind == "PUT /:/rate" && others // of several fields one is left out
	switch {
	case s.means == fine:
		o.end(id, a, steps, at)
	case own && (s.means == down || s.means == unauthorised) && o.concernsItem(id, s, steps):
		o.charge(a, 0)
	case !own: // a failure of the server; its trace depends on what ended the batch
		a.class = ""
	case s.means == down, s.means == unauthorised:
		a.class = map[meaning]retry.Class{down: retry.ClassServerDown, unauthorised: retry.ClassUnauthorized}[s.means]
	case s.means == notThere:
		o.miss(a)
	case image && !a.pictureFailed:
		a.pictureFailed = true
		o.charge(a, 0)
	case image, s.means == refused && favour, whole && favour && a.faults >= 2:
		o.done(a, true)
	case s.means == refused:
		a.dead, a.lost, a.class = true, true, retry.ClassRejected
		o.sum.Dead++
	default:
		a.faults += one(whole)
		o.charge(a, o.c.retryAfter)
	}
}

// concernsItem reports whether an answer that means that Plex is down, or the token refused, is charged to the item:
// Plex answers the probe, and other items do not fail in the same way.
func (o *oracle) concernsItem(id int, s observed, steps []observed) bool {
	return s.Status != 0 && !gone(steps[s.at+1:]) && !slices.Contains(o.blamed, id) && (s.means == down || wroteItem(steps))
}

// wroteItem reports whether Plex accepted all writes of an item, among them an edit.
func wroteItem(steps []observed) bool {
	edited, failed := make(map[int]bool), make(map[int]bool)
	for _, s := range steps {
		if s.role == writeRole {
			failed[s.jobs[0]] = failed[s.jobs[0]] || s.means != fine
			edited[s.jobs[0]] = edited[s.jobs[0]] || s.kind != "PUT /:/rate"
		}
	}
	for id := range edited {
		if edited[id] && !failed[id] {
			return true
		}
	}
	return false
}

// end handles a job after a successful last request.
func (o *oracle) end(id int, a *account, steps []observed, at int) {
	if slices.ContainsFunc(o.cuts, func(c observed) bool { return c.at > at && len(c.jobs) > 0 && o.batch(c.jobs[0]) == o.batch(id) }) {
		return // it was left as it was
	}
	locks := 0
	for _, s := range steps {
		locks += one(s.ignored && s.own(id) && s.locks())
		if s.ignored && s.own(id) && !s.locks() {
			o.charge(a, 0)
			return
		}
	}
	a.faults, a.lost = 0, a.lost || locks > 1 // it is set again, unseen
	o.done(a, slices.ContainsFunc(steps, func(s observed) bool {
		return (s.means == refused || s.Faulty && s.Status == 500) && s.own(id) && s.role == writeRole && fieldsIn(s.Request) == 1
	}))
}

// listed reports whether the library was looked at for what is new.
func listed(steps []observed) bool {
	return slices.ContainsFunc(steps, func(s observed) bool {
		return s.role == listingRole && s.means == fine && !strings.HasSuffix(s.kind, "updatedAt:desc")
	})
}

// batch returns the jobs that are claimed together.
func (o *oracle) batch(id int) int {
	switch {
	case id == o.trial:
		return -1
	case id == twinScene && o.apart:
		return 1
	}
	return 0
}

func (o *oracle) charge(a *account, atLeast time.Duration) {
	a.attempts++
	a.class = retry.ClassTemporary
	a.wait = max(min(5*time.Second<<(a.attempts-1), 80*time.Second)*3/4, atLeast)
	o.sum.Retrying++
}

func (o *oracle) miss(a *account) {
	a.misses++
	a.class = retry.ClassNotFound
	a.wait = min(30*time.Second<<(a.misses-1), 600*time.Second) * 3 / 4
	o.sum.Waiting++
}

func (o *oracle) done(a *account, lost bool) {
	a.done, a.lost = true, a.lost || lost
	o.sum.Synced++
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// fieldsIn counts the fields of an edit.
func fieldsIn(r plextest.Request) int {
	query, _ := url.ParseQuery(r.Query)
	fields := make(map[string]bool)
	for name := range query {
		if field, _, ok := strings.Cut(name, "."); ok {
			field, _, _ = strings.Cut(field, "[")
			fields[field] = true
		}
	}
	return max(len(fields), 1)
}

// check compares what is stored, and what the run says of itself, with what the oracle says.
func (o *oracle) check(sum Summary, began time.Time) {
	w := o.w
	w.Helper()
	failed := w.Failed()
	defer func() {
		if w.Failed() && !failed {
			for _, s := range o.steps() {
				w.Logf("%s %v %d faulty: %v", s.kind, s.jobs, s.Status, s.Faulty)
			}
		}
	}()
	stopped := sum.Class == retry.ClassUnauthorized
	wantStopped := o.stop != nil && o.stop.means == unauthorised || o.stop == nil && o.denied && !wroteItem(o.steps())
	if wantStopped != stopped {
		w.Errorf("it stopped with %q, class %s", sum.Stopped, sum.Class)
	}
	sum.Synced, sum.Unchanged = sum.Synced+sum.Unchanged, 0
	w.want(sum, o.sum)
	for id, a := range o.jobs {
		o.checkJob(id, a, began)
	}
	b, err := w.Store.Breaker(w.Context())
	if state := map[bool]store.BreakerState{true: store.BreakerOpen, false: store.BreakerClosed}[o.open]; err != nil || b.State != state || b.Failures != o.failures {
		w.Errorf("breaker = %+v, %v; want it %s after %d failures", b, err, state, o.failures)
	}
	if o.stop == nil || o.stop.means == down {
		return
	}
	for _, s := range o.steps()[o.stop.at+1:] {
		if s.role != probeRole && s.role != asideRole {
			w.Errorf("%s follows %s, which ends the run", s.kind, o.stop.kind)
		}
	}
}

func (o *oracle) checkJob(id int, a *account, began time.Time) {
	w := o.w
	w.Helper()
	j, err := w.Store.Job(w.Context(), id)
	switch {
	case a.dead:
		letters, err := w.Store.DeadLetters(w.Context(), store.Narrow{SceneID: id}, 1)
		if err != nil || len(letters) != 1 || letters[0].Job.ErrorClass != string(a.class) {
			w.Errorf("scene %d: dead letters = %+v, %v; want one of class %s", id, letters, err, a.class)
		}
	case a.done:
		if !errors.Is(err, store.ErrNone) {
			w.Errorf("scene %d: job = %+v, %v; want none left", id, j, err)
		}
	case err != nil:
		w.Errorf("scene %d: %v, want a job", id, err)
	case j.Attempts != a.attempts || j.Misses != a.misses || j.Unfinished != 0 || a.class != "" && j.ErrorClass != string(a.class):
		w.Errorf("scene %d: job = %+v, want %+v", id, j, *a)
	case a.wait >= 0 && (j.DueAt.Before(began.Add(a.wait)) || j.DueAt.After(time.Now().Add(a.wait))):
		w.Errorf("scene %d: due in %v, want %v", id, time.Until(j.DueAt), a.wait)
	}
}
