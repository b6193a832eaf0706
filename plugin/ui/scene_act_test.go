package ui_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// plexTab opens the tab Plex on Stash's page of a scene.
func plexTab(w *uitest.World, id int) *uitest.Tab {
	tab := w.Tab()
	tab.Open(fmt.Sprintf("/scenes/%d", id))
	tab.Click(uitest.Role("tab", "Plex"))
	return tab
}

// eventually fails the test unless something becomes true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestScenePageAsksNothingBeforeItsTabIsOpened(t *testing.T) {
	w := uitest.NewWorld(t, 3)
	tab := w.Tab()
	tab.Open("/scenes/1")
	tab.Wait(uitest.Role("tab", "Plex"))
	tab.Click(uitest.Role("tab", "File Info"))
	time.Sleep(time.Second)
	if ops := w.Ops(); len(ops) > 0 {
		t.Errorf("a scene page called %v", ops)
	}
	tab.Click(uitest.Role("tab", "Plex"))
	tab.Wait(uitest.Text("Not pushed yet"))
	if ops := w.Ops(); !slices.Equal(ops, []string{"scene"}) {
		t.Errorf("the tab called %v", ops)
	}
	tab.Click(uitest.Role("tab", "Details"))
	tab.Gone(uitest.Selector(".plexsync-scene"))
}

func TestScenePanelEndsWhatNobodyWaitsForAnyMore(t *testing.T) {
	w := uitest.NewWorld(t, 3)
	for id := 1; id <= 3; id++ {
		title(w, id, fmt.Sprintf("Scene no. %d", id))
		push(w, id)
	}
	tab := w.Tab()
	visit := func(id int) {
		tab.Eval(fmt.Sprintf(`(() => { history.pushState({}, "", "/scenes/%d"); dispatchEvent(new PopStateEvent("popstate", {state: {}})); })()`, id))
	}
	tab.Open("/scenes/3")
	for _, id := range []int{2, 1} { // Stash has them at hand then, and keeps the tab open while it goes from one to another
		tab.Wait(uitest.Role("tab", "Plex"))
		visit(id)
		tab.Wait(uitest.Text(fmt.Sprintf("Scene no. %d", id)))
	}
	w.Plex.LockDatabase() // Plex never answers, so the operation waits for it
	tab.Click(uitest.Role("tab", "Plex"))
	tab.Wait(uitest.Text("Reading the scene"))
	eventually(t, "no process", func() bool { return len(w.Host.Processes()) == 1 })
	first := w.Host.Processes()[0]
	for _, id := range []int{2, 3, 2} {
		visit(id)
		tab.Wait(uitest.Text("Reading the scene"))
	}
	eventually(t, "the process of the first scene goes on", func() bool { return !slices.Contains(w.Host.Processes(), first) })
	eventually(t, "more than one process", func() bool { return len(w.Host.Processes()) == 1 })
	tab.Click(uitest.Role("tab", "Details"))
	eventually(t, "the process goes on after its tab was left", func() bool { return len(w.Host.Processes()) == 0 })
	if w.Running() > 0 {
		t.Error("an operation goes on")
	}
	w.Plex.Heal()
	tab.Click(uitest.Role("tab", "Plex"))
	tab.Wait(uitest.Text("In Plex and up to date"))
	tab.Wait(uitest.Text("/data/videos/2/clip2.mp4"))
}

func TestScenePushArrives(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	dress(t, w, 1)
	tab := plexTab(w, 1)
	tab.Click(uitest.Button("Push now"))
	tab.Wait(uitest.Text("Pushed to Plex"))
	tab.Wait(uitest.Text("In Plex and up to date"))
	it := w.Plex.Item(w.Keys[1])
	if it.Title != "A walk along the coast" || it.Studio != "Blue Hour Films" {
		t.Errorf("Plex shows %q of %q", it.Title, it.Studio)
	}
	if got := w.Ops(); !slices.Equal(got, []string{"scene", "sync-scene", "scene"}) {
		t.Errorf("operations: %v", got)
	}
	tab.Click(uitest.Button("Show pictures"))
	tab.Wait(uitest.Role("img", "Cover in Stash"))
	tab.Wait(uitest.Role("img", "Poster in Plex"))
	tab.WaitFor("[...document.querySelectorAll('.plexsync-scene-pictures img')].every((i) => i.naturalWidth > 0)", "a picture is broken")
	tab.Shot("scene-tab-pictures-1280")
	tab.Size(390)
	tab.Shot("scene-tab-pictures-390")
	tab.Fits()
}

func TestScenePushOnTheOwnPageIsSeenOnce(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	title(w, 1, "First")
	push(w, 1)
	tab := w.Tab()
	tab.Open("/plugins/stash-plex-sync/scene/1")
	tab.Wait(uitest.Text("In Plex and up to date"))
	for _, outcome := range []string{"Plex shows it already", "Pushed to Plex"} {
		w.Forget()
		tab.Click(uitest.Button("Push now"))
		tab.Wait(uitest.Text(outcome))
		eventually(t, "the panel does not ask again", func() bool { return slices.Contains(w.Ops(), "scene") })
		title(w, 1, "Second")
		time.Sleep(time.Second)
		if got := w.Ops(); !slices.Equal(got, []string{"sync-scene", "run", "scene"}) {
			t.Errorf("operations: %v", got)
		}
	}
	tab.Wait(uitest.Text("In Plex and up to date"))
	tab.Reload()
	tab.Wait(uitest.Role("heading", "Second"))
}

func TestScenePushThatDoesNotHappenSaysWhy(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	title(w, 1, "First")
	push(w, 1)
	tab := plexTab(w, 1)
	w.Op("pause", map[string]any{"by": "Ann"})
	tab.Click(uitest.Button("Push now"))
	tab.Wait(uitest.Text("Nothing was pushed, because pushing is paused"))
	tab.Wait(uitest.Text("Pushing is paused."))
	tab.Shot("scene-tab-push-paused-1280")
	w.Op("resume", nil)
	w.Plex.Stop()
	title(w, 1, "Second")
	tab.Click(uitest.Button("Push now"))
	tab.Wait(uitest.Text("Plex was not read"))
	tab.Shot("scene-tab-push-off-1280")
	tab.Accessible(".plexsync")
	w.Inject(uitest.Fault{Mode: "sync-scene", Error: "the queue cannot be opened", Times: 1})
	tab.Expect("the queue cannot be opened")
	tab.Click(uitest.Button("Push now"))
	tab.Wait(uitest.Text("the queue cannot be opened"))
}

func TestSceneIsRestoredAfterItWasShown(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	dress(t, w, 1)
	push(w, 1)
	tab := plexTab(w, 1)
	tab.Click(uitest.Button("Restore in Plex"))
	tab.Wait(uitest.Text("This would change in Plex"))
	tab.Wait(uitest.Selector(".modal ins"))
	tab.Shot("scene-restore-1280")
	tab.Accessible(".modal")
	tab.Size(390)
	tab.Shot("scene-restore-390")
	tab.Fits()
	tab.Size(1280)
	tab.Press(kb.Escape)
	tab.Gone(uitest.Selector(".modal"))
	if it := w.Plex.Item(w.Keys[1]); it.Title != "A walk along the coast" {
		t.Errorf("looking has restored the title to %q", it.Title)
	}
	if got := tab.Focused(); got != "Restore in Plex" {
		t.Errorf("the focus is on %q", got)
	}
	tab.Press(kb.Enter)
	tab.Click(uitest.Button("Restore"))
	tab.Wait(uitest.Text("Restored 1 Plex item"))
	tab.Wait(uitest.Text("Restored: Plex shows what it had"))
	if it := w.Plex.Item(w.Keys[1]); it.Title != "clip1" {
		t.Errorf("the title is %q", it.Title)
	}
}

func TestSceneGetsItsItemFromAPerson(t *testing.T) {
	w := uitest.NewWorld(t, 2)
	title(w, 1, "First")
	twoItems(w, 1)
	push(w, 1)
	tab := plexTab(w, 1)
	tab.Click(uitest.Button("Choose the Plex item"))
	tab.Wait(uitest.Text("/mnt/left/clip1.mp4"))
	tab.Shot("scene-choose-1280")
	tab.Accessible(".modal")
	tab.Size(390)
	tab.Shot("scene-choose-390")
	tab.Fits()
	tab.Size(1280)
	tab.Fill(uitest.Role("textbox", "Part of the path in Plex"), "clip2")
	tab.Press(kb.Enter)
	tab.Wait(uitest.Button("Use this item: /data/videos/2/clip2.mp4"))
	tab.Fill(uitest.Role("textbox", "Part of the path in Plex"), "")
	tab.Press(kb.Enter)
	tab.Click(uitest.Button("Use this item: /mnt/right/clip1.mp4"))
	tab.Wait(uitest.Text("Chosen. The scene is pushed to it next."))
	tab.Wait(uitest.Text("In Plex and up to date")) // after the run, whose end the panel sees
	tab.Wait(uitest.Text("by hand"))
	w.Idle()
	if it := w.Plex.Item(w.Plex.KeyOf("/mnt/right/clip1.mp4")); it.Title != "First" {
		t.Errorf("the chosen item is %q", it.Title)
	}
	tab.Click(uitest.Button("Forget the choice"))
	tab.Wait(uitest.Text("The scene is matched automatically again"))
	tab.Shot("scene-forget-1280")
	tab.Click(uitest.Selector(".modal-footer .btn-secondary:last-child"))
	tab.Wait(uitest.Text("The choice is forgotten"))
	tab.Gone(uitest.Button("Forget the choice"))
}

func TestSceneWithoutCandidatesSaysWhatToDo(t *testing.T) {
	w := uitest.NewWorld(t, 2)
	title(w, 1, "First")
	w.Plex.Remove(w.Keys[1])
	push(w, 1)
	tab := plexTab(w, 1)
	tab.Click(uitest.Button("Choose the Plex item"))
	tab.Fill(uitest.Role("textbox", "Part of the path in Plex"), "nowhere")
	tab.Click(uitest.Button("Search"))
	tab.Wait(uitest.Text("Plex has no such item"))
	tab.Shot("scene-choose-none-1280")
	tab.Fill(uitest.Role("textbox", "Part of the path in Plex"), "clip2")
	tab.Click(uitest.Button("Search"))
	w.Inject(uitest.Fault{Mode: "link", Error: "scene 2 (Other) has chosen this item already; forget that first"})
	tab.Expect("has chosen this item")
	tab.Click(uitest.Button("Use this item: /data/videos/2/clip2.mp4"))
	tab.Wait(uitest.Text("has chosen this item already"))
	tab.Wait(uitest.Selector(".modal"))
}

func TestSceneTabFollowsOwnJobsOnlyWhileItIsSeen(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	title(w, 1, "First")
	push(w, 1)
	tab := plexTab(w, 1)
	tab.Wait(uitest.Text("In Plex and up to date"))
	w.Forget()
	w.Edit(1, "Edited elsewhere")
	w.Host.RunTask("Process queue", nil)
	w.Idle()
	tab.Wait(uitest.Text("Edited elsewhere"))
	w.Idle()
	time.Sleep(time.Second)
	tab.Hidden(true)
	w.Forget()
	w.Host.RunTask("Process queue", nil)
	w.Idle()
	time.Sleep(time.Second)
	if got := w.Ops(); len(got) > 0 {
		t.Errorf("hidden, the tab called %v", got)
	}
	tab.Hidden(false)
	eventually(t, "no look after the tab is seen again", func() bool { return slices.Equal(w.Ops(), []string{"scene"}) })
}

func TestSceneThatCannotBeLoadedSaysWhatToDo(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	for _, answer := range []string{"null", "{}"} {
		w.Inject(uitest.Fault{Mode: "scene", Answer: answer, Times: 1})
		tab := plexTab(w, 1)
		tab.Wait(uitest.Text("ended without an answer"))
		tab.Click(uitest.Button("Try again"))
		tab.Wait(uitest.Text("Not pushed yet"))
	}
	w.Inject(uitest.Fault{Mode: "scene", Error: "plugin stash-plex-sync is disabled", Times: 1})
	tab := plexTab(w, 1)
	tab.Wait(uitest.Button("Enable the plugin"))
	tab.Shot("scene-tab-disabled-1280")
	tab.Accessible(".plexsync")
	tab.Click(uitest.Button("Enable the plugin"))
	tab.Wait(uitest.Text("Not pushed yet"))
}

func TestScenePanelWorksWithTheKeyboard(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	dress(t, w, 1)
	push(w, 1)
	tab := w.Tab()
	tab.Open("/scenes/1")
	tab.Wait(uitest.Role("tab", "Plex"))
	tab.Eval(`document.querySelector("[role=tab]").focus()`)
	tab.Press(kb.ArrowRight + kb.ArrowRight)
	tab.Wait(uitest.Text("In Plex and up to date"))
	var seen []string
	for range 20 {
		tab.Press(kb.Tab)
		seen = append(seen, tab.Focused())
		if seen[len(seen)-1] == "Show pictures" {
			break
		}
	}
	for _, name := range []string{"Push now", "Choose the Plex item", "Restore in Plex", "Open in Stash Plex Sync", "Open in Plex", "Details of Title", "Show all", "Show pictures"} {
		if !slices.Contains(seen, name) {
			t.Errorf("the Tab key does not reach %q, but %q", name, seen)
		}
	}
	tab.Press(kb.Enter)
	tab.Wait(uitest.Role("img", "Cover in Stash"))
}

func TestSelectionOfAListIsPushed(t *testing.T) {
	w := uitest.NewWorld(t, 4)
	for id := 1; id <= 4; id++ {
		title(w, id, fmt.Sprintf("Scene no. %d", id))
	}
	tab := w.Tab()
	tab.Open("/scenes")
	tab.Click(uitest.Button("More"))
	tab.Wait(uitest.Text("Select All"))
	if tab.Has(uitest.Text("Push to Plex")) {
		t.Error("the entry is there without a selection")
	}
	tab.Press(kb.Escape)
	tab.Click(uitest.Role("checkbox", "Select Scene no. 2"))
	tab.Click(uitest.Role("checkbox", "Select Scene no. 3"))
	tab.Click(uitest.Button("More"))
	tab.Shot("scene-list-menu-1280")
	tab.Click(uitest.Text("Push to Plex"))
	tab.Wait(uitest.Text("2 scenes are queued for Plex"))
	if got := tab.Path(); got != "/scenes" {
		t.Errorf("the list was left for %s", got)
	}
	w.Idle()
	for id := 1; id <= 4; id++ {
		want := fmt.Sprintf("clip%d", id)
		if id == 2 || id == 3 {
			want = fmt.Sprintf("Scene no. %d", id)
		}
		if got := w.Plex.Item(w.Keys[id]).Title; got != want {
			t.Errorf("Plex shows %q, want %q", got, want)
		}
	}
	w.Op("pause", map[string]any{"by": "Ann"})
	tab.Expect("paused")
	tab.Click(uitest.Button("More"))
	tab.Click(uitest.Text("Push to Plex"))
	tab.Wait(uitest.Text("paused"))
	tab.Click(uitest.Link("Scene no. 1")) // links lead on again
	tab.WaitFor("location.pathname === '/scenes/1'", "the list holds its links back")
}

func TestDeadSceneIsRetried(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	title(w, 1, "First")
	w.Plex.Inject(plextest.Fault{Method: http.MethodPut, Match: ofItem(w.Keys[1]), Status: http.StatusBadRequest})
	push(w, 1)
	w.Plex.Heal()
	tab := plexTab(w, 1)
	tab.Click(uitest.Button("Retry now"))
	tab.Wait(uitest.Text("Pushed to Plex"))
	tab.Wait(uitest.Text("In Plex and up to date"))
}
