package ui_test

import (
	"image/color"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func TestPreviewPushesWhatIsSelectedAndRestorePutsItBack(t *testing.T) {
	w := uitest.NewWorld(t, 4)
	w.Stash.Change(1, func(s *stashtest.Scene) {
		s.Title, s.Details, s.Date = "The river in winter", "A quiet walk along the frozen river, filmed at dawn.", "2024-02-03"
		s.Cover = picture(t, color.RGBA{200, 80, 40, 255})
	})
	w.Stash.Change(2, func(s *stashtest.Scene) { s.Title = hostile + strings.Repeat("long", 50) })
	w.Stash.Change(3, func(s *stashtest.Scene) { s.Title = "Third" })
	w.Plex.Edit(w.Keys[1], func(it *plextest.Item) {
		it.Title, it.Summary = "clip1", "A walk along the river, filmed at noon."
		it.Tags["genre"] = []string{"Home"}
	})
	w.Host.RunTask("Rebuild Plex index", nil)
	w.Idle()
	tab := w.Tab()
	tab.Open(previewPage)
	tab.Wait(uitest.Text("No preview yet"))
	tab.Looks("reports-" + "preview-never")
	tab.Click(uitest.Button("Preview changes"))
	tab.Wait(uitest.Text("Previewed"))
	tab.Wait(uitest.Text("The river in winter"))
	tab.Click(uitest.Button("Show pictures"))
	tab.Wait(uitest.Selector(".plexsync-reports-pictures img"))
	tab.Looks("reports-" + "preview-done")
	tab.Click(uitest.Role("checkbox", "Select The river in winter"))
	tab.Click(uitest.Button("Push 1 scene"))
	tab.Wait(uitest.Text("1 scene is in the queue"))
	w.Idle()
	if got := w.Plex.Item(w.Keys[1]).Title; got != "The river in winter" {
		t.Fatalf("Plex shows %q", got)
	}
	tab.Click(uitest.Button("Sync all scenes"))
	tab.Wait(uitest.Text("Sync all scenes?"))
	tab.Looks("reports-" + "preview-everything")
	tab.Press(kb.Escape)
	tab.Gone(uitest.Text("Sync all scenes?"))
	if name := tab.Focused(); name != "Sync all scenes" {
		t.Errorf("the focus is on %q after Escape", name)
	}
	w.Op("pause", nil)
	tab.Reload()
	tab.Wait(uitest.Text("Pushing is paused"))
	tab.Wait(uitest.Button("Sync all scenes"))
	if tab.Eval(`uitest.byRole("button", "Sync all scenes").disabled`) != true {
		t.Error("everything can be pushed during a pause")
	}
	w.Op("resume", nil)

	tab.Click(uitest.Link("Restore"))
	tab.Wait(uitest.Text("First see what would be put back"))
	tab.Looks("reports-" + "restore-never")
	tab.Click(uitest.Button("Start a dry run"))
	tab.Wait(uitest.Text("1 Plex item can be restored now."))
	tab.Looks("reports-" + "restore-ready")
	tab.Click(uitest.Button("Restore all"))
	tab.Wait(uitest.Text("Restore 1 Plex item?"))
	tab.Looks("reports-" + "restore-ask")
	w.Plex.Inject(plextest.Fault{Prefix: "/library", Delay: 2 * time.Second})
	tab.Click(uitest.Button("Restore 1 Plex item"))
	tab.Wait(uitest.Text("Restoring Plex…"))
	tab.Looks("reports-" + "restore-running")
	w.Plex.Heal()
	tab.Wait(uitest.Text("Restored 1 item to the state before the first push"))
	if got := w.Plex.Item(w.Keys[1]).Title; got != "clip1" {
		t.Fatalf("Plex shows %q after the restore", got)
	}
	tab.Looks("reports-" + "restore-done")
	tab.Clean()
}

// pushed is a world in which a scene was pushed, with the dry run of a restore.
func pushed(t *testing.T) *uitest.World {
	w := uitest.NewWorld(t, 1)
	w.Edit(1, "Pushed")
	w.Idle()
	w.Host.RunTask("Restore Plex metadata", map[string]any{"mode": "restore", "task": "yes", "dry_run": true})
	w.Idle()
	return w
}

func TestRestoreNeedsAFreshDryRun(t *testing.T) {
	w := pushed(t)
	tab := w.Tab()
	tab.Open(restorePage)
	tab.Click(uitest.Button("Restore all"))
	tab.Wait(uitest.Text("Restore 1 Plex item?"))
	db, err := sqlitefile.Open(sqlitefile.CacheDSN(filepath.Join(w.Dir, stashtest.PluginID, report.File), 1000))
	if err == nil {
		_, err = db.Exec("UPDATE report SET finished_at = finished_at - 660000") // 11 minutes
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	tab.Click(uitest.Button("Restore 1 Plex item"))
	tab.Wait(uitest.Text("ended more than 10 minutes ago; nothing was restored"))
	tab.Looks("reports-" + "restore-refused")
	if title := w.Plex.Item(w.Keys[1]).Title; title != "Pushed" {
		t.Errorf("Plex shows %q", title)
	}
}

func TestRestoreExpiresOnThePage(t *testing.T) {
	w := pushed(t)
	tab := w.Tab()
	tab.Clock()
	tab.Open(restorePage)
	tab.Wait(uitest.Button("Restore all"))
	tab.Advance(11 * time.Minute)
	tab.Gone(uitest.Button("Restore all"))
	tab.Wait(uitest.Text("This dry run is older than 10 minutes"))
	tab.Looks("reports-" + "restore-past")
}

// A dry run that is about one scene says nothing of all.
func TestDryRunOfOneSceneIsNotOneOfAll(t *testing.T) {
	w := pushed(t)
	w.Op("restore", map[string]any{"dry_run": true, "scene_id": 1})
	tab := w.Tab()
	tab.Open(restorePage)
	tab.Wait(uitest.Button("Start a dry run"))
	if tab.Has(uitest.Button("Restore all")) {
		t.Error("it can be confirmed")
	}
}
