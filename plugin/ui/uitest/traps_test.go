package uitest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

const ownPath = "/plugins/stash-plex-sync"

// bundle returns a script of testdata, written naively or carefully, with further lines before it.
func bundle(t *testing.T, name string, careful bool, lines ...string) string {
	t.Helper()
	text := "(() => {\nconst careful = false;\n" + strings.Join(lines, "\n") + "\n"
	if careful {
		text = strings.Replace(text, "false", "true", 1)
	}
	for _, part := range []string{"prelude", name} {
		data, err := os.ReadFile(filepath.Join("testdata", part+".js"))
		if err != nil {
			t.Fatal(err)
		}
		text += string(data)
	}
	return text + "})();\n"
}

// both runs a test with the naive and with the careful script.
func both(t *testing.T, name string, f func(w *World, tab *Tab, careful bool)) {
	t.Helper()
	for _, way := range []string{"naive", "careful"} {
		t.Run(way, func(t *testing.T) {
			w := NewWorld(t, 2)
			w.Script(bundle(t, name, way == "careful"))
			f(w, w.Tab(), way == "careful")
		})
	}
}

func wantBlank(tab *Tab) {
	tab.Helper()
	tab.WaitFor(`document.getElementById("root").childElementCount === 0 && !document.body.innerText.includes("Loading")`, "Stash is not blank")
}

// 1. An exception in the bar blanks all of Stash, on every page.
func TestTrapExceptionInBar(t *testing.T) {
	both(t, "bar", func(_ *World, tab *Tab, careful bool) {
		tab.Expect("boom")
		for _, path := range []string{"/scenes", "/settings?tab=tools"} {
			tab.Open(path)
			if careful {
				tab.Wait(Link("Scenes"))
			} else {
				wantBlank(tab)
			}
		}
	})
}

// 1. An exception in the own route shows an error that stays after navigation.
func TestTrapExceptionInRoute(t *testing.T) {
	both(t, "route", func(_ *World, tab *Tab, careful bool) {
		tab.Expect("boom")
		tab.Open(ownPath)
		if careful {
			tab.Wait(Text("guarded: boom"))
			tab.Click(Link("Scenes"))
			tab.Wait(Text("2 scenes"))
			return
		}
		tab.Wait(Text("Something went wrong."))
		tab.Click(Link("Scenes"))
		tab.WaitFor(`location.pathname === "/scenes"`, "no navigation")
		tab.Wait(Text("Something went wrong."))
	})
}

// 2. Few components exist on a direct load of the own route, and a boundary right around one that does not is of no use.
func TestTrapMissingComponent(t *testing.T) {
	both(t, "components", func(_ *World, tab *Tab, careful bool) {
		tab.Expect("Minified React error|Element type is invalid")
		tab.Open(ownPath)
		if careful {
			tab.Wait(Text("a setting"))
			return
		}
		tab.Wait(Text("Something went wrong."))
		got := tab.list("Object.keys(PluginApi.components).filter((k) => /^[A-Z]/.test(k) && k !== 'PluginRoutes').sort()")
		if want := []string{"Icon", "LoadingIndicator", "MainNavBar.MenuItems", "MainNavBar.UtilityItems"}; !slices.Equal(got, want) {
			t.Errorf("components at first: %v, want %v", got, want)
		}
	})
}

// 3. What "instead" and "after" get as their second argument depends on whether another plugin has a "before".
func TestTrapSecondArgument(t *testing.T) {
	for _, other := range []bool{false, true} {
		both(t, "last", func(w *World, tab *Tab, careful bool) {
			if other {
				w.AddPlugin("another", `PluginApi.patch.before("StringSetting", (p) => [p]); PluginApi.patch.before("PluginSettings", (p) => [p]);`)
			}
			tab.Open("/settings?tab=plugins")
			if careful || other {
				tab.Wait(Text("Patched Plex address"))
				tab.Wait(Text("above the settings"))
				return
			}
			tab.Expect("not a function|Objects are not valid as a React child|Minified React error")
			tab.WaitFor(`document.body.innerText.includes("Something went wrong.") || !document.body.innerText.includes("Patched") && document.body.innerText.includes("above the settings")`, "the settings are whole")
		})
	}
}

// 4. The utility items and the tools are rendered twice.
func TestTrapRenderedTwice(t *testing.T) {
	both(t, "twice", func(w *World, tab *Tab, careful bool) {
		tab.Open("/settings?tab=tools")
		tab.Wait(Text("Scene Filename Parser"))
		entries, items := 2, 2
		if careful {
			entries = 1
		}
		count := func(css string) int {
			return int(tab.Eval("document.querySelectorAll('" + css + "').length").(float64))
		}
		if got := count(".entry"); got != entries {
			t.Errorf("%d entries in the tools, want %d", got, entries)
		}
		if got := count(".own-item"); got != items {
			t.Errorf("%d items in the bar, want %d", got, items)
		}
		for _, width := range []int{1280, 390} {
			tab.Size(width)
			if width == 390 {
				tab.Click(Selector(".nav-menu-toggle"))
			}
			tab.WaitFor("[...document.querySelectorAll('.own-item')].filter(uitest.visible).length === 1", "not one item in the bar")
		}
		if !careful {
			tab.WaitFor("[...document.querySelectorAll('.asks')].every((e) => e.textContent.startsWith('answered'))", "no answers")
			if got := len(w.Ops()); got != 2 {
				t.Errorf("the naive item has called %d operations, want one for each copy", got)
			}
		}
	})
}

// 5. All panes of the scene page are mounted at once.
func TestTrapPaneIsMounted(t *testing.T) {
	both(t, "pane", func(w *World, tab *Tab, careful bool) {
		tab.Open("/scenes/1")
		tab.Wait(Role("tab", "Plex"))
		if !careful {
			tab.WaitFor("document.querySelector('.asks').textContent.startsWith('answered')", "the hidden pane has not asked")
			return
		}
		if got := w.Ops(); len(got) > 0 {
			t.Errorf("the scene page has called %v before its tab was opened", got)
		}
		tab.Click(Role("tab", "Plex"))
		tab.Wait(Text("answered object"))
		tab.Click(Role("tab", "Details"))
		tab.Gone(Text("answered object"))
	})
}

// 6. A changed script runs only after the page has been loaded again, and so does a plugin that was enabled.
func TestTrapReload(t *testing.T) {
	w := NewWorld(t, 1)
	w.Script(bundle(t, "reload", true, "const version = 1;"))
	tab := w.Tab()
	tab.Open(ownPath)
	tab.Wait(Text("version 1"))
	w.Script(bundle(t, "reload", true, "const version = 2;"))
	w.Host.Reload()
	tab.Click(Link("Scenes"))
	tab.Wait(Text("1 scenes"))
	tab.Back()
	tab.Wait(Text("version 1"))
	tab.Reload()
	tab.Wait(Text("version 2"))

	w.Stash.SetPlugin(stashtest.PluginID, false)
	tab.Reload()
	tab.Wait(Text("Page not found."))
	tab.Open("/settings?tab=plugins")
	tab.Click(Button("Enable"))
	tab.Wait(Button("Disable"))
	tab.Click(Link("Scenes"))
	tab.Wait(Text("1 scenes"))
	if tab.Eval("performance.getEntriesByType('resource').some((e) => e.name.endsWith('/javascript'))") == true {
		t.Error("the script of the plugin has been loaded without loading the page again")
	}
}

// 7. The page reaches no other host than Stash.
func TestTrapOtherHost(t *testing.T) {
	for _, careful := range []bool{false, true} {
		w := NewWorld(t, 1)
		w.Script(bundle(t, "policy", careful, "const plex = "+quote(w.Plex.URL())+";"))
		tab := w.Tab()
		tab.Open(ownPath)
		if careful {
			tab.Wait(Text("reached"))
			continue
		}
		tab.Expect("Content Security Policy")
		tab.Wait(Text("blocked: "))
	}
}

// 8. The end of a scan rejects queries that are on their way, but no mutations.
func TestTrapStoreReset(t *testing.T) {
	both(t, "reset", func(w *World, tab *Tab, careful bool) {
		w.Stash.Inject(stashtest.Fault{Operation: "Slow", Delay: time.Minute})
		w.Inject(Fault{Delay: 500 * time.Millisecond})
		scanned := w.Stash.Hold("Scanning...")
		tab.Open(ownPath)
		tab.Wait(Text("reading"))
		tab.WaitFor("performance.getEntriesByType('resource').length > 0", "nothing has been loaded")
		w.Until("the page waits for the end of scans", func() bool { return w.Stash.Subscribers() > 0 })
		scanned()
		if careful {
			tab.Wait(Text("read"))
			tab.Gone(Text("reading"))
			return
		}
		tab.Wait(Text("rejected: "))
	})
}

// 9. Parts of Bootstrap keep light colours, and some words cannot be read.
func TestTrapLightColours(t *testing.T) {
	const shade = `(css) => { const [r, g, b] = css.match(/[\d.]+/g).map(Number); return (0.3 * r + 0.6 * g + 0.1 * b) / 255; }`
	both(t, "light", func(_ *World, tab *Tab, careful bool) {
		tab.Open(ownPath)
		tab.Wait(Selector(".look"))
		tab.Shot("trap-light-" + map[bool]string{true: "careful", false: "naive"}[careful])
		light := tab.Eval("[...document.querySelectorAll('.look')].filter((e) => (" + shade + ")(getComputedStyle(e).backgroundColor) > 0.6).length").(float64)
		faint := tab.Eval("[...document.querySelectorAll('.faint')].filter((e) => (" + shade + ")(getComputedStyle(e).color) < 0.4).length").(float64)
		want := map[bool][2]float64{false: {3, 2}, true: {0, 0}}[careful]
		if got := [2]float64{light, faint}; got != want {
			t.Errorf("light parts and faint words: %v, want %v", got, want)
		}
	})
}

// 10. A path below /plugin/ works until the page is loaded again, and so does one with a dot.
func TestTrapDeepLink(t *testing.T) {
	both(t, "links", func(_ *World, tab *Tab, careful bool) {
		tab.Open("/scenes")
		tab.Click(Link("Own page"))
		tab.Wait(Text("the page"))
		tab.Reload()
		if careful {
			tab.Wait(Text("the page"))
		} else {
			tab.Wait(Text("404 page not found"))
		}
		tab.Open(ownPath + "/a.b")
		tab.Wait(Text("404 page not found"))
	})
}

// "before" returns the list of arguments.
func TestTrapBeforeReturnsObject(t *testing.T) {
	both(t, "before", func(_ *World, tab *Tab, careful bool) {
		tab.Open("/scenes")
		if careful {
			tab.Wait(Text("2 scenes"))
			return
		}
		tab.Expect("not iterable|Spread syntax|is not a function|undefined")
		wantBlank(tab)
	})
}

// A script that runs twice registers everything twice.
func TestTrapScriptRunsTwice(t *testing.T) {
	both(t, "again", func(w *World, tab *Tab, careful bool) {
		w.AddPlugin("copy", bundle(t, "again", careful))
		tab.Open(ownPath)
		tab.Wait(Text("the page"))
		want := 2.0
		if careful {
			want = 1
		}
		if got := tab.Eval("document.querySelectorAll('.own-page').length"); got != want {
			t.Errorf("%v pages, want %v", got, want)
		}
	})
}

// useToast throws outside of components, and useSettings outside of the settings.
func TestTrapHooks(t *testing.T) {
	both(t, "hooks", func(_ *World, tab *Tab, careful bool) {
		tab.Open(ownPath)
		if careful {
			tab.Click(Button("Save"))
			tab.Wait(Text("Saved"))
			tab.Wait(Text("inside"))
			return
		}
		tab.Expect("Invalid hook call|Minified React error|useToast|Cannot read properties")
		tab.Wait(Text("Page not found.")) // the script has ended before it has registered anything
	})
}
