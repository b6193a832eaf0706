package ui_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

const page = "/plugins/stash-plex-sync"

type obj = map[string]any

func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }

// A situation is what the operations overview and run answer.
type situation struct {
	overview, run obj
}

// usual is the situation of a Stash with 1,240 scenes at a time when nothing is wrong.
func usual() situation {
	queue := obj{"due": 0, "waiting": 0, "dead": 0, "capped": false, "next_due_at": nil, "dead_by_class": obj{}}
	breaker := obj{"state": "closed", "consecutive_failures": 0, "opened_at": nil, "probe_at": nil, "last_error": ""}
	days := make([]obj, 30)
	for i := range days {
		days[i] = obj{"date": time.Now().UTC().AddDate(0, 0, i-29).Format(time.DateOnly), "pushed": (i * 37) % 23, "failed": 0, "dead": 0, "down_ms": 0}
	}
	return situation{
		overview: obj{
			"coverage": obj{
				"scenes": 1240, "in_plex": 1240, "up_to_date": 1240, "pending": 0, "not_found": 0, "dead": 0, "restored": 0,
				"left_out": obj{"total": 0, "by_reason": obj{}}, "never_pushed": 0, "deleted": 0,
			},
			"plex": obj{
				"reachable": true, "last_success_at": ago(2 * time.Minute), "last_failure_at": nil, "last_error": "", "address": "http://192.168.1.5:32400",
				"name": "Living room", "version": "1.41.3.9314-a0bfb8370", "machine_id": "m", "server": "m", "latency_ms": 12, "others": []string{},
				"libraries": []obj{
					{"id": "1", "title": "Videos", "files": 1198, "capped": false, "indexed_at": ago(3 * time.Minute)},
					{"id": "2", "title": "Home videos", "files": 10000, "capped": true, "indexed_at": ago(49 * time.Hour)},
				},
			},
			"outages": []obj{}, "days": days,
		},
		run: obj{
			"run": nil, "revision": 1, "other_revision": 1, "configured": true, "problem": "", "stopped": nil, "paused": nil,
			"queue": queue, "breaker": breaker, "reachable": true, "last_error": "", "name": "Living room", "server": "m",
		},
	}
}

func (s situation) coverage() obj { return s.overview["coverage"].(obj) }
func (s situation) plex() obj     { return s.overview["plex"].(obj) }
func (s situation) days() []obj   { return s.overview["days"].([]obj) }

// mixed has scenes in each state.
func mixed() situation {
	s := usual()
	c := s.coverage()
	c["up_to_date"], c["pending"], c["not_found"], c["dead"], c["restored"], c["never_pushed"] = 1043, 38, 21, 4, 12, 70
	c["left_out"] = obj{"total": 52, "by_reason": obj{"excluded_tag": 40, "not_organized": 11, "of_tomorrow": 1}}
	s.run["queue"] = obj{"due": 0, "waiting": 59, "dead": 4, "capped": false, "next_due_at": time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339), "dead_by_class": obj{"rejected": 4}}
	for i, d := range s.days() {
		d["failed"], d["dead"] = i%5, i/12
	}
	return s
}

// off is a Plex that has not answered for a while.
func off() situation {
	s := mixed()
	s.run["reachable"], s.plex()["reachable"] = false, false
	s.run["stopped"] = obj{"code": "plex_unreachable", "params": obj{}, "text": "no connection", "remedy": ""}
	s.run["last_error"] = "connection refused"
	s.run["breaker"] = obj{
		"state": "open", "consecutive_failures": 5, "opened_at": ago(25 * time.Minute), "probe_at": time.Now().Add(3 * time.Minute).UTC().Format(time.RFC3339),
		"last_error": "cannot reach Plex: dial tcp 192.168.1.5:32400: connect: connection refused",
	}
	s.plex()["last_success_at"], s.plex()["others"] = ago(31*time.Minute), []string{"https://192-168-1-5.0123456789abcdef0123456789abcdef.plex.direct:32400"}
	var outages []obj
	for i := range 6 {
		began := time.Now().Add(-time.Duration(i*i*17+1) * time.Hour)
		outages = append(outages, obj{
			"started_at": began.UTC().Format(time.RFC3339), "ended_at": began.Add(time.Duration(i*7+1) * time.Minute).UTC().Format(time.RFC3339),
			"cause": "cannot list the files of /very/long/path/without/any/space/" + strings.Repeat("x", 90) + ": 503 Service Unavailable",
		})
	}
	outages[0]["ended_at"] = nil
	s.overview["outages"] = outages
	for i, d := range s.days() {
		d["down_ms"] = (i % 4) * 3_600_000 * 5
	}
	return s
}

func atWork(step, waits string, total int) situation {
	s := mixed()
	run := obj{
		"what": "Sync all scenes", "asked_by": "person", "since": ago(4 * time.Minute), "step": step, "done": 412, "total": total, "scene_id": 0, "title": "",
		"waits_for": waits, "waits_until": nil, "text": "",
	}
	if step == "pushing" {
		run["scene_id"], run["title"] = 77, "A day at <b>the</b> sea"
	}
	if waits != "" {
		run["asked_by"], run["waits_until"] = "hook", time.Now().Add(2*time.Minute).UTC().Format(time.RFC3339)
	}
	s.run["run"] = run
	return s
}

func show(w *uitest.World, s situation) {
	s.run["version"] = w.Op("run", nil)["version"]
	for mode, answer := range map[string]obj{"overview": s.overview, "run": s.run} {
		text, err := json.Marshal(answer)
		if err != nil {
			w.Fatal(err)
		}
		w.Inject(uitest.Fault{Mode: mode, Answer: string(text)})
	}
}

// changed returns a situation after a change.
func changed(s situation, change func(situation)) situation {
	change(s)
	return s
}

var situations = []struct {
	name, says string
	situation
}{
	{"all", "All 1,240 scenes are in Plex and up to date", usual()},
	{"mixed", "52 left out on purpose", mixed()},
	{"none-pushed", "None of 1,240 scenes has been pushed to Plex yet", changed(usual(), func(s situation) {
		s.coverage()["up_to_date"], s.coverage()["in_plex"], s.coverage()["never_pushed"] = 0, 0, 1240
		s.overview["days"] = []obj{{"date": "2026-11-29", "pushed": 0, "failed": 0, "dead": 0, "down_ms": 0}}
		s.plex()["reachable"], s.plex()["libraries"], s.plex()["last_success_at"] = nil, []obj{}, nil
		s.plex()["name"], s.plex()["version"], s.plex()["latency_ms"] = "", "", nil
	})},
	{"no-scenes", "Stash has no scenes yet", changed(usual(), func(s situation) {
		s.coverage()["up_to_date"], s.coverage()["scenes"] = 0, 0
		s.overview["days"] = []obj{}
	})},
	{"stash-silent", "Stash does not answer", changed(mixed(), func(s situation) { s.coverage()["scenes"], s.coverage()["never_pushed"] = nil, nil })},
	{"plex-off", "5 failures in a row", off()},
	{"paused", "Pushing is paused by Ann", changed(mixed(), func(s situation) {
		s.run["paused"] = obj{"at": ago(time.Minute), "by": "Ann", "until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	})},
	{"stopped", "The last run stopped early", changed(mixed(), func(s situation) {
		s.run["stopped"] = obj{"code": "no_library", "params": obj{}, "text": "Plex has no library \"Vidoes\"", "remedy": "correct \"Plex libraries\" (plexLibraries)"}
	})},
	{"begins", "Getting ready", atWork("", "", 0)},
	{"listing", "Listing the scenes in Stash", atWork("listing", "", 1240)},
	{"reading", "412 so far", atWork("reading", "", 0)},
	{"pushing", "A day at <b>the</b> sea", atWork("pushing", "", 1240)},
	{"restoring", "Restoring Plex items", atWork("restoring", "", 900)},
	{"waits", "Nothing else is due", atWork("pushing", "job", 1240)},
	{"waits-probe", "Plex failed several times", atWork("pushing", "probe", 1240)},
	{"million", "997,003 of 1,000,000 scenes are in Plex", changed(mixed(), func(s situation) {
		c := s.coverage()
		c["scenes"], c["up_to_date"], c["pending"], c["never_pushed"] = 1000000, 997003, 2806, 1
		for _, d := range s.days() {
			d["failed"], d["dead"] = 0, 0
		}
		s.days()[3]["pushed"], s.days()[4]["pushed"] = 812334, 186002
	})},
	{"one-day", "Days begin at midnight UTC", changed(usual(), func(s situation) {
		for _, d := range s.days()[:29] {
			d["pushed"] = 0
		}
	})},
}

func TestOverviewShowsEachSituation(t *testing.T) {
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			w := uitest.NewWorld(t, 1)
			show(w, s.situation)
			tab := w.Tab()
			for _, width := range []int{390, 1280} {
				tab.Size(width)
				w.Forget()
				tab.Open(page)
				tab.Wait(uitest.Text(s.says))
				tab.Wait(uitest.Button("Copy report"))
				if ops := w.Ops(); len(ops) != 2 && s.run["run"] == nil {
					t.Errorf("the operations of a visit are %v, want two", ops)
				}
				tab.Shot(fmt.Sprintf("overview-%s-%d", s.name, width))
				tab.Eval(`document.querySelectorAll("details").forEach((d) => d.open = true)`)
				tab.Fits()
			}
			tab.Accessible(".plexsync")
		})
	}
}

func TestOverviewLeadsToTheScenesOfAState(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	show(w, mixed())
	tab := w.Tab()
	for name, path := range map[string]string{"to be pushed": "/queue", "not found in Plex": "/queue?class=not_found", "need a look": "/queue?state=dead"} {
		tab.Open(page)
		tab.Wait(uitest.Button("Copy report")) // before, the icon has the only link with these words
		tab.Click(uitest.Link(name))
		tab.WaitFor(fmt.Sprintf("location.pathname + location.search === %q", page+path), name+" leads elsewhere")
		tab.Back()
		tab.Wait(uitest.Link(name))
		tab.Reload()
		tab.Wait(uitest.Link(name))
	}
}

func TestOverviewStartsAndStopsARun(t *testing.T) {
	w := uitest.NewWorld(t, 3)
	tab := w.Tab()
	tab.Open(page)
	tab.Click(uitest.Button("Sync all scenes"))
	tab.Wait(uitest.Role("dialog", "Sync 3 scenes?"))
	tab.Press(kb.Escape)
	tab.Gone(uitest.Role("dialog", "Sync 3 scenes?"))
	release := hold(w)
	defer release()
	tab.Click(uitest.Button("Sync all scenes"))
	tab.Click(uitest.Button("Sync 3 scenes"))
	tab.Gone(uitest.Role("dialog", "Sync 3 scenes?"))
	tab.Wait(uitest.Text("At work"))
	tab.Wait(uitest.Text("A run is at work or waits"))
	tab.Wait(uitest.Role("progressbar", "Progress of “Sync all scenes”"))
	tab.Click(uitest.Button("Stop “Sync all scenes”"))
	tab.Gone(uitest.Text("At work"))
	if tasks := w.Tasks(); len(tasks) != 1 {
		t.Errorf("the tasks are %v, want one", tasks)
	}
	tab.Clean()
}

func TestOverviewPausesByKeyboard(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	tab := w.Tab()
	tab.Open(page)
	tab.Wait(uitest.Button("Pause"))
	tab.Eval(`document.getElementById("plexsync-pause").focus()`)
	tab.Press(kb.Enter)
	tab.Wait(uitest.Button("For 1 hour"))
	tab.Press(kb.ArrowDown)
	tab.Press(kb.ArrowDown)
	if name := tab.Focused(); !strings.HasPrefix(name, "Until tomorrow") {
		t.Errorf("the focus is on %q", name)
	}
	tab.Press(kb.Enter)
	tab.Wait(uitest.Text("Pushing is paused by you"))
	tab.Gone(uitest.Button("Pause"))
	until, err := time.Parse(time.RFC3339, w.Op("run", nil)["paused"].(obj)["until"].(string))
	if left := time.Until(until); err != nil || left < 6*time.Hour || left > 32*time.Hour {
		t.Errorf("paused until %v, %v", until, err)
	}
	tab.Click(uitest.Button("Resume"))
	tab.Wait(uitest.Button("Pause"))
}

func TestOverviewCopiesTheReport(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	tab := w.Tab()
	tab.Open(page)
	tab.Eval(`void (window.copied = [], Object.defineProperty(navigator, "clipboard", {configurable: true, value: {writeText: async (text) => void copied.push(text)}}))`)
	tab.Click(uitest.Button("Copy report"))
	tab.WaitFor(`copied.length === 1 && copied[0].startsWith("Stash Plex Sync ")`, "nothing was copied")
	tab.Eval(`void Object.defineProperty(navigator, "clipboard", {configurable: true, value: undefined})`) // as on a page at http
	tab.Click(uitest.Role("checkbox", "With a connection check, which takes up to 17 seconds"))
	tab.Click(uitest.Button("Copy report"))
	tab.Wait(uitest.Role("dialog", "Report for an issue"))
	tab.WaitFor(`getSelection().toString().startsWith("Stash Plex Sync ") || document.activeElement.selectionEnd > 100`, "the report is not selected")
	tab.Accessible(".modal")
	tab.Shot("overview-copy-1280")
	tab.Press(kb.Escape)
	tab.Gone(uitest.Role("dialog", "Report for an issue"))
	tab.Clean()
}

func TestOverviewNamesDaysInTheLanguageOfTheBrowser(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	s := usual()
	s.overview["days"] = []obj{{"date": "2026-03-05", "pushed": 3, "failed": 0, "dead": 0, "down_ms": 0}}
	show(w, s)
	tab := w.Tab()
	tab.Locale("de-DE", "America/Los_Angeles") // it is the day before there at midnight UTC
	tab.Open(page)
	tab.Wait(uitest.Text("5. März"))
}
