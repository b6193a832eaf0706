package engine

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// meaning is the expected meaning of a failed request. It is defined independently of the program.
type meaning int

const (
	fine         meaning = iota
	down                 // no job is charged
	temporary            // an attempt
	notThere             // a miss
	refused              // dead, or the field is left out
	unauthorised         // the run ends
)

// A faultCase is one way in which requests fail.
type faultCase struct {
	name       string
	fault      plextest.Fault
	means      meaning
	foreign    bool          // an answer of 200 that is not Plex's: temporary to who reads it, a success to who writes
	retryAfter time.Duration // what Plex asks for
	everything bool          // all requests fail from then on, not only those of the kind
}

// faultCases are all faults that there are.
func faultCases() []faultCase {
	list := []faultCase{
		{name: "late", fault: plextest.Fault{Delay: answerWithin / 2}, means: fine},
		{name: "no answer", fault: plextest.Fault{Hang: true}, means: temporary},
		{name: "reset", fault: plextest.Fault{Reset: true}, means: temporary},
		{name: "late and reset", fault: plextest.Fault{Reset: true, Delay: answerWithin / 2}, means: temporary},
		{name: "cut", fault: plextest.Fault{Truncate: true}, means: temporary},
		{name: "refused", fault: plextest.Fault{Refuse: true}, means: down},
		{name: "a web page", fault: plextest.Fault{Status: 200}, foreign: true},
		{name: "an empty answer", fault: plextest.Fault{Status: 200, Empty: true}, foreign: true},
		{name: "an empty object", fault: plextest.Fault{Status: 200, Body: "{}"}, foreign: true},
		{name: "another's JSON", fault: plextest.Fault{Status: 200, Body: `{"error":"x","MediaContainer":null}`}, foreign: true},
		{name: "503 in maintenance", fault: plextest.Fault{Status: 503, Body: `<Response code="503" title="Maintenance" status="x"/>`}, means: down},
		{name: "Plex off", fault: plextest.Fault{Refuse: true}, means: down, everything: true},
		{name: "Plex migrating", fault: plextest.Fault{Status: 503, Body: `<Response code="503" title="Maintenance" status="x"/>`}, means: down, everything: true},
		{name: "Plex failing", fault: plextest.Fault{Status: 500}, means: temporary, everything: true},
		{name: "a proxy alone", fault: plextest.Fault{Status: 502}, means: down, everything: true},
		{name: "a login page in front", fault: plextest.Fault{Status: 200}, foreign: true, everything: true},
		{name: "database locked", fault: plextest.Fault{Prefix: "/library", Hang: true}, means: temporary, everything: true},
	}
	for means, statuses := range map[meaning][]int{
		down:         {301, 302, 307, 502, 504},
		temporary:    {408, 425, 429, 500, 503},
		notThere:     {404},
		refused:      {400, 405, 409, 413, 414, 431, 501},
		unauthorised: {401, 403, 498},
	} {
		for _, status := range statuses {
			list = append(list, faultCase{name: fmt.Sprint(status), fault: plextest.Fault{Status: status}, means: means})
			if means != temporary {
				continue
			}
			list = append(list, faultCase{
				name: fmt.Sprint(status, " with seconds"), fault: plextest.Fault{Status: status, Header: http.Header{"Retry-After": {"300"}}},
				means: means, retryAfter: 300 * time.Second,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b faultCase) int { return strings.Compare(a.name, b.name) })
	return list
}

// role is what part a request has in a run.
type role int

const (
	probeRole   role = iota // first of all: is it there?
	listingRole             // the index
	readRole                // items, before and after they are written
	writeRole
	pictureRole // all else is in Plex by then
	scanRole    // optional: a failure has no effect
	asideRole   // whether Plex still accepts changes, or has new items: it concerns no job and not the breaker
)

// roleOf returns the role of a kind of request. An unknown kind has no expected faults yet.
func roleOf(kind string) (role, bool) {
	for _, r := range []struct {
		pattern string
		role    role
	}{
		{`^GET /identity$`, probeRole},
		{`^GET /library/sections$`, probeRole},
		{`^GET /library/sections/#/all `, listingRole},
		{`^GET /library/metadata/#…?$`, readRole},
		{`^PUT /library/sections/#/all (set|remove)$`, writeRole},
		{`^PUT /library/metadata/# (set|remove)$`, writeRole},
		{`^PUT /:/rate$`, writeRole},
		{`^(GET|POST) /library/metadata/#/posters$`, pictureRole},
		{`^PUT /library/metadata/#/poster$`, pictureRole},
		{`^PUT /library/(sections/#/all|metadata/#) lock$`, pictureRole},
		{`^(GET|POST) /library/sections/#/refresh$`, scanRole},
	} {
		if regexp.MustCompile(r.pattern).MatchString(kind) {
			return r.role, true
		}
	}
	return 0, false
}

// observed is one request of a run as the oracle sees it.
type observed struct {
	plextest.Request
	at      int
	kind    string
	role    role
	jobs    []int
	means   meaning
	ignored bool // a write that a proxy accepted instead of Plex
}

// locks reports whether a request does nothing but lock a picture.
func (s observed) locks() bool { return strings.HasSuffix(s.kind, " lock") }

func (s observed) own(id int) bool { return slices.Equal(s.jobs, []int{id}) }

// steps are the requests of the last run.
func (o *oracle) steps() []observed {
	var list []observed
	for i, r := range o.w.plex.Requests() {
		s := observed{Request: r, at: i, kind: kindOf(r), jobs: o.w.jobsOf(r)}
		s.role, _ = roleOf(s.kind)
		reads := s.role == probeRole || s.role == listingRole || s.role == readRole || s.role == pictureRole && r.Method == "GET"
		switch {
		case !r.Faulty:
		case o.c.foreign && reads:
			s.means = temporary
		case o.c.foreign:
			s.ignored = !o.c.fault.After
		case r.Method == "PUT" && (r.Status == 405 || r.Status == 501): // which a server answers to every PUT
			s.means = down
		case r.Path == "/identity" && o.c.means == unauthorised: // which no token can change
			s.means = down
		default:
			s.means = o.c.means
		}
		if s.locks() && looksAgain(list, s) || r.Path == "/library/sections" && (i == 0 || list[i-1].Path != "/identity") {
			s.role, s.jobs = asideRole, nil
		}
		list = append(list, s)
	}
	return list
}

// looksAgain reports whether a lock follows the failure of another job.
func looksAgain(before []observed, s observed) bool {
	for _, last := range slices.Backward(before) {
		if last.role != probeRole {
			return last.means != fine && len(last.jobs) == 1 && !slices.Equal(last.jobs, s.jobs)
		}
	}
	return false
}
