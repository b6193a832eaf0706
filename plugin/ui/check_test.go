package ui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	. "github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

const checkPath = "/plugins/stash-plex-sync/check"

// runCheck opens the check in a tab, and runs it.
func runCheck(w *World) *Tab {
	w.Helper()
	tab := w.Tab()
	tab.Open(checkPath)
	tab.Wait(Button("Check now"))
	settle(w, w) // a box that appears above the button moves it
	tab.Click(Button("Check now"))
	tab.Wait(Button("Check again"))
	return tab
}

func TestCheckSaysHowThingsAre(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(w *World)
		says    []string
	}{
		"ok": {func(w *World) {
			id := w.AddScene(`<img src=x onerror="document.title='bad'">`)
			w.Plex.Remove(w.Keys[id])
			w.Stash.Change(1, func(s *stashtest.Scene) { s.Files[0].Path = "/data/" + strings.Repeat("long/", 40) + "<i>x</i>.mp4" })
		}, []string{"Everything works. 3 of 5 sample scenes are in Plex.", "Matched by its path", "Not found", "<i>x</i>.mp4"}},
		"wrong-token": {func(w *World) { w.Settings(map[string]any{"10plexToken": "wrong-Token-0123456789"}) }, []string{"Something is wrong: Plex.", "Open the settings"}},
		"plex-off":    {func(w *World) { w.Plex.Stop() }, []string{"Something is wrong: Plex.", "The check stopped there."}},
		"no-library":  {func(w *World) { w.Plex.RemoveSection(w.Section) }, []string{"Something is wrong: Libraries."}},
		"a-setting":   {func(w *World) { w.Settings(map[string]any{"timeoutSeconds": "soon"}) }, []string{"Something is wrong: Timeout."}},
		"stash-refuses": {func(w *World) { w.Stash.Inject(stashtest.Fault{Operation: "Version", Message: "database is locked"}) }, []string{
			"Something is wrong: Stash.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWorld(t, 4)
			c.arrange(w)
			tab := runCheck(w)
			for _, text := range c.says {
				tab.Wait(Text(text))
			}
			tab.Looks("check-" + name)
			tab.Clean()
		})
	}
}

func TestCheckStartsWithAClickAndEndsWhenItIsLeft(t *testing.T) {
	w := NewWorld(t, 1)
	w.Inject(Fault{Mode: "check", Hang: true, Times: 2})
	tab := w.Tab()
	tab.Open(checkPath)
	tab.Wait(Button("Check now"))
	tab.Looks("check-before")
	tab.Clean()
	if slices.Contains(w.Ops(), "check") {
		t.Error("the check has started by itself")
	}
	tab.Click(Button("Check now"))
	tab.Wait(Text("This takes up to 20 seconds."))
	tab.Looks("check-running")
	tab.Clean()
	tab.Click(Button("Stop"))
	tab.Click(Button("Check now"))
	tab.Wait(Button("Stop"))
	tab.Click(Link("Queue"))
	for end := time.Now().Add(10 * time.Second); w.Running() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the check goes on after the view was left")
		}
	}
	tab.Back()
	tab.Click(Button("Check now"))
	tab.Wait(Text("1 of 1 sample scene is in Plex"))
	tab.Click(Link("Queue"))
	tab.Wait(Role("link", "Queue"))
	w.Forget()
	tab.Back()
	tab.Wait(Text("1 of 1 sample scene is in Plex"))
	if slices.Contains(w.Ops(), "check") {
		t.Error("the result of the visit was not kept")
	}
	tab.Click(Link("clip1.mp4"))
	tab.WaitFor(`location.pathname.endsWith("/scene/1")`, "a sample does not lead to its scene")
}

func TestAnotherServerIsUsedOnlyAfterAClick(t *testing.T) {
	w := NewWorld(t, 2)
	w.Op("sync-all", nil)
	w.Idle()
	first := w.Plex.Machine()
	w.Plex.SetMachine("2222222222222222222222222222222222222222")
	tab := runCheck(w)
	tab.Wait(Text("Another Plex server answers"))
	tab.Wait(Text("Living room (22222222…)"))
	tab.Wait(Text("the server 01234567…"))
	if got := w.Op("run", nil)["server"]; got != first {
		t.Errorf("the check alone has accepted %v", got)
	}
	tab.Looks("check-another")
	tab.Clean()
	tab.Click(Button("Push to Living room"))
	tab.Gone(Text("Another Plex server answers"))
	if got := w.Op("run", nil)["server"]; got != w.Plex.Machine() {
		t.Errorf("scenes are pushed to %v", got)
	}
}

func TestReportIsShownWhereThereIsNoClipboard(t *testing.T) {
	w := NewWorld(t, 1)
	tab := w.Tab()
	tab.Open(checkPath)
	tab.Wait(Button("Copy report"))
	tab.Eval(`void Object.defineProperty(navigator, "clipboard", {value: undefined, configurable: true})`)
	tab.Click(Button("Copy report"))
	tab.Wait(Text("Report for an issue"))
	selected := `(() => { const e = document.activeElement; return e.value && e.value.slice(e.selectionStart, e.selectionEnd); })()`
	tab.WaitFor(selected+` && `+selected+`.startsWith("Stash Plex Sync") && `+selected+`.includes("Check plex: ok")`, "the report is not selected")
	tab.Looks("check-report")
	tab.Clean()
	tab.Press(kb.Escape)
	tab.Gone(Text("Report for an issue"))
	tab.Eval(`void Object.defineProperty(navigator, "clipboard", {value: {writeText: async (text) => { window.copied = text; }}, configurable: true})`)
	tab.Click(Button("Copy report"))
	tab.WaitFor(`(window.copied || "").startsWith("Stash Plex Sync")`, "nothing was copied")
	tab.Wait(Text("The report is in the clipboard"))
}
