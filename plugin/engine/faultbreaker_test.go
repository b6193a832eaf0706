package engine

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// judgeBreaker counts failures in a row. All requests for one job count once, and requests about several jobs, which are
// repeated for each, do not count.
func (o *oracle) judgeBreaker(steps []observed) {
	probing := o.open && len(steps) > 0
	for i := 0; i < len(steps) && o.stop == nil; {
		first, end := steps[i], i+1
		for end < len(steps) && together(steps[end-1], steps[end]) {
			end++
		}
		s := steps[end-1]
		previous := observed{}
		if i > 0 {
			previous = steps[i-1]
		}
		i = end
		if probing && len(s.jobs) > 0 && !slices.Contains(s.jobs, o.trial) && s.role != scanRole {
			probing, o.open, o.failures = false, false, 0
		}
		if s.role == scanRole || s.role == asideRole || first.role == probeRole && i > 1 && previous.means != fine && previous.role != probeRole {
			continue // a favour, or a look whether Plex is there after all
		}
		unmoved := unmovedIn(steps[:end], s)
		if s.role != pictureRole || len(unmoved) == 0 { // that a picture is not there is no other answer than that
			o.count(s, steps[end:], &probing)
		}
		for _, id := range unmoved {
			if o.stop == nil {
				o.failItem(id, s, steps[end:], &probing)
			}
		}
	}
	if probing && o.stop == nil {
		o.open, o.failures = false, 0
	}
}

// gone reports whether the look whether Plex is there, which is next, has failed.
func gone(next []observed) bool {
	for _, s := range next {
		if s.role != probeRole || s.means != fine {
			return s.role == probeRole
		}
	}
	return false
}

// together reports whether request b continues a.
func together(a, b observed) bool {
	switch {
	case a.role != b.role:
		return false
	case a.role == probeRole:
		return b.kind != a.kind && a.means == fine
	case a.role == listingRole: // all that one look at the library takes
		return a.kind != b.kind && !strings.HasSuffix(b.kind, "addedAt:desc") || a.kind == b.kind && pageSizeOf(b.Request) < pageSizeOf(a.Request)
	case a.role == readRole:
		return false
	}
	return slices.Equal(a.jobs, b.jobs)
}

// pageSizeOf is how many rows a listing was asked for.
func pageSizeOf(r plextest.Request) int {
	n, _ := strconv.Atoi(r.Header.Get("X-Plex-Container-Size"))
	return n
}

// count takes in what a group of requests says, by its last one.
func (o *oracle) count(s observed, next []observed, probing *bool) {
	image := s.role == pictureRole && (s.Status == 500 || s.Status == 413)
	switch {
	case s.role == probeRole && s.means == unauthorised:
		o.stop, o.cuts = &s, append(o.cuts, s)
	case s.role == probeRole && s.means != fine:
		o.fail(s, probing)
		o.stop = &s
	case len(s.jobs) == 0 && s.means == unauthorised:
		o.stop, o.cuts = &s, append(o.cuts, s)
	case s.means == fine, s.means == notThere && len(s.jobs) < 2, s.means == refused && len(s.jobs) < 2 && !image && s.role != pictureRole:
		o.answered(*probing)
	case s.means == notThere, s.means == refused && len(s.jobs) > 1: // asked for one by one
	case image, s.means == refused: // an answer; left out it says nothing at all
		if o.jobs[s.jobs[0]] != nil && !o.jobs[s.jobs[0]].pictureFailed && image {
			o.answered(*probing)
		}
	case (s.means == down || s.means == unauthorised) && len(s.jobs) > 0 && gone(next):
		o.fail(s, probing)
		o.cuts = append(o.cuts, s)
	case len(s.jobs) > 1: // asked for one by one
	case len(s.jobs) == 1:
		o.failItem(s.jobs[0], s, next, probing)
	default:
		o.fail(s, probing)
		if s.means == down && s.role == listingRole && (s.Status == 0 || gone(next)) {
			o.stop = &s
		}
	}
}

func (o *oracle) answered(probing bool) {
	if o.inRow, o.row = 0, nil; !probing {
		o.failures = 0
	}
}

// failItem counts a failure of one item while Plex is there. It says nothing about Plex if all failures in a row may be
// this item's, or if Plex still accepts a change of another item.
func (o *oracle) failItem(id int, s observed, next []observed, probing *bool) {
	answer := s.Status != 0 || s.means == fine
	if max(o.inRow, o.failures) >= 4 && accepts(next) {
		o.answered(*probing)
		return
	}
	o.inRow++
	if answer && (s.means == down || s.means == unauthorised) {
		o.row = append(o.row, id)
	}
	attempts := 0
	if a := o.jobs[id]; a != nil {
		attempts = a.attempts
	}
	alone := !*probing && o.failures > 0 && attempts >= o.failures && (answer || !gone(next))
	if o.denied = o.denied || s.means == unauthorised; s.means != unauthorised && !alone {
		o.fail(s, probing)
	}
	if o.stop == nil && o.inRow >= 5 && (s.means == down || s.means == unauthorised) {
		o.stop, o.cuts = &s, append(o.cuts, s)
	}
	if o.stop != nil {
		o.blamed = append(o.blamed, o.row...)
	}
}

// accepts reports whether Plex accepts the change of another item that is sent to find out whether it accepts any.
func accepts(next []observed) bool {
	for _, s := range next {
		if s.role != probeRole {
			return s.role == asideRole && s.means == fine
		}
	}
	return false
}

// fail counts a failure. A trial of a job that has failed before says nothing of Plex.
func (o *oracle) fail(s observed, probing *bool) {
	o.failures++
	switch {
	case *probing && s.role != probeRole && o.jobs[o.trial].attempts > 0:
		o.failures, o.open, *probing = 4, false, false
	case *probing, o.failures >= 5:
		o.open, o.stop, o.cuts = true, &s, append(o.cuts, s)
	}
}

// unmovedIn returns the jobs whose writes a proxy has swallowed, as a reading shows: failures, unless another job's
// write is seen in it.
func unmovedIn(steps []observed, s observed) []int {
	if s.means != fine || s.Method != "GET" || s.role != readRole && s.role != pictureRole {
		return nil
	}
	swallowed := make(map[int]bool)
	for _, before := range steps {
		if before.Method == "GET" || before.locks() || len(before.jobs) != 1 || !slices.Contains(s.jobs, before.jobs[0]) {
			continue
		}
		if id := before.jobs[0]; before.role == s.role || before.role == writeRole && s.role == readRole {
			swallowed[id] = swallowed[id] || before.ignored
		}
	}
	for _, yes := range swallowed {
		if !yes {
			return nil
		}
	}
	return slices.Sorted(maps.Keys(swallowed))
}
