package ui_test

import (
	"encoding/json"
	"fmt"
	"image/color"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// A view is a part of the page, or the tab on Stash's page of a scene.
type view struct {
	name, path string
	mode       string // of the operation that it asks
	says       string // when nothing is wrong
}

var views = []view{
	{"overview", page, "overview", "Copy report"},
	{"queue", page + "/queue", "jobs", "clip4.mp4"},
	{"activity", page + "/activity", "activity", "A walk along the coast"},
	{"gaps", page + "/gaps", "report", "The river in winter"},
	{"preview", page + "/preview", "report", "frozen"},
	{"restore", page + "/preview?kind=restore", "report", "A walk along the coast"},
	{"check", page + "/check", "check", "Sample scenes"},
	{"connection", page + "/setup", "account", "Set-up guide"},
	{"settings", page + "/setup?tab=settings", "settings", "For experts"},
	{"scene-page", page + "/scene/1", "scene", "Golden hour"},
	{"scene-tab", "/scenes/1", "scene", "Golden hour"},
}

// answers are what the operations answer, by their modes; reports by their kinds.
type answers map[string]obj

// A state is one that each view can be in.
type state struct {
	name   string
	fault  *uitest.Fault     // of the operation of the view
	whole  *uitest.Fault     // of all operations
	turn   func(a answers)   // what the answers have that others have not
	banner string            // above each view of the page
	says   string            // in each view, in place of what it says when nothing is wrong
	in     map[string]string // the same for single views
}

func (s state) want(v view) (texts []string) {
	text := v.says
	if s.says != "" || s.whole != nil {
		text = s.says
	}
	if own, ok := s.in[v.name]; ok {
		text = own
	}
	sets := s.name == "unset" && (v.name == "overview" || strings.HasPrefix(v.path, page+"/setup"))
	if s.banner != "" && v.name != "scene-tab" && !sets {
		texts = append(texts, s.banner)
	}
	if text != "" {
		texts = append(texts, text)
	}
	return texts
}

var states = []state{
	{name: "fine"},
	{name: "loading", fault: &uitest.Fault{Hang: true}, says: "Loading…", in: map[string]string{"check": "Checking…", "scene-page": "", "scene-tab": ""}},
	{name: "error", fault: &uitest.Fault{Error: "read queue.db: disk I/O error"}, says: "read queue.db: disk I/O error"},
	{name: "crashed", fault: &uitest.Fault{Answer: "null"}, says: "The plugin ended without an answer"},
	{name: "plex-off", turn: turnOff, banner: "Plex does not answer.", in: map[string]string{"check": "Something is wrong"}},
	{name: "paused", turn: func(a answers) {
		a["run"]["paused"] = obj{"at": ago(time.Minute), "by": "Ann", "until": soon(time.Hour)}
		a["scene"]["paused"] = a["run"]["paused"]
	}, banner: "Pushing is paused by Ann", in: map[string]string{"scene-tab": "Pushing is paused"}},
	{name: "unset", turn: func(a answers) {
		a["run"]["configured"], a["account"]["source"], a["account"]["address"] = false, "none", ""
	}, banner: "Nothing is set up yet.", in: map[string]string{"overview": "Sign in with Plex", "connection": "Sign in with Plex"}},
	{name: "refused", turn: func(a answers) {
		a["run"]["stopped"] = obj{"code": "token_refused", "params": obj{}, "text": "Plex answered 401: the token is not accepted", "remedy": "sign in again, or set a new token"}
		more := obj{
			"source": "account", "signed_in": true, "refused": true, "name": "Ann", "can_adopt": false,
			"server": obj{"machine_id": a["run"]["server"], "name": "Living room", "address": "http://192.168.1.5:32400", "others": []string{}, "is_owned": true},
		}
		maps.Copy(a["account"], more)
		a["scene"]["why_not"] = a["run"]["stopped"]
	}, banner: "Plex no longer accepts the sign-in.", in: map[string]string{"connection": "Sign in again", "check": "Something is wrong"}},
	{name: "disabled", whole: &uitest.Fault{Error: "plugin stash-plex-sync is disabled"}, banner: "The plugin is disabled in Stash", in: map[string]string{"scene-tab": "The plugin is disabled in Stash"}},
	{name: "version", turn: func(a answers) { a["run"]["version"] = "9.9.9" }, banner: "Version 9.9.9 of the plugin is installed"},
	{name: "at-work", turn: func(a answers) {
		a["run"]["run"] = atWork("pushing", "", 1240).run["run"]
	}, in: map[string]string{"overview": "At work"}},
	{name: "stash-silent", whole: &uitest.Fault{Status: http.StatusBadGateway}, banner: "Stash does not answer", in: map[string]string{"scene-tab": "Stash does not answer"}},
}

// turnOff is a Plex that has not answered for a while.
func turnOff(a answers) {
	for name, value := range off().run {
		if name != "version" && name != "queue" && name != "server" && name != "name" {
			a["run"][name] = value
		}
	}
	a["overview"]["outages"] = off().overview["outages"]
	a["overview"]["plex"].(obj)["reachable"] = false
}

// board is a world in which each view has something to show, with what the operations answer.
func board(t *testing.T) (*uitest.World, answers) {
	w := uitest.NewWorld(t, 8)
	lab := lab{w}
	dress(t, w, 1)
	push(w, 1)
	w.Plex.Edit(w.Keys[2], func(it *plextest.Item) { it.Title, it.Summary = "clip2", "A walk along the river, filmed at noon." })
	w.Stash.Change(2, func(s *stashtest.Scene) {
		s.Title, s.Details, s.Date = "The frozen river", "A quiet walk along the frozen river, filmed at dawn.", "2024-02-03"
		s.Cover = picture(t, color.RGBA{200, 80, 40, 255})
	})
	twoItems(w, 3)
	lone := w.Stash.Add(stashtest.Scene{Title: "The river in winter"})[0]
	w.Stash.Change(lone, func(s *stashtest.Scene) {
		s.Files = []stashtest.File{{Path: "/data/videos/new/the river in winter.mp4", Size: 734_003_200, Duration: 10}}
	})
	w.Plex.AddItem(w.Section, "/data/videos/only in plex/home video.mp4", 5_600_000_000)
	for _, task := range []struct {
		name string
		args obj
	}{
		{"Rebuild Plex index", nil},
		{"Compare Stash and Plex", obj{"mode": "gaps"}},
		{"Preview changes", obj{"mode": "preview"}},
		{"Restore Plex metadata", obj{"mode": "restore", "dry_run": true, "task": "yes"}},
	} {
		w.Host.RunTask(task.name, task.args)
	}
	w.Idle()
	lab.jobs(4, 7)
	lab.dead(8, 8, "rejected", "Plex answered 400 Bad Request", `{"code":"plex_error","params":{"status":"400"}}`)

	read := func(modes ...string) answers {
		a := make(answers)
		for _, mode := range modes {
			name, args := mode, obj{}
			switch mode {
			case "gaps", "preview", "restore":
				mode, args = "report", obj{"kind": mode}
			case "check":
				args["read_only"] = true
			case "scene":
				args["scene_id"] = 1
			}
			a[name] = w.Op(mode, args)
		}
		return a
	}
	all := read("run", "overview", "jobs", "activity", "gaps", "preview", "restore", "account", "settings", "check", "scene")
	w.Plex.Inject(plextest.Fault{Status: http.StatusServiceUnavailable})
	all["plex-off"] = joined(read("settings", "check", "scene"))
	w.Plex.Heal()
	w.Settings(map[string]any{"10plexToken": "another"})
	all["refused"] = joined(read("settings", "check"))
	return w, all
}

func joined(a answers) obj {
	out := make(obj)
	for mode, answer := range a {
		out[mode] = answer
	}
	return out
}

// of returns the answers in a state.
func (a answers) of(w *uitest.World, s state) answers {
	var out answers
	text, err := json.Marshal(a)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		w.Fatal(err)
	}
	for name, answer := range a[s.name] {
		out[name] = answer.(obj)
	}
	if s.turn != nil {
		s.turn(out)
	}
	return out
}

// put makes the operations answer what a view is to show.
func put(w *uitest.World, s state, v view, a answers) {
	w.Heal()
	if s.whole != nil {
		w.Inject(*s.whole)
		return
	}
	if s.fault != nil {
		fault := *s.fault
		fault.Mode = v.mode
		w.Inject(fault)
	}
	w.Inject(uitest.Fault{Mode: "wake", Answer: `{"asked": false, "why": "nothing_due", "text": ""}`})
	for name, answer := range a {
		if name == v.name && v.mode == "report" {
			name = "report"
		}
		text, err := json.Marshal(answer)
		if err != nil {
			w.Fatal(err)
		}
		w.Inject(uitest.Fault{Mode: name, Answer: string(text)})
	}
}

// visit goes to a view without loading Stash again.
func visit(tab *uitest.Tab, v view) {
	tab.Eval(fmt.Sprintf(`void (history.pushState(null, "", %q), dispatchEvent(new PopStateEvent("popstate")))`, v.path))
	switch v.name {
	case "scene-tab":
		tab.Wait(uitest.Role("tab", "Plex"))
		tab.Eval(`uitest.byRole("tab", "Plex").click()`) // a mouse would stay where a tab of the page is
	case "check":
		tab.WaitFor(`document.querySelector('.plexsync-tabs [aria-current=page]')?.textContent === "Check"`, "another view")
		tab.WaitFor(`uitest.byRole("button", "Check now") || uitest.byRole("button", "Check again")`, "no button")
		tab.Eval(`(uitest.byRole("button", "Check now") || uitest.byRole("button", "Check again")).click()`)
	}
}

const twice = `(() => {
	const said = [...document.querySelectorAll(".plexsync .plexsync-notice strong")].map((e) => uitest.clean(e.textContent));
	return said.filter((text, i) => said.indexOf(text) < i);
})()`

func TestEachViewInEachState(t *testing.T) {
	dir := os.Getenv("PAGE_SHOTS")
	if dir == "" {
		dir = t.TempDir()
		t.Setenv("PAGE_SHOTS", dir)
	}
	w, all := board(t)
	tab := w.Tab()
	tab.Expect("disk I/O error|is disabled|502")
	tab.Open("/groups")
	for _, s := range states {
		release := func() {}
		if s.name == "at-work" {
			release = w.Stash.Hold("Running plugin task: Stash Plex Sync: sync all scenes")
		}
		a := all.of(w, s)
		for _, v := range views {
			put(w, s, v, a)
			name := v.name + "-" + s.name
			os.Remove(filepath.Join(dir, name+"-390.png"))
			os.Remove(filepath.Join(dir, name+"-1280.png"))
			visit(tab, v)
			for _, text := range s.want(v) {
				tab.Wait(uitest.Text(text))
			}
			if s.name != "loading" {
				settle(t, w)
			}
			tab.Size(390)
			tab.Fits()
			tab.Accessible(".plexsync")
			for _, text := range list(tab.Eval(twice)) {
				t.Errorf("%s says twice: %s", name, text)
			}
			tab.Shot(name + "-390")
			tab.Size(1280)
			tab.Fits()
			tab.Shot(name + "-1280")
		}
		release()
	}
	tab.Clean()
	for _, v := range views {
		for _, s := range states {
			for _, width := range []int{390, 1280} {
				if _, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", v.name, s.name, width))); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func list(value any) []any {
	out, _ := value.([]any)
	return out
}
