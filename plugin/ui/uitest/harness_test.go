package uitest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder keeps the failures that a check reports.
type recorder struct {
	testing.TB
	mu    sync.Mutex
	found []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = append(r.found, fmt.Sprintf(format, args...))
}

// record returns what a check of the tab reports.
func record(tab *Tab, check func()) string {
	r := &recorder{TB: tab.TB}
	tab.TB = r
	check()
	tab.TB = r.TB
	return strings.Join(r.found, "\n")
}

// The clock that is set forward fires the timers of the page in their order, after the answers that they wait for.
func TestClock(t *testing.T) {
	both(t, "polls", func(w *World, tab *Tab, careful bool) {
		w.Inject(Fault{Answer: "{}"})
		tab.Clock()
		tab.Open(ownPath)
		tab.Wait(Text("0 answers at"))
		tab.Advance(59 * time.Second)
		if got := w.Ops(); len(got) != 0 {
			t.Errorf("operations before the first minute: %v", got)
		}
		tab.Advance(4*time.Minute + 5*time.Second)
		tab.Wait(Text("5 answers at"))
		if !careful {
			w.Forget()
			tab.Hidden(true)
			tab.Advance(5 * time.Minute)
			tab.Hidden(false)
			if got := w.Ops(); len(got) != 0 {
				t.Errorf("operations of a hidden page: %v", got)
			}
		}
	})
}

// Each check of the harness finds what it is for.
func TestChecksFind(t *testing.T) {
	w := NewWorld(t, 1)
	w.Script(bundle(t, "faults", true))
	tab := w.Tab()
	tab.Open(ownPath)
	tab.Wait(Text("wide"))
	for _, c := range []struct {
		name  string
		check func()
		want  []string
		not   string
	}{
		{"Fits", tab.Fits, []string{"the page is 20", `div.wide "wide" reaches over the edge`, "is cut at its side"}, "scrolls by itself"},
		{"Accessible", func() { tab.Accessible(".main") }, []string{"button-name", "color-contrast"}, "select-name"},
		{"Clean", tab.Clean, []string{"the token is in the page"}, "nothing"},
	} {
		got := record(tab, c.check)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s has not found %s, but:\n%s", c.name, want, got)
			}
		}
		if strings.Contains(got, c.not) {
			t.Errorf("%s has found %s:\n%s", c.name, c.not, got)
		}
	}
	tab.Eval(`(console.error("an error", new Error("of the console")), setTimeout(() => { throw new Error("thrown later"); }), void Promise.reject(new Error("rejected")), document.body.append(Object.assign(new Image(), { src: "/scene/1/screenshot" })), void fetch("http://127.0.0.1:1/").catch(() => {}))`)
	for _, want := range []string{"of the console", "thrown later", "rejected", "Content Security Policy"} {
		w.Until("the error is noted: "+want, func() bool { return strings.Contains(strings.Join(tab.Errors(), "\n"), want) })
		tab.Expect(want)
	}
}

// A person can fill, choose, click and press; a window opens only if a click asks for it.
func TestHands(t *testing.T) {
	w := NewWorld(t, 1)
	w.Script(bundle(t, "faults", true))
	tab := w.Tab()
	tab.Open(ownPath)
	tab.Wait(Button("Open"))
	if tab.Eval("window.open('about:blank') === null") != true {
		t.Error("a window has opened by itself")
	}
	tab.Fill(Role("textbox", "Field"), "first")
	tab.Fill(Role("textbox", "Field"), "second")
	tab.Choose(Role("combobox", "Kind"), "two")
	if got := tab.Eval(`document.querySelector("input").value + document.querySelector("select").value`); got != "second2" {
		t.Errorf("the fields hold %v", got)
	}
	tab.Press("\t")
	if got := tab.Focused(); got != "Kind" {
		t.Errorf("the focus is on %q", got)
	}
	tab.Click(Button("Open"))
	tab.WaitFor("window.opened", "no window")
	w.Until("the window is there", func() bool { return len(tab.Popups()) == 1 })
	beside := tab.Beside()
	tab.Eval("localStorage.setItem('shared', 'yes')")
	beside.Open("/stats")
	if got := beside.Eval("localStorage.getItem('shared')"); got != "yes" {
		t.Errorf("the tab beside has %v", got)
	}
	other := w.Tab()
	other.Open("/stats")
	if got := other.Eval("localStorage.getItem('shared')"); got != nil {
		t.Errorf("another tab has %v", got)
	}
}
