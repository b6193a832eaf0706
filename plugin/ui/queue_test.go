package ui_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

func TestQueueShowsWhatWaitsAndWhatNeedsAPerson(t *testing.T) {
	w, _ := newLab(t, 12)
	tab := w.Tab()
	tab.Open(queuePage)
	tab.Wait(uitest.Text("Nothing waits"))
	tab.Looks("queue-empty")

	w.ambiguous(4)
	w.jobs(5, 9)
	w.dead(10, 11, "not_found", "no item in Plex has the file /data/videos/3/clip10.mp4 yet", `{"code":"not_in_plex","params":{"path":"/data/videos/3/clip10.mp4"}}`)
	w.dead(12, 12, "rejected", "cannot edit item 1012: Plex answered 400 Bad Request to PUT /library/sections/1/all: Plex refuses the value of title", `{"code":"value_refused","params":{"field":"title"}}`)
	w.Forget()
	tab.Open(queuePage)
	tab.Wait(uitest.Button("Push now"))
	tab.Wait(uitest.Text("Queued"))
	w.wantOps("jobs", "run")
	tab.Looks("queue-all")
	tab.Click(uitest.Link("Needs a look"))
	tab.Wait(uitest.Button("Use this item: /mnt/left/clip4.mp4"))
	if path := tab.Path(); path != queuePage+"?state=dead" {
		t.Errorf("the address is %s", path)
	}
	tab.Looks("queue-dead")
	tab.Click(uitest.Role("checkbox", "Select all on this page"))
	tab.Wait(uitest.Text("4 selected"))
	tab.Looks("queue-selected")
	tab.Click(uitest.Button("Remove"))
	tab.Wait(uitest.Text("Remove 4 scenes?"))
	tab.Looks("queue-remove")
	tab.Press(kb.Escape)
	tab.Gone(uitest.Text("Remove 4 scenes?"))
	tab.Click(uitest.Button("Choose the Plex item"))
	tab.Wait(uitest.Role("dialog", "Which Plex item shows this scene?"))
	tab.Wait(uitest.Button("Use this item: /mnt/right/clip4.mp4"))
	tab.Looks("queue-find")
	tab.Clean()
}

func TestTenThousandJobsOpenAsFastAsTen(t *testing.T) {
	w, _ := newLab(t, 1)
	w.jobs(1001, 11200)
	tab := w.Tab()
	tab.Open(queuePage)
	tab.WaitFor(rows+` === 50`, "no page of 50 rows")
	tab.Wait(uitest.Text("50 of 10,000+ scenes"))
	w.wantOps("jobs", "run")

	tab.Click(uitest.Button("Next page"))
	tab.WaitFor(`/cursor=/.test(location.search) && `+rows+` === 50`, "no second page")
	second := tab.Path()
	tab.Choose(uitest.Role("combobox", "Cause"), "Not in Plex yet")
	tab.WaitFor(`location.search === "?class=not_found"`, "the cause is not in the address, or the cursor stays")
	tab.WaitFor(`[...document.querySelectorAll(".plexsync-row .badge")].length === 50 && [...document.querySelectorAll(".plexsync-row .badge")].every((b) => b.innerText === "Not in Plex yet")`, "other causes are shown")
	tab.Choose(uitest.Role("combobox", "Order"), "Most attempts first")
	tab.WaitFor(`location.search === "?class=not_found&sort=attempts"`, "the order is not in the address")
	tab.Reload()
	tab.WaitFor(rows+` === 50`, "no rows after a reload")
	if shown := tab.Eval(`document.querySelector("#plexsync-class").value + document.querySelector("#plexsync-sort").value`); shown != "not_foundattempts" {
		t.Errorf("after a reload the filters are %v", shown)
	}
	tab.Back()
	tab.Back()
	tab.WaitFor(rows+` === 50`, "no rows after Back")
	if tab.Path() != second {
		t.Errorf("Back leads to %s, want %s", tab.Path(), second)
	}
	tab.Fill(uitest.Role("textbox", "Find a scene"), "1234")
	tab.Press("\r")
	tab.WaitFor(`/text=1234/.test(location.search) && `+rows+` === 1`, "a number does not find its scene")
	tab.Fill(uitest.Role("textbox", "Find a scene"), "no such scene")
	tab.Press("\r")
	tab.Wait(uitest.Text("Nothing matches"))
	tab.Looks("queue-nothing")
	tab.Click(uitest.Selector(".plexsync-empty button"))
	tab.WaitFor(`location.search === "" && `+rows+` === 50`, "the filter is not cleared")
}

const rows = `document.querySelectorAll(".plexsync-row").length`

// look makes the page ask whether something has changed.
func look(tab *uitest.Tab) {
	tab.Helper()
	tab.Hidden(true)
	tab.Hidden(false)
}

func TestSelectionAppliesToWhatIsShown(t *testing.T) {
	w, _ := newLab(t, 9)
	w.jobs(1, 9)
	tab := w.Tab()
	tab.Open(queuePage + "?state=waiting")
	for _, title := range []string{"clip1.mp4", "clip2.mp4", "clip4.mp4"} {
		tab.Click(uitest.Role("checkbox", "Select "+title))
	}
	tab.Wait(uitest.Text("3 selected"))

	w.sql(`DELETE FROM job WHERE scene_id = 2`)
	look(tab)
	tab.Wait(uitest.Text("2 selected"))
	w.jobs(2, 2) // it is back, but nobody has selected it
	look(tab)
	tab.Wait(uitest.Text("clip2.mp4"))
	tab.Wait(uitest.Text("2 selected"))

	tab.Click(uitest.Button("Postpone"))
	tab.Click(uitest.Button("In 10 minutes"))
	tab.Wait(uitest.Text("2 scenes wait for longer."))
	tab.Gone(uitest.Text("2 selected"))
	if n := w.count(`job WHERE due_at > (SELECT MAX(enqueued_at) FROM job) + 500000`); n != 2 {
		t.Errorf("%d jobs wait for ten minutes, want 2", n)
	}

	tab.Click(uitest.Role("checkbox", "Select clip5.mp4"))
	tab.Click(uitest.Link("Due now")) // other rows: nothing is selected
	tab.Wait(uitest.Text("clip3.mp4"))
	tab.Gone(uitest.Text("1 selected"))
	tab.Click(uitest.Link("Waiting"))
	tab.Click(uitest.Role("checkbox", "Select clip7.mp4"))
	tab.Click(uitest.Button("Push now")) // the first one is that of the selection
	tab.Wait(uitest.Text("1 scene is pushed next."))
	if n := w.count(`job WHERE misses + attempts = 0 AND scene_id = 7`); n != 1 {
		t.Error("scene 7 is not due")
	}
	tab.Gone(uitest.Text("clip7.mp4"))
	tab.Click(uitest.Button("More for clip8.mp4"))
	tab.Click(uitest.Button("Remove"))
	tab.Wait(uitest.Text("Remove 1 scene?"))
	tab.Click(uitest.Button("Remove 1 scene"))
	tab.Gone(uitest.Text("clip8.mp4"))
	if w.count("job WHERE scene_id = 8") != 0 || w.count("job") != 8 {
		t.Errorf("%d jobs are left", w.count("job"))
	}
}

func TestWholeListIsRemovedAsItWasShown(t *testing.T) {
	w, _ := newLab(t, 1)
	w.dead(1001, 1120, "not_found", "it is not there", "")
	w.dead(1301, 1305, "rejected", "Plex refuses it", "")
	tab := w.Tab()
	tab.Expect("has grown")
	tab.Open(queuePage + "?state=dead&class=not_found")
	tab.Click(uitest.Role("checkbox", "Select all on this page"))
	tab.Wait(uitest.Text("50 selected"))
	tab.Click(uitest.Button("Select all 120"))
	tab.Wait(uitest.Text("All 120 selected"))
	tab.Click(uitest.Button("Remove"))
	tab.Wait(uitest.Text("Remove 120 scenes?"))
	tab.Looks("queue-remove-all")
	w.dead(1201, 1230, "not_found", "it is not there", "")
	tab.Click(uitest.Button("Remove 120 scenes"))
	tab.Wait(uitest.Text("the list has grown from 120 to 150"))
	if n := w.count("dead_letter"); n != 155 {
		t.Errorf("%d dead letters are left of 155", n)
	}
	look(tab)
	tab.Wait(uitest.Text("50 of 150 scenes"))
	tab.Click(uitest.Role("checkbox", "Select all on this page"))
	tab.Click(uitest.Button("Select all 150"))
	tab.Click(uitest.Button("Remove"))
	tab.Click(uitest.Button("Remove 150 scenes"))
	tab.Wait(uitest.Text("Nothing matches"))
	if n := w.count("dead_letter WHERE class = 'rejected'"); n != 5 || w.count("dead_letter") != 5 {
		t.Errorf("%d dead letters are left, want 5 of the other cause", w.count("dead_letter"))
	}
}

// A change of very many rows takes several calls. The person sees how far it is, and can stop it.
func TestLongChangeShowsItsProgressAndStops(t *testing.T) {
	w, _ := newLab(t, 1)
	w.jobs(1001, 1100)
	w.Inject(uitest.Fault{Mode: "postpone", Delay: 500 * time.Millisecond, Answer: `{"changed":20,"missing":0,"next":"jobs/due/1/1","run_follows":false}`})
	tab := w.Tab()
	tab.Open(queuePage)
	tab.Click(uitest.Role("checkbox", "Select all on this page"))
	tab.Click(uitest.Button("Select all 100"))
	tab.Click(uitest.Button("Postpone"))
	tab.Click(uitest.Button("In 1 minute"))
	tab.Wait(uitest.Text("40 of 100…"))
	tab.Looks("queue-working")
	tab.Click(uitest.Button("Stop"))
	tab.Wait(uitest.Text("Stopped after"))
	w.Forget()
	tab.Eval(`new Promise((done) => setTimeout(done, 1200))`)
	for _, mode := range w.Ops() {
		if mode == "postpone" {
			t.Error("the change goes on")
		}
	}
}

func TestChosenFileArrivesInPlex(t *testing.T) {
	w, release := newLab(t, 5)
	w.ambiguous(4)
	tab := w.Tab()
	tab.Open(queuePage + "?state=dead")
	tab.Click(uitest.Button("Choose the Plex item"))
	tab.Fill(uitest.Role("textbox", "Part of the path in Plex"), "clip5")
	tab.Press("\r")
	tab.Wait(uitest.Button("Use this item: /data/videos/5/clip5.mp4"))
	tab.Fill(uitest.Role("textbox", "Part of the path in Plex"), "no such file")
	tab.Press("\r")
	tab.Wait(uitest.Text("Plex has no such item"))
	tab.Looks("queue-find-none")
	tab.Click(uitest.Button("Cancel"))
	tab.Click(uitest.Button("Use this item: /mnt/left/clip4.mp4"))
	tab.Wait(uitest.Text("Chosen. The scene is pushed to it next."))
	tab.Wait(uitest.Text("Nothing needs a look"))
	release()
	w.Idle()
	if got := w.Plex.Item(w.Plex.KeyOf("/mnt/left/clip4.mp4")).Title; got != "Which one is it?" {
		t.Errorf("the title in Plex is %q", got)
	}
}

func TestHostileTitlesStayText(t *testing.T) {
	w, _ := newLab(t, 6)
	for i, title := range []string{
		`<img src=x onerror="window.hacked = 1"><b>bold</b>`, "\u202eright to left\u202d", strings.Repeat("Endless", 700), "👩‍👩‍👧‍👦 emoji 🏳️‍🌈", "עברית و العربية", "a\u0000\n\t{{x}} ${y} javascript:alert(1)",
	} {
		w.Stash.Change(i+1, func(s *stashtest.Scene) { s.Title = title })
	}
	w.jobs(1, 3)
	w.dead(4, 6, "rejected", `<script>window.hacked = 2</script> `+strings.Repeat("x/", 900), "")
	w.attempts()
	tab := w.Tab()
	for name, path := range map[string]string{"jobs": queuePage, "dead": queuePage + "?state=dead", "activity": activityPage, "text": queuePage + "?text=%3Cb%3E&class=%3Ci%3E&state=x&cursor="} {
		tab.Open(path)
		tab.WaitFor(rows+` > 0 || document.querySelector(".plexsync-empty")`, "nothing is shown")
		tab.Looks("hostile-" + name)
	}
	tab.Open(queuePage)
	tab.Wait(uitest.Text(`<img src=x onerror="window.hacked = 1">`))
	if tab.Eval(`!!window.hacked || !!document.querySelector(".plexsync b")`) != false {
		t.Error("a title is markup")
	}
}

func TestQueueWhenSomethingIsAway(t *testing.T) {
	w, _ := newLab(t, 9)
	w.jobs(1, 9)
	tab := w.Tab()
	tab.Expect(`paused|Stash|cursor`)
	w.Op("pause", map[string]any{"by": "Ann"})
	tab.Open(queuePage + "?state=waiting")
	tab.Wait(uitest.Text("Pushing is paused by Ann."))
	tab.Looks("queue-paused")
	tab.Click(uitest.Button("Push now"))
	tab.Wait(uitest.Text("Nothing was changed: paused by Ann since"))
	if n := w.count("job WHERE misses + attempts = 0"); n != 3 {
		t.Errorf("%d jobs have no failures, want 3", n)
	}
	w.Op("resume", nil)

	w.Stash.Inject(stashtest.Fault{Operation: "SearchScenes", Status: 500})
	tab.Open(queuePage + "?text=clip")
	tab.Wait(uitest.Text("This could not be loaded"))
	tab.Looks("queue-no-search")
	tab.Click(uitest.Button("Show all"))
	tab.WaitFor(rows+` === 9`, "the list is not shown")
	w.Stash.Inject(stashtest.Fault{Operation: "ScenesByID", Status: 500})
	tab.Reload()
	tab.Wait(uitest.Link("Scene 5"))
	w.Stash.Heal()

	tab.Open(queuePage + "?cursor=nonsense")
	tab.Wait(uitest.Text("This could not be loaded"))
	tab.Wait(uitest.Text("args.cursor"))

	w.offline()
	w.Edit(1, "Plex is off")
	w.Op("process", nil)
	tab.Open(queuePage)
	tab.Wait(uitest.Text("Plex does not answer."))
	tab.Looks("queue-plex-off")

	w.must(os.WriteFile(w.database(), []byte(strings.Repeat("damaged ", 5000)), 0o600))
	for _, end := range []string{"-wal", "-shm"} {
		w.must(os.RemoveAll(w.database() + end))
	}
	tab.Open(queuePage)
	tab.Wait(uitest.Text("start \"Process queue\""))
	tab.Looks("queue-damaged")
}

func TestQueueWorksWithTheKeyboardAlone(t *testing.T) {
	w, release := newLab(t, 6)
	w.jobs(1, 3)
	w.ambiguous(4)
	tab := w.Tab()
	tab.Open(queuePage + "?state=waiting")
	tab.Wait(uitest.Button("More for clip1.mp4"))
	to := func(name string) {
		t.Helper()
		for range 80 {
			if tab.Focused() == name {
				return
			}
			tab.Press(kb.Tab)
		}
		t.Fatalf("the Tab key never reaches %q", name)
	}
	to("Select all on this page")
	tab.Press(" ")
	tab.Wait(uitest.Text("2 selected"))
	tab.Press(" ")
	tab.Gone(uitest.Text("2 selected"))
	to("More for clip1.mp4")
	tab.Press(kb.ArrowDown)
	for tab.Focused() != "In 10 minutes" {
		tab.Press(kb.ArrowDown)
	}
	tab.Press("\r")
	tab.Wait(uitest.Text("1 scene waits for longer."))
	to("More for clip1.mp4")
	tab.Press(kb.ArrowDown)
	for tab.Focused() != "Remove" {
		tab.Press(kb.ArrowDown)
	}
	tab.Press("\r")
	tab.Wait(uitest.Text("Remove 1 scene?"))
	to("Remove 1 scene")
	tab.Press("\r")
	tab.Gone(uitest.Link("clip1.mp4"))
	tab.Gone(uitest.Role("dialog", ""))
	if tab.Eval(`document.activeElement === document.body`) == true {
		t.Error("the focus is lost after the row has left")
	}
	tab.Open(queuePage + "?state=dead")
	tab.Wait(uitest.Button("Choose the Plex item"))
	to("Choose the Plex item")
	tab.Press("\r")
	tab.Wait(uitest.Role("dialog", "Which Plex item shows this scene?"))
	tab.WaitFor(`document.activeElement.id === "plexsync-part"`, "the focus is not in the search")
	tab.Press("right\r")
	tab.Wait(uitest.Text("Items whose path contains “right”:"))
	to("Use this item: /mnt/right/clip4.mp4")
	tab.Press("\r")
	tab.Wait(uitest.Text("Chosen."))
	release()
	w.Idle()
	if got := w.Plex.Item(w.Plex.KeyOf("/mnt/right/clip4.mp4")).Title; got != "Which one is it?" {
		t.Errorf("the title in Plex is %q", got)
	}
}
