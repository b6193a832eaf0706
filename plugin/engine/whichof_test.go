package engine

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// itemFaults are the ways in which a request about one item may fail while Plex answers all others.
func itemFaults() map[string]plextest.Fault {
	return map[string]plextest.Fault{
		"403 by a firewall":  {Status: 403, Front: true},
		"401 by a proxy":     {Status: 401, Front: true},
		"403 by Plex":        {Status: 403},
		"302 by a proxy":     {Status: 302, Front: true},
		"404":                {Status: 404},
		"400":                {Status: 400},
		"413 by a proxy":     {Status: 413, Front: true},
		"429":                {Status: 429},
		"500":                {Status: 500},
		"502":                {Status: 502, Front: true},
		"503":                {Status: 503},
		"504":                {Status: 504, Front: true},
		"a web page":         {Status: 200, Front: true},
		"no answer":          {Hang: true},
		"a reset":            {Reset: true},
		"half an answer":     {Truncate: true},
		"403, after success": {Status: 403, Front: true, After: true},
	}
}

// itemRequests are the requests about one item, each as kindOf returns it.
var itemRequests = map[string]*regexp.Regexp{
	"read":   regexp.MustCompile(`^GET /library/metadata/#…?$`),
	"edit":   regexp.MustCompile(`^PUT /library/(sections/#/all|metadata/#) set$`),
	"remove": regexp.MustCompile(`^PUT /library/(sections/#/all|metadata/#) remove$`),
	"rate":   regexp.MustCompile(`^PUT /:/rate$`),
	"list":   regexp.MustCompile(`^GET /library/metadata/#/posters$`),
	"upload": regexp.MustCompile(`^POST /library/metadata/#/posters$`),
	"lock":   regexp.MustCompile(`^PUT /library/(sections/#/all|metadata/#) lock$`),
}

// whichOf are the positions of the scenes that fail among five.
var whichOf = map[string][]int{"first": {1}, "middle": {3}, "last": {5}, "two": {2, 3}, "all but one": {1, 2, 3, 5}}

// namesItem reports whether a request names one of the items.
func namesItem(r plextest.Request, keys ...string) bool {
	query, _ := url.ParseQuery(r.Query)
	named := append(query["id"], query["key"]...)
	if rest, ok := strings.CutPrefix(r.Path, "/library/metadata/"); ok {
		list, _, _ := strings.Cut(rest, "/")
		named = append(named, strings.Split(list, ",")...)
	}
	return slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(named, key) })
}

// decorate gives a scene everything that each kind of request sends.
func (l *lab) decorate(id int, tag string) {
	rating, name := 20+id+10*len(tag), l.stash.Name("tag", len(tag)%2+1, tag)
	l.stash.Change(id, func(s *stashtest.Scene) {
		s.Rating100, s.Cover, s.Tags = &rating, jpeg(fmt.Sprint(tag, id)), []int{name}
	})
	l.edit("New", id)
}

// TestFailureOfOneItemStopsNoOther is the fixed table of decisions about single items: which of five items fails, at
// which request, and how. Whatever it is, the others arrive in the same run.
func TestFailureOfOneItemStopsNoOther(t *testing.T) {
	stash := sharedStash(t)
	for kind, fault := range itemFaults() {
		for request, pattern := range itemRequests {
			for position, bad := range whichOf {
				if request != "edit" && (testing.Short() || position == "middle" || position == "two") {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", kind, request, position), func(t *testing.T) {
					dir := filepath.Join(t.TempDir(), "data")
					synctest.Test(t, func(t *testing.T) {
						empty(stash)
						l := newLab(t, stash, dir)
						for range 5 {
							l.add()
						}
						l.failItems(fault, pattern, bad, codesOf[kind])
						if t.Failed() {
							t.Log(strings.ReplaceAll(l.log.String(), "\x01", " "))
						}
					})
				})
			}
		}
	}
}

// failItems makes requests of one kind fail for some of five scenes and checks what becomes of each. A scene that waits
// or is dead has one of the codes.
func (l *lab) failItems(fault plextest.Fault, pattern *regexp.Regexp, bad []int, codes []string) {
	if pattern != itemRequests["list"] && pattern != itemRequests["lock"] { // which only a first push sends
		for id := range l.keys {
			l.decorate(id, "Former")
		}
		pass(3 * time.Second)
		l.want(l.run(), Summary{Synced: 5})
	}
	for id := range 5 {
		l.decorate(id+1, "New")
	}
	pass(3 * time.Second)
	var keys []string
	for _, id := range bad {
		keys = append(keys, l.keys[id])
	}
	fault.Match = func(r plextest.Request) bool { return pattern.MatchString(kindOf(r)) && namesItem(r, keys...) }
	l.plex.Inject(fault)
	l.plex.Forget()
	sum := l.run()
	if sum.Stopped != "" {
		l.Errorf("the run stopped: %s", sum.Stopped)
	}
	if !slices.ContainsFunc(l.plex.Requests(), func(r plextest.Request) bool { return r.Faulty }) {
		l.Error("no request failed")
	}
	edits := l.edits()
	for id := 1; id <= 5; id++ {
		if slices.Contains(bad, id) {
			l.wantTrace(id)
			l.wantCode(id, codes)
			continue
		}
		if it := l.plex.Item(l.keys[id]); it.Tags["genre"][0] != "New" || string(it.Poster().Data) != string(jpeg(fmt.Sprint("New", id))) {
			l.Errorf("scene %d did not arrive: %v, %q", id, it.Tags["genre"], it.Poster().Data)
		}
		if _, err := l.Store.Job(l.Context(), id); err == nil {
			l.Errorf("scene %d is still queued", id)
		}
		if n := edits[l.keys[id]]; n != 1 {
			l.Errorf("scene %d was edited %d times, want once", id, n)
		}
	}
	l.wantBreakerClosed()
}

// edits counts the successful edits of each item that set a value.
func (l *lab) edits() map[string]int {
	n := make(map[string]int)
	for _, r := range l.plex.Requests() {
		if r.Status == 200 && !r.Faulty && itemRequests["edit"].MatchString(kindOf(r)) {
			query, _ := url.ParseQuery(r.Query)
			n[query.Get("id")]++
		}
	}
	return n
}

// wantTrace checks that a scene that failed says why, in its job, its dead letter or the log.
func (l *lab) wantTrace(id int) {
	l.Helper()
	if j, err := l.Store.Job(l.Context(), id); err == nil {
		log, err := l.Store.Attempts(l.Context(), id)
		if err != nil || j.ErrorClass == "" || j.Error == "" || len(log) == 0 || log[0].Error != j.Error {
			l.Errorf("scene %d: %+v, attempts %+v, %v; want a class and an error in both", id, j, log, err)
		}
		if j.Attempts+j.Misses == 0 {
			l.Errorf("scene %d: %+v, want it charged", id, j)
		}
		return
	}
	letters, err := l.Store.DeadLetters(l.Context(), store.Narrow{SceneID: id}, 1)
	if err != nil {
		l.Fatal(err)
	}
	leftOut := strings.Contains(l.log.String(), fmt.Sprintf("scene=%d ", id)) // a field that Plex refuses, or a lock seen later
	if len(letters) == 1 && letters[0].Job.Error == "" || len(letters) == 0 && !leftOut {
		l.Errorf("scene %d: dead letters %+v; want a reason", id, letters)
	}
}

// The order of the scenes that fail makes no difference.
func TestOrderOfFailingItemsMakesNoDifference(t *testing.T) {
	const scenes, failing = 30, 12
	stash := sharedStash(t)
	for seed := range 20 {
		dir := filepath.Join(t.TempDir(), "data")
		synctest.Test(t, func(t *testing.T) {
			empty(stash)
			l := newLab(t, stash, dir)
			for range scenes {
				l.add()
			}
			bad := make(map[int]bool)
			var keys []string
			for i := range failing {
				id := 1 + (seed*7+i*(1+seed%4))%scenes // neighbours, and others
				if !bad[id] {
					bad[id] = true
					keys = append(keys, l.keys[id])
				}
			}
			l.plex.Inject(plextest.Fault{Method: "PUT", Status: 403, Front: true, Match: func(r plextest.Request) bool { return namesItem(r, keys...) }})
			l.editAll("New", scenes)
			sum := l.run()
			if l.want(sum, Summary{Synced: scenes - len(bad), Retrying: len(bad)}); t.Failed() {
				t.Fatal(seed, sum.Stopped, strings.ReplaceAll(l.log.String(), "\x01", " "))
			}
		})
	}
}

// A thousand scenes of which thirty fail in different ways, alone and side by side.
func TestThirtyOfAThousandFailAndTheRestArrives(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, place := range []func(int) int{func(i int) int { return 30 * (i + 1) }, func(i int) int { return 521 + i }} {
		inLab(t, 1000, func(l *lab) { l.failThirty(place) })
	}
}

// failThirty makes thirty of a thousand scenes fail.
func (l *lab) failThirty(place func(i int) int) {
	kinds := itemFaults()
	delete(kinds, "403, after success")
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range kinds {
			if !yield(name) {
				return
			}
		}
	})
	var bad []int
	for i := range 30 {
		id := place(i)
		bad = append(bad, id)
		fault := kinds[names[i%len(names)]]
		fault.Method, fault.Match = "PUT", func(r plextest.Request) bool { return namesItem(r, l.keys[id]) }
		l.plex.Inject(fault)
	}
	l.editAll("New", 1000)
	sum := l.run()
	if sum.Synced < 970 || sum.Stopped != "" {
		l.Errorf("%s; stopped %q", sum, sum.Stopped)
	}
	edits := l.edits()
	for id := 1; id <= 1000; id++ {
		if slices.Contains(bad, id) {
			l.wantTrace(id)
			continue
		}
		l.wantTitle(id, "New")
		if n := edits[l.keys[id]]; n != 1 {
			l.Errorf("scene %d was edited %d times", id, n)
		}
	}
	l.wantBreakerClosed()
	if strings.Contains(l.log.String(), "copy the owner's token") {
		l.Error("the token is blamed")
	}
}

// A scene that a firewall refuses is retried as any other, and then says what refuses it.
func TestSceneThatAFirewallRefusesBecomesADeadLetter(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.editAll("New", 2)
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 403, Front: true, Match: func(r plextest.Request) bool { return namesItem(r, l.keys[1]) }})
		l.want(l.run(), Summary{Synced: 1, Retrying: 1})
		for range l.Config.MaxRetries {
			pass(5 * time.Minute)
			if sum := l.run(); sum.Stopped != "" {
				l.Errorf("the run stopped: %s", sum.Stopped)
			}
		}
		letters, err := l.Store.DeadLetters(l.Context(), store.Narrow{}, 2)
		if err != nil || len(letters) != 1 || letters[0].Job.SceneID != 1 || !strings.Contains(letters[0].Job.Error, "allow it in the proxy or firewall") ||
			strings.Contains(letters[0].Job.Error, "plexToken") {
			l.Errorf("dead letters = %+v, %v", letters, err)
		}
		l.wantBreakerClosed()
	})
}

func (l *lab) wantBreakerClosed() {
	l.Helper()
	if b, err := l.Store.Breaker(l.Context()); err != nil || b.State != store.BreakerClosed {
		l.Errorf("breaker = %+v, %v; want it closed", b, err)
	}
}

// A person's edit that Plex refuses comes before all other jobs, and hides none of them.
func TestRefusedHeadOfTheQueueHidesNothing(t *testing.T) {
	inLab(t, 4, func(l *lab) {
		l.editAll("New", 4)
		l.must(l.Store.Enqueue(l.Context(), time.Now(), []store.Request{{SceneID: 1, Reason: "edit", Priority: store.ByPerson}}))
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 403, Match: func(r plextest.Request) bool { return namesItem(r, l.keys[1]) }})
		l.want(l.run(), Summary{Synced: 3, Retrying: 1})
		if j := l.job(1); j.Attempts != 1 || j.ErrorClass != string(retry.ClassTemporary) || !strings.Contains(j.Error, "does not let this token change its item") {
			l.Errorf("job = %+v, want it charged, since Plex changes other items", j)
		}
	})
}

// A token that may read but not write: Plex refuses each item, so nothing is charged, and the run says why.
func TestTokenThatMayNotWriteIsNamedAndChargesNothing(t *testing.T) {
	for _, n := range []int{1, 3, 60} {
		inLab(t, n, func(l *lab) {
			l.editAll("New", n)
			l.plex.Inject(plextest.Fault{Method: "PUT", Status: 403})
			for range 10 {
				sum := l.run()
				if sum.Class != retry.ClassUnauthorized || !strings.Contains(sum.Stopped, "copy the owner's token") || !strings.Contains(sum.Stopped, "everything stays queued") {
					l.Errorf("%d: class %q, stopped %q", n, sum.Class, sum.Stopped)
				}
				pass(time.Hour)
			}
			l.wantUncharged(n, 1, n)
			if j := l.job(1); j.ErrorClass != string(retry.ClassUnauthorized) || j.Error == "" {
				l.Errorf("%d: job = %+v, want a trace", n, j)
			}
			l.plex.Heal()
			l.want(l.run(), Summary{Synced: n})
		})
	}
}

// One scene that always fails says nothing about Plex, however often it fails in a row.
func TestSceneThatFailsAloneNeverOpensTheBreaker(t *testing.T) {
	for _, fault := range []plextest.Fault{{Status: 500}, {Status: 504, Front: true}, {Hang: true}, {Reset: true}} {
		inLab(t, 1, func(l *lab) {
			l.Config.MaxRetries = 20
			l.edit("New", 1)
			fault.Method = "PUT"
			l.plex.Inject(fault)
			for range 10 {
				l.run()
				l.wantBreakerClosed()
				pass(5 * time.Minute)
			}
		})
	}
}

// Jobs that fail together look like a failure of Plex. The next run begins with the others.
func TestReleasedJobsGoBehindTheOthers(t *testing.T) {
	inLab(t, 10, func(l *lab) {
		l.editAll("New", 10)
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 504, Front: true})
		pass(time.Second)
		if sum := l.run(); sum.Class != retry.ClassServerDown || sum.Retrying > 0 {
			l.Errorf("%+v, want Plex paused and nothing charged", sum)
		}
		l.wantUncharged("504 to all", 1, 10)
		due, err := l.Store.Due(l.Context(), time.Now(), store.ClaimOptions{})
		l.must(err)
		for i, j := range due {
			tried := slices.ContainsFunc(l.plex.Requests(), func(r plextest.Request) bool { return r.Faulty && namesItem(r, l.keys[j.SceneID]) })
			if tried != (i >= 5) || j.Error == "" {
				l.Errorf("job %d of %d, of scene %d: tried %v, %q", i, len(due), j.SceneID, tried, j.Error)
			}
		}
	})
}

// A proxy does not carry the listing of one library. What is known of it, and the other libraries, go on.
func TestListingThatFailsAloneStopsNoOtherScene(t *testing.T) {
	for _, status := range []int{403, 504} {
		inLab(t, 3, func(l *lab) {
			l.edit("Known", 1, 2)
			l.want(l.run(), Summary{Synced: 2})
			other := l.plex.AddSection("Other", "movie")
			l.keys[4] = l.plex.AddItem(other, path(4), size(4))
			l.stash.Add(stashtest.Scene{ID: 4, Files: []stashtest.File{{Path: path(4), Size: size(4)}}})
			l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/sections/" + other + "/all", Status: status, Front: true})
			for range 3 {
				l.edit("New", 1, 2, 3, 4)
				pass(time.Hour)
				sum := l.run()
				if sum.Class == retry.ClassUnauthorized || strings.Contains(sum.Stopped, "every") {
					l.Errorf("%d: class %q, stopped %q", status, sum.Class, sum.Stopped)
				}
				l.wantTitle(1, "New")
				l.wantTitle(3, "New")
				if j := l.job(4); j.Attempts+j.Misses > 0 || j.Error == "" {
					l.Errorf("%d: job = %+v, want it uncharged with a trace", status, j)
				}
				l.wantBreakerClosed()
			}
			l.plex.Heal()
			l.run()
			l.wantTitle(4, "New")
		})
	}
}
