package ui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// overview opens the page with a clock that can be set forward, and waits until its first questions are answered.
func overview(t *testing.T, w *uitest.World) *uitest.Tab {
	t.Helper()
	tab := w.Tab()
	tab.Clock()
	open(t, w, tab)
	return tab
}

func open(t *testing.T, w *uitest.World, tab *uitest.Tab) {
	t.Helper()
	tab.Open(page)
	tab.Wait(uitest.Button("Copy report"))
	settle(t, w)
	w.Forget()
}

// settle waits until no operation is on its way.
func settle(t testing.TB, w *uitest.World) {
	t.Helper()
	for range 300 {
		if w.Running() == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("an operation has no answer")
}

func want(t *testing.T, w *uitest.World, when string, ops ...string) {
	t.Helper()
	settle(t, w)
	if got := w.Ops(); !slices.Equal(got, ops) {
		t.Errorf("%s: the operations are %v, want %v", when, got, ops)
	}
	w.Forget()
}

func soon(d time.Duration) string { return ago(-d) }

func TestIdlePageAsksNothing(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	tab := overview(t, w)
	tab.Advance(5 * time.Minute)
	want(t, w, "5 minutes of an idle page")
	tab.Hidden(true)
	w.Edit(1, "A")
	w.Idle()
	tab.Advance(time.Hour)
	want(t, w, "an hour of a hidden page with an edit")
	tab.Hidden(false)
	tab.Advance(2 * time.Second)
	want(t, w, "a page that is shown again", "run", "overview")
	w.Edit(1, "B")
	w.Idle()
	tab.Advance(2 * time.Second)
	settle(t, w)
	// The end of the run may be an event of its own, a moment after that of its beginning.
	if got := w.Ops(); !slices.Equal(got[:min(len(got), 2)], []string{"run", "overview"}) || count(got, "run") > 2 || len(got) > 3 {
		t.Errorf("an edit elsewhere: the operations are %v", got)
	}
	w.Forget()
	tab.Advance(5 * time.Minute)
	want(t, w, "after that")
}

func TestWaitingJobsCostOneQuestionAMinute(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	s := usual()
	s.run["queue"].(obj)["waiting"], s.run["queue"].(obj)["next_due_at"] = 3, soon(30*time.Minute)
	show(w, s)
	tab := overview(t, w)
	tab.Advance(20 * time.Minute)
	want(t, w, "20 minutes before the next scene is due", "run", "run")
	tab.Hidden(true)
	tab.Advance(time.Hour)
	want(t, w, "a hidden page")
}

func TestPageAsksForARunWhenItsTimeHasCome(t *testing.T) {
	due := func(s situation) {
		s.run["queue"].(obj)["waiting"], s.run["queue"].(obj)["next_due_at"] = 3, soon(90*time.Second)
	}
	probe := func(s situation) {
		s.run["queue"].(obj)["due"] = 3
		s.run["breaker"] = obj{"state": "open", "consecutive_failures": 5, "opened_at": ago(time.Minute), "probe_at": soon(90 * time.Second), "last_error": "refused"}
	}
	paused := func(s situation) {
		due(s)
		s.run["paused"] = obj{"at": ago(time.Minute), "by": "Ann", "until": nil}
	}
	for name, c := range map[string]struct {
		change func(situation)
		wakes  int
	}{"due": {due, 1}, "probe": {probe, 1}, "paused": {paused, 0}} {
		t.Run(name, func(t *testing.T) {
			w := uitest.NewWorld(t, 1)
			show(w, changed(usual(), c.change))
			w.Inject(uitest.Fault{Mode: "wake", Answer: `{"asked": false, "why": "nothing_due", "text": ""}`})
			tab := overview(t, w)
			tab.Advance(50 * time.Second)
			want(t, w, name+", before the time")
			tab.Advance(2 * time.Minute)
			if n := count(w.Ops(), "wake"); n != c.wakes {
				t.Errorf("%d times asked for a run, want %d: %v", n, c.wakes, w.Ops())
			}
			w.Forget()
			tab.Advance(20 * time.Minute) // nothing changes: it is asked for less and less often
			if n := count(w.Ops(), "wake"); n > 4*c.wakes || n < c.wakes {
				t.Errorf("%d times asked for a run in 20 minutes in vain", n)
			}
			if n := len(w.Ops()); n > 25 {
				t.Errorf("%d operations in 20 minutes", n)
			}
			tab.Hidden(true)
			for range 8 {
				tab.Advance(15 * time.Minute)
			}
			tab.Hidden(false)
			tab.Advance(time.Second)
			w.Forget()
			tab.Advance(20 * time.Minute)
			want(t, w, name+", two hours after the last input")
			tab.Press("x")
			tab.Advance(10 * time.Minute)
			if len(w.Ops()) == 0 {
				t.Error("nothing is asked after an input")
			}
		})
	}
}

func count(list []string, one string) (n int) {
	for _, s := range list {
		if s == one {
			n++
		}
	}
	return n
}

func TestRunAtWorkIsFollowed(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	show(w, atWork("pushing", "", 1240))
	tab := overview(t, w)
	tab.Advance(31 * time.Second)
	if n := count(w.Ops(), "run"); n != 6 {
		t.Errorf("asked %d times in 31 seconds, want 6: %v", n, w.Ops())
	}
	w.Heal()
	show(w, atWork("pushing", "job", 1240))
	tab.Advance(5 * time.Second)
	settle(t, w)
	w.Forget()
	tab.Advance(5 * time.Minute)
	if n := len(w.Ops()); n > 5 {
		t.Errorf("%d operations in 5 minutes of a run that waits", n)
	}
}

func TestLeavingThePageEndsWhatItReads(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	w.Inject(uitest.Fault{Mode: "overview", Hang: true})
	tab := w.Tab()
	tab.Clock()
	tab.Open(page)
	tab.Wait(uitest.Text("Loading"))
	tab.WaitFor("true", "")
	waitRunning(t, w, 1)
	tab.Click(uitest.Link("Scenes"))
	began := time.Now()
	waitRunning(t, w, 0)
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("the operation ended after %v", took)
	}
	w.Forget()
	tab.Advance(10 * time.Minute)
	want(t, w, "10 minutes after the page was left")
}

func waitRunning(t *testing.T, w *uitest.World, n int) {
	t.Helper()
	for range 200 {
		if w.Running() == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d operations are on their way, want %d", w.Running(), n)
}

func TestIconAsksSeldom(t *testing.T) {
	w := uitest.NewWorld(t, 2)
	w.AddScene("")
	tab := w.Tab()
	tab.Clock()
	tab.Open("/scenes")
	tab.Wait(uitest.Link("Stash Plex Sync"))
	other := tab.Beside()
	other.Open("/scenes")
	other.Wait(uitest.Link("Stash Plex Sync"))
	time.Sleep(500 * time.Millisecond)
	want(t, w, "two tabs that are loaded")
	answer := `{"queue":{"dead":2},"configured":true,"problem":"","stopped":null,"reachable":true}`
	w.Inject(uitest.Fault{Mode: "run", Answer: answer, Times: 1})
	w.Edit(1, "A")
	w.Idle()
	tab.WaitFor(`document.querySelector(".plexsync-dot")`, "no dot")
	other.WaitFor(`document.querySelector(".plexsync-dot")`, "no dot in the other tab")
	want(t, w, "the end of a job with four icons", "run")
	for _, title := range []string{"B", "C"} {
		w.Edit(1, title)
		w.Idle()
	}
	time.Sleep(300 * time.Millisecond)
	want(t, w, "jobs within ten minutes")
	tab.Advance(11 * time.Minute)
	w.Edit(1, "D")
	w.Idle()
	tab.WaitFor(`!document.querySelector(".plexsync-dot")`, "the dot stays")
	want(t, w, "a job after ten minutes", "run")
}

// hold lets Plex answer nothing about its libraries until the returned function is called.
func hold(w *uitest.World) func() {
	held := make(chan struct{})
	w.Plex.Inject(plextest.Fault{Prefix: "/library", Until: held})
	return func() {
		w.Plex.Heal()
		close(held)
	}
}

func TestPageSurvivesWhatHappensToStash(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	tab := overview(t, w)
	t.Run("the end of a scan", func(t *testing.T) {
		w.Inject(uitest.Fault{Mode: "run", Delay: 300 * time.Millisecond, Times: 1})
		w.Edit(1, "A")
		tab.Eval(`PluginApi.utils.StashService.getClient().resetStore().then(() => 1, () => 1)`)
		w.Idle()
		tab.Advance(2 * time.Second)
		settle(t, w)
		if tab.Has(uitest.Text("could not be loaded")) || !tab.Has(uitest.Button("Copy report")) {
			t.Error(tab.Body())
		}
		w.Forget()
	})
	t.Run("the websocket gone and back", func(t *testing.T) {
		w.Disconnect()
		tab.Advance(2 * time.Minute) // it waits longer and longer before it connects again
		time.Sleep(time.Second)
		w.Forget()
		w.Edit(1, "B")
		w.Idle()
		tab.Advance(2 * time.Second)
		want(t, w, "an edit after that", "run", "overview")
	})
	t.Run("a job that ends while the websocket is gone", func(t *testing.T) {
		release := hold(w)
		tab.Click(uitest.Button("Sync recent scenes"))
		tab.Wait(uitest.Text("At work"))
		w.Disconnect()
		release()
		w.Idle()
		tab.Advance(2 * time.Minute)
		tab.Gone(uitest.Text("At work"))
	})
	t.Run("Stash away", func(t *testing.T) {
		tab.Expect(".*")
		w.Inject(uitest.Fault{Status: 502})
		tab.Hidden(true)
		tab.Hidden(false)
		tab.Wait(uitest.Text("Stash does not answer"))
		w.Heal()
		tab.Advance(61 * time.Second)
		tab.Gone(uitest.Text("Stash does not answer"))
	})
}

func TestScriptThatRunsTwiceRegistersOnce(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	tab := w.Tab()
	tab.Open(page)
	tab.Wait(uitest.Button("Copy report"))
	w.AddPlugin("second-copy", tab.Eval(`fetch("plugin/stash-plex-sync/javascript").then((r) => r.text())`).(string))
	tab.Open(page)
	tab.Wait(uitest.Button("Copy report"))
	if n := tab.Eval(`document.querySelectorAll("h2").length`); n != 1.0 {
		t.Errorf("%v pages", n)
	}
	if n := tab.Eval(`document.querySelectorAll(".plexsync-bar").length`); n != 2.0 {
		t.Errorf("%v icons, want one in each of the two places", n)
	}
}

func TestExceptionInTheBarLeavesStashWhole(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	w.AddPlugin("breaks", `PluginApi.libraries.FontAwesomeSolid = new Proxy({}, {get() { throw new Error("broken on purpose") }})`)
	tab := w.Tab()
	tab.Expect("broken on purpose|faTv|NavItem")
	tab.Open("/scenes")
	tab.Wait(uitest.Link("Scenes"))
	if strings.Contains(tab.Document(), "plexsync-bar") {
		t.Error("the icon is there although it has failed")
	}
}
