package uitest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// simple is a page that shows a text.
const simple = `PluginApi.register.route("/plugins/stash-plex-sync", () => PluginApi.React.createElement("p", null, "the page"));`

func get(t *testing.T, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// The scripts of a plugin are one file, with an ETag; a missing one is left out, and those of a disabled plugin are refused.
func TestScriptsOfPlugins(t *testing.T) {
	w := NewWorld(t, 0)
	w.write("two", "two.yml", "name: two\nui:\n  javascript: [a.js, missing.js, b.js]\n")
	w.write("two", "a.js", "let a;")
	w.write("two", "b.js", "let b;")
	w.Host.Reload()
	url := w.URL() + "/plugin/two/javascript"
	res, body := get(t, url, nil)
	tag := res.Header.Get("ETag")
	if res.StatusCode != http.StatusOK || body != "let a;\nlet b;\n" || tag == "" || res.Header.Get("Content-Type") != "text/javascript" || res.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
	}
	if res, _ = get(t, url, http.Header{"If-None-Match": {tag}}); res.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged: %s", res.Status)
	}
	w.write("two", "b.js", "let c;")
	if res, body = get(t, url, http.Header{"If-None-Match": {tag}}); res.StatusCode != http.StatusOK || !strings.Contains(body, "let c;") {
		t.Errorf("changed: %s %q", res.Status, body)
	}
	w.Stash.SetPlugin("two", false)
	if res, body = get(t, url, nil); res.StatusCode != http.StatusBadRequest || body != "plugin disabled\n" {
		t.Errorf("disabled: %s %q", res.Status, body)
	}
	if res, _ = get(t, w.URL()+"/scenes", nil); !strings.Contains(res.Header.Get("Content-Security-Policy"), "connect-src data: 'self' ws: wss:;") {
		t.Errorf("the policy is %q", res.Header.Get("Content-Security-Policy"))
	}
	w.write("two", "two.yml", "name: two\nui:\n  javascript: [a.js]\n  unknown: 1\n")
	w.Host.Reload()
	if w.Host.PluginOf("two") != nil {
		t.Error("a plugin with an unknown key below ui is loaded")
	}
}

// Nothing is rendered before all scripts have run, and a script that fails does not matter.
func TestNothingIsRenderedBeforeScripts(t *testing.T) {
	w := NewWorld(t, 1)
	w.Script(`document.documentElement.dataset.early = document.querySelector("nav") === null && document.body.innerText.includes("Loading plugins…");` + simple)
	w.AddPlugin("broken", "throw new Error('at the top')")
	w.AddPlugin("wrong", "const = ;")
	tab := w.Tab()
	tab.Expect("at the top|SyntaxError")
	tab.Open(ownPath + "/sub")
	tab.Wait(Text("the page"))
	if got := tab.Eval("document.documentElement.dataset.early"); got != "true" {
		t.Errorf("early: %v", got)
	}
	tab.Open(ownPath + "er")
	tab.Wait(Text("Page not found."))
}

// The settings of a plugin are listed by their keys, and all are written half a second after the last edit.
func TestSettingsPage(t *testing.T) {
	w := NewWorld(t, 1)
	w.Script(simple)
	tab := w.Tab()
	tab.Clock()
	tab.Open("/settings?tab=plugins")
	tab.Wait(Selector("#plugin-stash-plex-sync-05plexUrl"))
	tab.Shot("settings-1280")
	tab.Click(Selector("#plugin-stash-plex-sync-25fields button"))
	tab.Fill(Selector(".modal input"), "title, date")
	tab.Shot("settings-dialog")
	tab.Click(Button("Confirm"))
	tab.Gone(Selector(".modal"))
	tab.Click(Role("checkbox", "Only organised scenes"))
	tab.Advance(time.Second)
	w.Until("the settings are written", func() bool { return w.Stash.Settings(stashtest.PluginID)["40onlyOrganized"] == true })
	set := w.Stash.Settings(stashtest.PluginID)
	if set["25fields"] != "title, date" || set["10plexToken"] != Token {
		t.Errorf("the settings are %v", set)
	}
	tab.Click(Selector("#plugin-stash-plex-sync-60maxRetries button"))
	tab.Fill(Selector(".modal input"), "1.5")
	tab.Press(kb.Escape)
	tab.Gone(Selector(".modal"))
	tab.Size(390)
	tab.Shot("settings-390")
	tab.Fits()
}

// The host's own pages look like Stash, and fit.
func TestOwnPagesOfHost(t *testing.T) {
	w := NewWorld(t, 5)
	w.Edit(1, "A scene with a title that is rather long and needs two lines")
	w.Script(`PluginApi.patch.before("SceneListOperations", (p) => [{ ...p, operations: [...p.operations, { text: "Push to Plex", onClick: () => (window.pushed = true), isDisplayed: () => p.hasSelection }] }]);`)
	for _, width := range []int{1280, 390} {
		tab := w.Tab()
		tab.Size(width)
		for name, path := range map[string]string{"scenes": "/scenes", "scene": "/scenes/1", "tools": "/settings?tab=tools"} {
			tab.Open(path)
			tab.Wait(Selector(".scene-card, .scene-tabs, .setting"))
			tab.Shot(name + "-" + map[bool]string{true: "1280", false: "390"}[width == 1280])
			tab.Fits()
		}
		tab.Open("/scenes")
		tab.Click(Role("checkbox", "Select clip2.mp4"))
		tab.Wait(Text("1 selected"))
		tab.Click(Selector("#more-menu"))
		tab.Click(Text("Push to Plex"))
		tab.WaitFor("window.pushed", "the entry was not called")
		if width == 390 {
			tab.Click(Selector(".nav-menu-toggle"))
			tab.Wait(Button("Settings"))
			tab.Shot("menu-390")
		}
	}
}

// Behind a proxy with a path prefix everything works below it.
func TestPrefix(t *testing.T) {
	w := NewWorld(t, 2)
	w.Prefix("/stash")
	w.Script(simple)
	tab := w.Tab()
	tab.Open(ownPath)
	tab.Wait(Text("the page"))
	tab.Click(Link("Scenes"))
	tab.Wait(Text("2 scenes"))
	if got := tab.Path(); got != "/scenes" {
		t.Errorf("at %s", got)
	}
	tab.WaitFor("[...document.images].every((i) => i.src.includes('/stash/scene/') && i.complete && i.naturalWidth > 0)", "no pictures")
	if res, _ := get(t, w.front.server.URL+"/scenes", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("without the prefix: %s", res.Status)
	}
}

// With a login, a page without a session goes to the login page, and a session that has ended leads there.
func TestLogin(t *testing.T) {
	w := NewWorld(t, 1)
	w.Script(bundle(t, "pane", true) + simple)
	w.Host.RequireLogin("the-key", 3600)
	if coverage, _ := w.Op("overview", nil)["coverage"].(map[string]any); fmt.Sprint(coverage["scenes"]) != "1" {
		t.Errorf("the plugin does not reach Stash: %v", coverage)
	}
	tab := w.Tab()
	tab.Open(ownPath)
	tab.Wait(Text("Login"))
	if got, want := tab.Path(), "/login?returnURL=%2Fplugins%2Fstash-plex-sync"; got != want {
		t.Errorf("at %s, want %s", got, want)
	}
	tab.Login()
	tab.Open("/scenes/1")
	tab.Click(Role("tab", "Plex"))
	tab.Wait(Text("answered object"))
	tab.Click(Role("tab", "Details"))
	tab.WaitFor("!document.querySelector('.asks')", "the pane is still mounted")
	w.Stash.EndSessions()
	tab.Click(Role("tab", "Plex"))
	tab.WaitFor("location.pathname === '/login'", "not at the login page")
}

// A page that leaves ends the process that works for it. An operation that fails is told from one that crashed.
func TestOperations(t *testing.T) {
	w := NewWorld(t, 1)
	w.Script(bundle(t, "pane", true))
	tab := w.Tab()
	open := func() {
		t.Helper()
		tab.Open("/scenes/1")
		tab.Click(Role("tab", "Plex"))
	}
	for answer, text := range map[string]string{"null": "answered null", "{}": "answered object"} {
		w.Inject(Fault{Mode: "overview", Times: 1, Answer: answer})
		open()
		tab.Wait(Text(text))
	}
	w.Inject(Fault{Times: 1, Error: "Plex is <b>off</b>"})
	open()
	tab.Wait(Text("failed: Plex is <b>off</b>"))
	w.Inject(Fault{Hang: true})
	open()
	tab.Wait(Text("asking"))
	w.Until("the operation is on its way", func() bool { return w.Running() == 1 })
	tab.Click(Role("tab", "Details"))
	w.Until("the operation has been given up", func() bool { return w.Running() == 0 })
	w.Heal()
	w.Stash.Inject(stashtest.Fault{Operation: "PluginSettings", Hang: true}) // the plugin waits for Stash
	w.Forget()
	open()
	w.Until("a process works", func() bool { return len(w.Host.Processes()) == 1 })
	tab.Open("/stats")
	w.Until("the process has ended", func() bool { return len(w.Host.Processes()) == 0 })
	if got := w.Ops(); len(got) != 1 || got[0] != "overview" {
		t.Errorf("operations: %v", got)
	}
}

// The events of the queue reach the page.
func TestJobEvents(t *testing.T) {
	w := NewWorld(t, 3)
	w.Script(bundle(t, "events", true))
	tab := w.Tab()
	tab.Open(ownPath)
	w.Until("the page is subscribed", func() bool { return w.Stash.Subscribers() == 2 })
	tab.Click(Button("Start"))
	tab.Wait(Text("ADD READY, UPDATE RUNNING, "))
	tab.WaitFor(`document.body.innerText.includes("REMOVE FINISHED")`, "no end of the task")
	if got := w.Tasks(); len(got) != 1 || got[0] != "Sync all scenes" {
		t.Errorf("tasks: %v", got)
	}
	release := w.Stash.Hold("Generating...")
	tab.Click(Button("Start"))
	tab.Wait(Text("ADD READY"))
	tab.Click(Button("Stop"))
	tab.WaitFor(`document.body.innerText.includes("REMOVE CANCELLED")`, "the task has not been stopped")
	release()
	tab.Click(Link("Scenes"))
	w.Until("the page is no longer subscribed", func() bool { return w.Stash.Subscribers() == 1 })
}

// The language is that of Stash; the event of the location and the late title come as in Stash.
func TestLanguageLocationTitle(t *testing.T) {
	w := NewWorld(t, 1)
	w.Stash.SetLanguage("de-DE")
	w.Script(`window.seen = []; PluginApi.Event.addEventListener("stash:location", (e) => window.seen.push(e.detail.data.location.pathname));
		const Page = () => { const intl = PluginApi.libraries.Intl.useIntl(); PluginApi.React.useEffect(() => { document.title = "Own"; }, []);
			return PluginApi.React.createElement("p", null, intl.locale + " " + intl.formatMessage({ id: "actions.cancel" }) + " " + intl.formatDate(new Date(0), { dateStyle: "short", timeStyle: "short" })); };
		PluginApi.register.route("/plugins/stash-plex-sync", Page);
		PluginApi.patch.before("MainNavBar.MenuItems", (p) => [{ ...p, children: [p.children, PluginApi.React.createElement(PluginApi.libraries.ReactRouterDOM.Link, { key: "own", to: "/plugins/stash-plex-sync" }, "Own page")] }]);`)
	tab := w.Tab()
	tab.Locale("en-GB", "Asia/Tokyo")
	tab.Open("/tags")
	tab.Wait(Text("Szenen"))
	tab.Click(Link("Own page"))
	tab.Wait(Text("de-DE Abbrechen 01.01.70, 09:00"))
	tab.WaitFor("document.title === 'Stash'", "the title is not given back late")
	if got := strings.Join(tab.list("seen"), " "); got != "/tags "+ownPath {
		t.Errorf("locations: %s", got)
	}
}
