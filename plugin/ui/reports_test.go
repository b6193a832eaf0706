package ui_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

const (
	gapsPage    = "/plugins/stash-plex-sync/gaps"
	previewPage = "/plugins/stash-plex-sync/preview"
	restorePage = previewPage + "?kind=restore"
	hostile     = `<img src=x onerror=alert(1)> "quoted" 'single' ${x} ` + "\u202eevil \u0000 "
)

// picture returns a picture in one colour.
func picture(t *testing.T, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for i := range 320 * 180 {
		img.Set(i%320, i/320, c)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// gapsWorld has a row of each kind.
func gapsWorld(t *testing.T) *uitest.World {
	w := uitest.NewWorld(t, 3)
	scene := func(title, path string, size int64) {
		id := w.Stash.Add(stashtest.Scene{Title: title})[0]
		w.Stash.Change(id, func(s *stashtest.Scene) { s.Files = []stashtest.File{{Path: path, Size: size, Duration: 10}} })
	}
	item := func(path string, size int64) { w.Plex.AddItem(w.Section, path, size) }
	scene("A walk along the river", "/data/videos/new/walk along the river.mp4", 734_003_200)
	scene(hostile+strings.Repeat("long", 60), "/data/"+strings.Repeat("a-very-long-folder-name/", 12)+"file.mp4", 12)
	scene("Seen twice", "/data/videos/twice.mp4", 2_000)
	item("/data/videos/twice.mp4", 2_000)
	item("/data/videos/twice.mp4", 2_000)
	scene("Undecided", "/here/undecided.mp4", 3_000)
	item("/mnt/left/undecided.mp4", 3_000)
	item("/mnt/right/undecided.mp4", 3_000)
	scene("Moved elsewhere", "/stash/one/moved.mp4", 1_234_567_890)
	item("/plex/two/moved.mp4", 1_234_567_890)
	item("/plex/only/home video.mp4", 5_600_000_000)
	w.Host.RunTask("Rebuild Plex index", nil)
	w.Idle()
	return w
}

func TestGapsOfEachKindAreListedAndChosen(t *testing.T) {
	w := gapsWorld(t)
	tab := w.Tab()
	tab.Open(gapsPage)
	tab.Wait(uitest.Text("have not been compared yet"))
	tab.Looks("reports-" + "gaps-never")
	tab.Click(uitest.Button("Compare now"))
	tab.Wait(uitest.Text("Compared"))
	tab.Looks("reports-" + "gaps-all")
	tab.Click(uitest.Button("Several items fit"))
	tab.Wait(uitest.Text("Several items fit equally well"))
	tab.Wait(uitest.Button("Use this item: /mnt/left/undecided.mp4"))
	tab.Reload()
	w.Forget()
	tab.Click(uitest.Button("Use this item: /mnt/left/undecided.mp4"))
	tab.Wait(uitest.Text("Chosen. The scene is pushed"))
	tab.Looks("reports-" + "gaps-chosen")
	tab.Click(uitest.Button("Forget the choice"))
	tab.Wait(uitest.Text("The choice is forgotten"))
	tab.Clean()
}

// A comparison that waits, works, is stopped and goes on.
func TestComparisonWaitsStopsAndContinues(t *testing.T) {
	w := uitest.NewWorld(t, 3)
	release := w.Stash.Hold("Scanning...")
	tab := w.Tab()
	tab.Open(gapsPage)
	tab.Click(uitest.Button("Compare now"))
	tab.Wait(uitest.Text("Waits for “Scanning...” in Stash's queue"))
	tab.Wait(uitest.Button("Remove from the queue"))
	tab.Looks("reports-" + "gaps-waits")
	tab.Click(uitest.Button("Remove from the queue"))
	tab.Wait(uitest.Button("Compare now"))

	tab.Click(uitest.Button("Compare now"))
	release()
	tab.Wait(uitest.Text("No library of Plex has been read completely yet"))
	tab.Looks("reports-" + "gaps-unread")
	tab.Click(uitest.Button("Read Plex's libraries"))
	w.Idle()

	w.Stash.Inject(stashtest.Fault{Operation: "FileScenes", Delay: 3 * time.Second})
	tab.Click(uitest.Button("Compare again"))
	tab.Wait(uitest.Text("Comparing Stash and Plex…"))
	tab.Wait(uitest.Selector("progress"))
	tab.Looks("reports-" + "gaps-running")
	tab.Click(uitest.Button("Stop"))
	tab.Wait(uitest.Button("Continue"))
	tab.Looks("reports-" + "gaps-stopped")
	w.Stash.Heal()
	tab.Click(uitest.Button("Continue"))
	tab.Wait(uitest.Text("No gaps"))
	tab.Looks("reports-" + "gaps-none")
}

func TestReportThatCannotBeReadSaysSo(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	w.Inject(uitest.Fault{Mode: "report", Times: 1, Error: "the stored reports cannot be opened"})
	tab := w.Tab()
	for _, page := range []string{gapsPage, previewPage, restorePage} {
		w.Heal()
		w.Inject(uitest.Fault{Mode: "report", Times: 1, Error: "the stored reports cannot be opened"})
		tab.Open(page)
		tab.Wait(uitest.Text("the stored reports cannot be opened"))
		tab.Looks("reports-" + "failed")
		tab.Click(uitest.Button("Try again"))
		tab.Gone(uitest.Text("the stored reports cannot be opened"))
	}
	w.Settings(map[string]any{"05plexUrl": "", "10plexToken": ""})
	tab.Open(gapsPage)
	tab.Wait(uitest.Text("Nothing is set up yet."))
	tab.Wait(uitest.Selector(".plexsync-empty button"))
	if tab.Eval(`document.querySelector(".plexsync-empty button").disabled`) != true {
		t.Error("a comparison can be started before Plex is set up")
	}
}

// More rows than are stored: the numbers stay exact, and pages, Back and a reload keep their place.
func TestTenThousandGapsAreReadInPages(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	scenes := make([]stashtest.Scene, 10_050)
	for i := range scenes {
		scenes[i] = stashtest.Scene{Title: fmt.Sprint("Number ", i), Files: []stashtest.File{{Path: fmt.Sprintf("/none/%d.mp4", i), Size: 1, Duration: 1}}}
	}
	w.Stash.Add(scenes...)
	w.Host.RunTask("Rebuild Plex index", nil)
	w.Host.RunTask("Compare Stash and Plex", nil)
	w.Idle()
	tab := w.Tab()
	w.Forget()
	tab.Open(gapsPage)
	tab.Wait(uitest.Text("only the first 10,000 rows"))
	tab.Wait(uitest.Text("10,050"))
	if ops := w.Ops(); len(ops) != 2 {
		t.Errorf("the view calls %v, want two operations", ops)
	}
	tab.Wait(uitest.Text("Number 49"))
	tab.Click(uitest.Button("Next page"))
	tab.Wait(uitest.Text("Number 50"))
	tab.Gone(uitest.Text("Number 49"))
	tab.Reload()
	tab.Wait(uitest.Text("Number 50"))
	tab.Looks("reports-" + "gaps-many")
	tab.Back()
	tab.Wait(uitest.Text("Number 49"))
	tab.Open(gapsPage + "?rows=not_in_plex&cursor=9980")
	tab.Wait(uitest.Text("Number 9999"))
	tab.Eval(`document.querySelector(".plexsync-tile").focus()`)
	tab.Press(kb.Enter)
	tab.Wait(uitest.Text("Number 49"))
	if path := tab.Path(); path != gapsPage {
		t.Errorf("the address is %s, want no filter", path)
	}
	tab.Press(kb.Tab + kb.Enter)
	tab.Wait(uitest.Text("Plex has no item for the files of these scenes."))
	tab.Wait(uitest.Text("Number 49"))
}

// A library that was never read, and a choice of which the file is gone.
func TestGapsOfUnreadLibrariesAndGoneChoices(t *testing.T) {
	w := uitest.NewWorld(t, 2)
	w.Host.RunTask("Rebuild Plex index", nil)
	w.Idle()
	w.Op("link", map[string]any{"scene_id": 1, "rating_key": w.Keys[2]})
	w.Idle()
	w.Plex.Remove(w.Keys[2])
	w.Host.RunTask("Rebuild Plex index", nil)
	w.Host.RunTask("Compare Stash and Plex", nil)
	w.Idle()
	tab := w.Tab()
	tab.Open(gapsPage)
	tab.Wait(uitest.Button("Forget the choice"))
	tab.Looks("reports-" + "gaps-choice-gone")
	tab.Click(uitest.Button("Forget the choice"))
	tab.Wait(uitest.Text("The choice is forgotten"))
	w.Idle()
	w.Settings(map[string]any{"plexLibraries": "Videos, Holidays"})
	tab.Click(uitest.Button("Compare again"))
	tab.Wait(uitest.Text("Not read completely yet: “Holidays”."))
	tab.Wait(uitest.Text("Library not read yet"))
	tab.Looks("reports-" + "gaps-unread-library")
}
