package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	. "github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

func TestStashsOwnSettingsHideTheTokenAndLeadToThePage(t *testing.T) {
	w := NewWorld(t, 1)
	w.AddPlugin("other", "")
	w.Stash.SetSettings(stashtest.PluginID, map[string]any{"05plexUrl": w.Plex.URL(), "10plexToken": Token})
	tab := w.Tab()
	tab.Open("/settings?tab=plugins")
	tab.Wait(Text("••••••••"))
	tab.Clean()
	if n := tab.Eval(`[...document.querySelectorAll("#settings-container a")].filter((a) => a.getAttribute("href").endsWith("setup?tab=settings")).length`); n != 1.0 {
		t.Errorf("the link to the settings is there %v times", n)
	}
	tab.Shot("stash-plugins-1280")
	tab.Eval(`document.querySelector("#plugin-stash-plex-sync-10plexToken button").click()`)
	tab.Wait(Role("textbox", "New token"))
	tab.Shot("stash-token-1280")
	tab.Clean()
	tab.Click(Button("Confirm")) // nothing was entered
	tab.Gone(Role("textbox", "New token"))
	time.Sleep(time.Second) // longer than Stash waits before it writes
	if got := w.Stash.Settings(stashtest.PluginID)["10plexToken"]; got != Token {
		t.Errorf("the token is %q", got)
	}
	tab.Eval(`document.querySelector("#plugin-stash-plex-sync-10plexToken button").click()`)
	tab.Fill(Role("textbox", "New token"), "fresh-Token-0123456789")
	tab.Press(kb.Enter)
	for end := time.Now().Add(10 * time.Second); w.Stash.Settings(stashtest.PluginID)["10plexToken"] != "fresh-Token-0123456789"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the new token was not saved")
		}
	}
	if strings.Contains(tab.Document(), "fresh-Token") {
		t.Error("the new token is in the document")
	}
	tab.Size(390)
	tab.Fits()
	tab.Click(Link("Open the settings there"))
	tab.Wait(Text("Which scenes"))
}

func TestToolsHaveOneEntryForThePage(t *testing.T) {
	w := NewWorld(t, 1)
	tab := w.Tab()
	tab.Open("/settings?tab=tools")
	tab.Wait(Text("Stash Plex Sync"))
	if n := tab.Eval(`[...document.querySelectorAll("#settings-container a")].filter((a) => a.getAttribute("href").endsWith("/plugins/stash-plex-sync")).length`); n != 1.0 {
		t.Errorf("the entry is there %v times", n)
	}
	tab.Shot("stash-tools-1280")
	tab.Click(Link("Stash Plex Sync"))
	tab.WaitFor(`location.pathname === "/plugins/stash-plex-sync"`, "the entry leads elsewhere")
}
