package ui_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	. "github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

const settingsPath = "/plugins/stash-plex-sync/setup?tab=settings"

// saved returns the value of a setting as the plugin reads it.
func saved(w *World, name string) any {
	w.Helper()
	for _, s := range w.Op("settings", nil)["settings"].([]any) {
		if one := s.(map[string]any); one["name"] == name {
			return one["value"]
		}
	}
	w.Fatalf("no setting %s", name)
	return nil
}

// openSettings opens the settings in a tab with these values saved.
func openSettings(w *World, more map[string]any) *Tab {
	w.Helper()
	w.Settings(more)
	tab := w.Tab()
	tab.Open(settingsPath)
	tab.Wait(Text("Which scenes"))
	return tab
}

func field(name string) Element { return Selector("#plexsync-set-" + name) }

func saveAll(tab *Tab) {
	tab.Helper()
	tab.Click(Button("Save"))
	tab.Gone(Selector(".plexsync-savebar"))
}

// Every kind of setting is written in the form in which the plugin reads it.
func TestSettingsAreSavedAsThePluginReadsThem(t *testing.T) {
	w := NewWorld(t, 3)
	w.Plex.AddSection("Clips, best of", "movie")
	w.Plex.AddSection("Series", "show")
	for i, name := range []string{"Private", `A, "b" and c`, `"quoted"`, "Plain; => x"} {
		w.Stash.Name("tag", 101+i, name)
	}
	tab := openSettings(w, map[string]any{"40onlyOrganized": true, "60maxRetries": 7, "99custom": "kept"})
	tab.Wait(Text("99custom"))
	tab.Fill(field("contentRating"), "  X; => \"18\", 'a' ")
	for _, name := range []string{"Private", `A, "b" and c`, `"quoted"`, "Plain; => x"} {
		tab.Fill(field("excludeTags"), name)
		tab.Press(kb.Enter)
	}
	tab.Click(Role("radio", "Only these libraries"))
	tab.Click(Role("checkbox", "Videos (movies, 3 videos)"))
	tab.Click(Role("checkbox", "Series (TV, 0 videos)"))
	for i, pair := range [][2]string{{"/data", "/data"}, {`/data/videos`, "/data/videos, more"}} {
		tab.Click(Button("Add a pair"))
		tab.Fill(Role("textbox", fmt.Sprintf("Folder in Stash, pair %d", i+1)), pair[0])
		tab.Fill(Role("textbox", fmt.Sprintf("Folder in Plex, pair %d", i+1)), pair[1])
	}
	tab.Click(Role("checkbox", "Rating"))
	tab.Click(Role("checkbox", "A collection for each studio"))
	tab.Click(field("skipMissing"))
	tab.Click(field("onlyOrganized"))
	tab.Fill(field("timeoutSeconds"), "45")
	tab.Click(Button("Use the default: Retries"))
	tab.Wait(Text("9 changes"))
	saveAll(tab)
	fields := []any{"title", "details", "date", "studio", "performers", "tags", "director", "groups", "poster", "collection"}
	for name, want := range map[string]any{
		"contentRating": `X; => "18", 'a'`, "excludeTags": []any{"Private", `'A, "b" and c'`, `'"quoted"'`, "Plain; => x"},
		"plexLibraries": []any{`"Clips, best of"`, "Series"}, "fields": fields, "skipMissing": true, "onlyOrganized": false, "timeoutSeconds": 45.0, "maxRetries": 5.0,
		"pathMap": []any{map[string]any{"from": "/data", "to": "/data"}, map[string]any{"from": "/data/videos", "to": "/data/videos, more"}},
	} {
		if got := saved(w, name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %q, want %q", name, got, want)
		}
	}
	answer := w.Op("settings", nil)
	if tags := answer["excluded_tags"].(map[string]any); tags["count"] != 4.0 || len(tags["unknown"].([]any)) > 0 {
		t.Errorf("excluded tags: %v", tags)
	}
	for _, l := range answer["libraries"].([]any) {
		if one := l.(map[string]any); one["chosen"] != (one["title"] != "Videos") {
			t.Errorf("library %v", one)
		}
	}
	set := w.Stash.Settings(stashtest.PluginID)
	for _, key := range []string{"40onlyOrganized", "60maxRetries"} {
		if v, there := set[key]; there {
			t.Errorf("the default of %s is stored: %v", key, v)
		}
	}
	if set["10plexToken"] != Token || set["99custom"] != "kept" {
		t.Errorf("other settings were changed: %v", set)
	}
	before := fmt.Sprint(answer["settings"])
	tab.Reload()
	tab.Wait(Text("Which scenes"))
	if tab.Has(Selector(".plexsync-savebar")) || fmt.Sprint(w.Op("settings", nil)["settings"]) != before {
		t.Error("the saved settings are not shown as they are")
	}
	tab.Click(Button("Remove 99custom"))
	tab.Gone(Text("99custom"))
	if _, there := w.Stash.Settings(stashtest.PluginID)["99custom"]; there {
		t.Error("the unknown setting is still stored")
	}
	tab.Clean()
}

func TestSettingsOfferEachFieldThatCanBePushed(t *testing.T) {
	w := NewWorld(t, 1)
	tab := openSettings(w, nil)
	for _, name := range merge.FieldNames() {
		if name != "contentRating" && !tab.Has(Selector("#plexsync-set-fields"+name)) {
			t.Errorf("no checkbox for %s", name)
		}
	}
}

func TestTokenIsReplacedWithoutBeingShown(t *testing.T) {
	const fresh = "fresh-Token-0123456789"
	w := NewWorld(t, 1)
	tab := openSettings(w, map[string]any{"plexUrl": w.Plex.URL()})
	tab.Wait(Text("Set, with the usual length"))
	tab.Clean()
	tab.Click(Button("Replace"))
	tab.Fill(Role("textbox", "Plex token"), fresh)
	if html := tab.Eval("document.documentElement.outerHTML").(string); strings.Contains(html, fresh) {
		t.Error("the typed token is an attribute of the document")
	}
	tab.Click(Button("Save"))
	tab.Wait(Text("The check found a problem with Plex."))
	tab.Shot("settings-token-1280")
	tab.Click(Button("Save anyway"))
	tab.Gone(Selector(".plexsync-savebar"))
	if got := w.Stash.Settings(stashtest.PluginID); got["10plexToken"] != fresh || got["plexToken"] != nil {
		t.Errorf("stored are %v", got)
	}
	if strings.Contains(tab.Document(), fresh) {
		t.Error("the saved token is in the document")
	}
}

func TestProblemsStandBesideTheirSettings(t *testing.T) {
	w := NewWorld(t, 2)
	tab := openSettings(w, map[string]any{"timeoutSeconds": "soon", "excludeTags": "Nowhere"})
	beside := func(name, text string) {
		t.Helper()
		tab.WaitFor(fmt.Sprintf(`document.querySelector("#plexsync-set-%s").closest(".plexsync-setting").innerText.includes(%q)`, name, text), text)
	}
	beside("timeoutSeconds", "enter an integer from 1 to 600")
	beside("excludeTags", "not in Stash")
	tab.Click(Button("Use the default: Timeout in seconds"))
	tab.Fill(field("maxRetries"), "1.5")
	beside("maxRetries", "Enter a whole number")
	tab.Wait(Text("Correct first: Retries."))
	tab.WaitFor(`uitest.byRole("button", "Save").disabled`, "Save can be clicked")
	tab.Fill(field("maxRetries"), "9")
	tab.Click(Button("Remove Nowhere"))
	tab.Fill(field("excludeTags"), "Also nowhere")
	tab.Press(kb.Enter)
	before := w.Stash.Settings(stashtest.PluginID)
	tab.Click(Button("Save"))
	tab.Wait(Text("The check found a problem with Exclude tags."))
	beside("excludeTags", "contains tags that Stash does not have")
	if got := w.Stash.Settings(stashtest.PluginID); !reflect.DeepEqual(got, before) {
		t.Errorf("a problem was saved: %v", got)
	}
	tab.Shot("settings-problem-1280")
	tab.Size(390)
	tab.Fits()
	tab.Shot("settings-problem-390")
	tab.Accessible(".plexsync")
	tab.Size(1280)
	tab.Click(Button("Save anyway"))
	tab.Gone(Selector(".plexsync-savebar"))
	if got := saved(w, "maxRetries"); got != 9.0 {
		t.Errorf("maxRetries = %v", got)
	}
	beside("excludeTags", "not in Stash") // the saved settings are shown
	tab.Fill(field("plexUrl"), "192.168.1.5")
	tab.Click(Button("Check"))
	beside("plexUrl", "nter http://192.168.1.5")
	if tab.Has(Button("Save anyway")) {
		t.Error("an address that cannot be used can be saved")
	}
}

func TestChangesElsewhereAreKept(t *testing.T) {
	w := NewWorld(t, 1)
	tab := openSettings(w, nil)
	w.Settings(map[string]any{"75debugLog": true})
	tab.Click(field("redactLogs"))
	w.Forget()
	saveAll(tab)
	if got := w.Stash.Settings(stashtest.PluginID); got["75debugLog"] != true || got["80redactLogs"] != true {
		t.Errorf("stored are %v", got)
	}
	for _, op := range w.Ops() {
		if op == "check" {
			t.Error("a setting that cannot be wrong was checked")
		}
	}
	tab.WaitFor(`document.querySelector("#plexsync-set-debugLog").checked`, "the change of another tab is not shown")
}

func TestUnsavedChangesAreDiscardedOnlyOnPurpose(t *testing.T) {
	w := NewWorld(t, 1)
	tab := openSettings(w, nil)
	prevented := `(() => { const e = new Event("beforeunload", {cancelable: true}); dispatchEvent(e); return e.defaultPrevented; })()`
	if tab.Eval(prevented) != false {
		t.Error("leaving asks although nothing has changed")
	}
	tab.Click(field("scanPlex"))
	tab.Wait(Text("1 change"))
	if tab.Eval(prevented) != true {
		t.Error("leaving the browser's page does not ask")
	}
	tab.Eval(`void (window.confirm = (text) => { window.asked = text; return false; })`)
	tab.Click(Link("Queue"))
	tab.WaitFor(`(window.asked || "").includes("not saved")`, "leaving the view does not ask")
	if tab.Path() != settingsPath {
		t.Errorf("the page is at %s", tab.Path())
	}
	tab.Click(field("scanPlex")) // back to what is saved
	tab.Gone(Selector(".plexsync-savebar"))
	tab.Click(field("scanPlex"))
	tab.Click(Button("Discard"))
	tab.Gone(Selector(".plexsync-savebar"))
	tab.Click(Link("Queue"))
	tab.WaitFor(`location.pathname.endsWith("/queue")`, "the view cannot be left")
	if got := saved(w, "scanPlex"); got != false {
		t.Errorf("scanPlex = %v", got)
	}
}

func TestSettingsFitAndWorkWithTheKeyboard(t *testing.T) {
	w := NewWorld(t, 3)
	w.Plex.AddSection("A library with a very long name that does not fit into one line of a telephone at all", "movie")
	w.Plex.AddSection("Music", "artist")
	w.Stash.Name("tag", 101, "Private")
	tab := openSettings(w, map[string]any{
		"plexLibraries": "Videos, Gone", "pathMap": "/data/some/long/folder/with/many/parts => /mnt/media/some/long/folder/with/many/parts", "excludeTags": "Private, <b>Nowhere</b>", "insecureTLS": true, "0x": 1,
	})
	tab.Wait(Text("not in Plex"))
	tab.Wait(Text("<b>Nowhere</b>"))
	for _, width := range []int{1280, 390} {
		tab.Size(width)
		tab.Fits()
		tab.Accessible(".plexsync")
		tab.Shot(fmt.Sprintf("settings-%d", width))
	}
	tab.Clean()
	w.Plex.Stop()
	tab.Reload()
	tab.Wait(Text("its libraries cannot be listed"))
	tab.Fits()
	tab.Shot("settings-off-390")
	tab.Size(1280)
	tab.Eval(`document.querySelector("#plexsync-set-redactLogs").focus()`)
	tab.Press(" ")
	for range 9 {
		if tab.Press(kb.Tab); tab.Focused() == "Save" {
			break
		}
	}
	tab.Press(kb.Enter)
	tab.Gone(Selector(".plexsync-savebar"))
	if saved(w, "redactLogs") != true {
		t.Error("the keyboard does not save")
	}
}
