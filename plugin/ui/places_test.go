package ui_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// walk opens each view by its address, and waits until it shows something.
func walk(tab *uitest.Tab, each func(v view)) {
	for _, v := range views {
		tab.Open(v.path)
		tab.WaitFor("document.querySelector('nav')", "no page")
		switch v.name {
		case "scene-tab":
			tab.Click(uitest.Role("tab", "Plex"))
		case "check":
			tab.Click(uitest.Button("Check now"))
		}
		tab.Wait(uitest.Text(v.says))
		each(v)
	}
}

func TestPageWorksBelowAPath(t *testing.T) {
	w, _ := board(t)
	w.Settings(nil)
	w.Prefix("/stash")
	tab := w.Tab()
	walk(tab, func(v view) {
		for _, address := range list(tab.Eval(`[...document.querySelectorAll(".plexsync a[href], .plexsync img")].map((e) => e.href || e.src).filter((a) => a.startsWith(location.origin) && !a.startsWith(location.origin + "/stash/"))`)) {
			t.Errorf("%s leads out of the path: %s", v.name, address)
		}
		for _, address := range list(tab.Eval(`[...document.querySelectorAll(".plexsync img")].filter((e) => e.complete && !e.naturalWidth).map((e) => e.src)`)) {
			t.Errorf("%s shows no picture: %s", v.name, address)
		}
	})
	tab.Open(page + "/queue")
	tab.Click(uitest.Link("clip4.mp4"))
	tab.Wait(uitest.Link("Open in Stash"))
	tab.Click(uitest.Link("Open in Stash"))
	tab.Wait(uitest.Text("File Info"))
	if got := tab.Path(); !strings.HasPrefix(got, "/scenes/4") {
		t.Errorf("the link leads to %s", got)
	}
}

func TestPageWorksWithALogin(t *testing.T) {
	w, _ := board(t)
	w.Settings(nil)
	w.Host.RequireLogin("the-key", 3600)
	tab := w.Tab()
	tab.Login()
	walk(tab, func(view) {})
	tab.Clean()
}

func TestPageIsWholeInAnotherLanguage(t *testing.T) {
	w, _ := board(t)
	w.Settings(nil)
	w.Stash.SetLanguage("de-DE")
	tab := w.Tab()
	tab.Locale("de-DE", "Europe/Berlin")
	walk(tab, func(v view) {
		if text := tab.Body(); strings.Contains(text, "undefined") || strings.Contains(text, "NaN") || strings.Contains(text, "Invalid") {
			t.Errorf("%s says %s", v.name, text)
		}
		if v.name != "connection" && v.name != "settings" {
			tab.WaitFor(`/vor \d+ (Sekunde|Minute)|jetzt/.test(document.querySelector(".plexsync").innerText)`, v.name+" has times in another language")
		}
		tab.Size(390)
		tab.Fits()
		tab.Shot("german-" + v.name + "-390")
		tab.Size(1280)
	})
}

func TestHostileTitlesStayTextEverywhere(t *testing.T) {
	w, _ := board(t)
	w.Settings(nil)
	long := strings.Repeat("Endless", 60)
	for id := 1; id <= 9; id++ {
		w.Stash.Change(id, func(s *stashtest.Scene) { s.Title = hostile + long })
	}
	w.Edit(1, hostile+long+"!")
	for _, task := range []struct {
		name string
		args obj
	}{{"Compare Stash and Plex", obj{"mode": "gaps"}}, {"Preview changes", obj{"mode": "preview"}}, {"Restore Plex metadata", obj{"mode": "restore", "dry_run": true, "task": "yes"}}} {
		w.Host.RunTask(task.name, task.args)
	}
	w.Idle()
	tab := w.Tab()
	for _, v := range views {
		tab.Open(v.path)
		switch v.name {
		case "scene-tab":
			tab.Click(uitest.Role("tab", "Plex"))
			tab.Wait(uitest.Text("Plex item"))
		case "overview", "check", "connection", "settings":
			continue // they show no title
		}
		tab.Wait(uitest.Text(`"quoted" 'single'`))
		for _, width := range []int{390, 1280} {
			tab.Size(width)
			tab.Fits()
			tab.Shot(fmt.Sprintf("%s-hostile-%d", v.name, width))
		}
		if tab.Eval(`!!document.querySelector(".plexsync img[src=x]")`) == true {
			t.Errorf("%s: the title is markup", v.name)
		}
	}
}
