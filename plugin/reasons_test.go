package plugin

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// velvet is the title of the scene whose push does not arrive.
const velvet = "Velvet Winter"

// reasonWorld is a Stash and a Plex with scene 1, "Velvet Winter", and its item.
type reasonWorld struct {
	*testing.T
	stash *stashtest.Server
	plex  *plextest.Server
	conn  common.StashServerConnection
	item  string
	set   map[string]any
	lines []string // at Info or above
}

func newReasonWorld(t *testing.T) *reasonWorld {
	w := &reasonWorld{T: t}
	var section string
	w.stash, w.plex, section, w.conn = servers(t)
	w.stash.Add(stashtest.Scene{ID: 1, Title: velvet, Files: []stashtest.File{{Path: "/data/a.mp4", Size: 1}}})
	w.item = w.plex.AddItem(section, "/data/a.mp4", 1)
	w.stash.Add(stashtest.Scene{ID: 9, Title: "Other", Updated: time.Now().Add(-time.Hour), Files: []stashtest.File{{Path: "/data/other.mp4", Size: 9}}})
	w.plex.AddItem(section, "/data/other.mp4", 9)
	w.set = map[string]any{"plexUrl": w.plex.URL(), "plexToken": "token-123"}
	return w
}

// op calls an operation, adds its log to the lines and returns its result.
func (w *reasonWorld) op(args common.ArgsMap) map[string]any {
	w.Helper()
	w.stash.SetSettings(ID, w.set)
	log := &logBuffer{}
	var out common.PluginOutput
	if err := NewRunner("1", log).Run(common.PluginInput{ServerConnection: w.conn, Args: args}, &out); err != nil || out.Error != nil {
		w.Fatalf("%v: %v, output %+v", args, err, out)
	}
	for line := range strings.Lines(log.String()) {
		if level, text, framed := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "\x01"), "\x02"); framed && strings.Contains("iwe", level) {
			w.lines = append(w.lines, text)
		}
	}
	var result map[string]any
	if err := json.Unmarshal(out.Output.(json.RawMessage), &result); err != nil {
		w.Fatal(err)
	}
	return result
}

// edited is what the hook of scene 1 does.
func (w *reasonWorld) edited() {
	w.Helper()
	w.sql(`INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at) VALUES (1, 'edit', 1, 0, 0) ON CONFLICT DO NOTHING`)
}

func (w *reasonWorld) sql(query string) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.conn.Dir, ID, "queue.db"))
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		w.Fatal(err)
	}
}

// with returns the lines at Info or above that contain a text.
func (w *reasonWorld) with(text string) (list []string) {
	for _, l := range w.lines {
		if strings.Contains(l, text) {
			list = append(list, l)
		}
	}
	return list
}

// A cause is one why a scene is not in Plex.
type cause struct {
	name    string
	arrange func(w *reasonWorld)
	code    string // in explain, or in status if it is about the run
	why     string // in the log, in explain and, if it is queued or dead, in status
	remedy  string // in the log
	ofRun   bool   // about the run, not about one scene
	explain string // in explain instead of why, if that differs
	unread  bool   // Stash does not return the scene, so nothing knows its title
	list    string // of status that names the scene: queue, dead_letters or none
}

// not is a change of a setting.
func not(key string, value any) func(w *reasonWorld) {
	return func(w *reasonWorld) { w.set[key] = value }
}

// refuse makes Plex answer writes with a status.
func refuse(status int) func(w *reasonWorld) {
	return func(w *reasonWorld) { w.plex.Inject(plextest.Fault{Method: "PUT", Status: status}) }
}

var reasons = []cause{
	{
		name: "not scanned yet", arrange: func(w *reasonWorld) { w.plex.Remove(w.item) },
		code: "not_in_plex", why: "Plex has no item for /data/a.mp4 yet", remedy: "scan its folder", list: "queue",
	},
	{
		name: "not scanned at last", arrange: func(w *reasonWorld) { w.plex.Remove(w.item); w.sql(`UPDATE job SET misses = 12`) },
		code: "not_in_plex", why: "Plex has no item for /data/a.mp4 yet", remedy: "Retry dead letters", list: "dead_letters",
	},
	{name: "several items fit", arrange: func(w *reasonWorld) {
		w.plex.Edit(w.item, func(it *plextest.Item) { it.Files[0].Path = "/x/a.mp4" })
		w.plex.AddItem(w.plex.AddSection("More", "movie"), "/y/a.mp4", 1)
	}, code: "ambiguous", why: "2 Plex items fit /data/a.mp4 equally well", remedy: "delete the extra ones", list: "dead_letters"},
	{
		name: "a library is missing", arrange: func(w *reasonWorld) { w.plex.Remove(w.item); w.set["plexLibraries"] = "Videos, Nowhere" },
		code: "library_not_read", why: "but a Plex library is missing or has not been completely read", remedy: `check "Plex libraries"`, list: "queue",
	},
	{name: "excluded tag", arrange: func(w *reasonWorld) {
		tag := w.stash.Name("tag", 0, "Private")
		w.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{tag} })
		w.set["excludeTags"] = "Private"
	}, code: "excluded_tag", why: `its tag "Private" is excluded by "Exclude tags"`, remedy: "remove the tag"},
	{
		name: "not organised", arrange: not("onlyOrganized", true),
		code: "not_organized", why: "not organised", remedy: "mark it as organised",
	},
	{
		name: "missing scenes are skipped", arrange: func(w *reasonWorld) { w.plex.Remove(w.item); w.set["skipMissing"] = true },
		code: "missing_skipped", why: "Plex has no item for /data/a.mp4", remedy: `run "Sync all scenes"`,
	},
	{name: "the item belongs to another scene", arrange: func(w *reasonWorld) {
		w.stash.Add(stashtest.Scene{ID: 2, Title: "First", Files: []stashtest.File{{Path: "/data/first.mp4", Size: 2}}})
		w.plex.Edit(w.item, func(it *plextest.Item) {
			it.Files = append([]plextest.File{{Path: "/data/first.mp4", Size: 2}}, it.Files...)
		})
	}, code: "other_scene", why: "contains several files and belongs to scene 2", remedy: "Split Apart"},
	{
		name: "Plex refuses a value", arrange: refuse(400),
		code: "value_refused", why: "Plex refuses the value of title", remedy: "correct it in Stash", list: "dead_letters",
	},
	{name: "Plex fails", arrange: refuse(429), code: "plex_busy", why: "Plex answered 429", remedy: "the next runs try again", list: "queue"},
	{
		name: "Plex fails too often", arrange: func(w *reasonWorld) { refuse(429)(w); w.sql(`UPDATE job SET attempts = 5`) },
		code: "plex_busy", why: "Plex answered 429", remedy: "Retry dead letters", list: "dead_letters",
	},
	{name: "Plex does not change a value", arrange: func(w *reasonWorld) {
		w.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"title": true} })
	}, code: "not_changed", why: "title did not change", remedy: "the next runs try again", list: "queue"},
	{
		name: "crashed", arrange: func(w *reasonWorld) { w.sql(`UPDATE job SET unfinished = 4`) },
		code: "crashed", why: "the plugin crashed or was killed", remedy: "please report it", list: "dead_letters",
	},
	{
		name: "no file", arrange: func(w *reasonWorld) { w.stash.Change(1, func(s *stashtest.Scene) { s.Files = nil }) },
		code: "no_file", why: "has no file in Stash", remedy: "until it has one",
	},
	{
		name: "no longer in Stash", arrange: func(w *reasonWorld) { w.stash.Drop(1) },
		code: "gone_from_stash", why: "no longer in Stash", explain: "Stash no longer has scene 1", remedy: "its Plex item stays unchanged", unread: true,
	},
	{
		name: "Stash cannot read the scene", arrange: func(w *reasonWorld) { w.stash.Break(1) },
		code: "scene_unreadable", why: "read scene 1", remedy: "the next runs try again", list: "queue", unread: true,
	},

	{name: "Plex is off", arrange: func(w *reasonWorld) { w.plex.Stop() }, code: "plex_unreachable", why: "connection refused", remedy: "check that Plex is running", ofRun: true},
	{name: "the token is refused", arrange: not("plexToken", "token-456"), code: "token_refused", why: "401 Unauthorized", remedy: `"Plex token" (plexToken)`, ofRun: true},
	{name: "a setting is missing", arrange: not("plexUrl", ""), code: "setting_invalid", why: `"Plex address" (plexUrl)`, remedy: "enter the address", ofRun: true},
	{name: "no library", arrange: not("plexLibraries", "Nowhere"), code: "no_library", why: `Plex has no library "Nowhere"`, remedy: `correct "Plex libraries"`, ofRun: true},
	{name: "an unknown excluded tag", arrange: not("excludeTags", "Nite"), code: "unknown_tags", why: `tags that Stash does not have: "Nite"`, remedy: "correct the names", ofRun: true},
	{
		name: "the token sees no paths", arrange: func(w *reasonWorld) { w.plex.Configure(func(o *plextest.Options) { o.NoPaths = true }) },
		code: "paths_hidden", why: "gives no access to file paths", remedy: "use the token of the server's owner", ofRun: true,
	},
	{
		name: "another server", arrange: func(w *reasonWorld) { w.plex.SetMachine("another") },
		code: "server_changed", why: "the Plex server at this address has changed", remedy: `run "Check connection"`, ofRun: true,
	},
	{
		name: "Stash does not answer", arrange: func(w *reasonWorld) { w.stash.Inject(stashtest.Fault{Operation: "SceneByID", Status: 500}) },
		code: "stash_unavailable", why: "Stash answered 500", remedy: "everything stays queued", ofRun: true,
	},
}

// The README promises: when something does not arrive, one line says why and what to do.
func TestOneLineSaysWhyASceneIsNotInPlexAndWhatToDo(t *testing.T) {
	for _, r := range reasons {
		t.Run(r.name, func(t *testing.T) { r.check(newReasonWorld(t)) })
	}
}

func (r cause) check(w *reasonWorld) {
	w.op(common.ArgsMap{"mode": "sync-scene", "scene_id": "9"}) // the index is read, and the server is known
	w.edited()
	r.arrange(w)
	w.lines = nil
	w.op(common.ArgsMap{"mode": "process"})
	lines := w.with(velvet)
	if r.ofRun {
		lines = w.with(r.why)
	}
	if r.unread {
		lines = w.with("scene=1")
	}
	if len(lines) != 1 || !strings.Contains(lines[0], r.why) || !strings.Contains(lines[0], r.remedy) {
		w.Errorf("the lines about it are %q, want one with %q and %q; all: %q", lines, r.why, r.remedy, w.lines)
	}
	w.sql(`UPDATE job SET due_at = 0`)
	if !r.ofRun {
		w.lines = nil
		w.op(common.ArgsMap{"mode": "process"})
		if again := w.with(velvet); len(again) > 0 {
			w.Errorf("the next run says again %q", again)
		}
	}
	w.stash.Heal()
	explained := w.op(common.ArgsMap{"mode": "explain", "scene_id": "1"})
	if text := explained["text"].(string); !strings.Contains(text, cmp.Or(r.explain, r.why)) {
		w.Errorf("explain says %q, want %q in it", text, cmp.Or(r.explain, r.why))
	}
	w.lines = nil
	status := w.op(common.ArgsMap{"mode": "status"})
	w.checkStatus(r, status)
	if why := reasonIn(explained, status, r.ofRun); why["code"] != r.code || !strings.Contains(fmt.Sprint(why["text"]), r.why) || why["remedy"] == "" {
		w.Errorf("the reason is %v, want the code %s with a remedy", why, r.code)
	}
}

// reasonIn returns the reason that status gives for the last run, or explain for the job, the dead letter or the last attempt.
func reasonIn(explained, status map[string]any, ofRun bool) map[string]any {
	var why any
	switch {
	case ofRun:
		why = status["stopped_reason"]
	case explained["job"] != nil:
		why = explained["job"].(map[string]any)["last_reason"]
	case explained["dead_letter"] != nil:
		why = explained["dead_letter"].(map[string]any)["reason"]
	default:
		why = explained["attempts"].([]any)[0].(map[string]any)["reason"]
	}
	reason, _ := why.(map[string]any)
	return reason
}

// checkStatus checks whether status lists the scene, or says why the last run stopped.
func (w *reasonWorld) checkStatus(r cause, status map[string]any) {
	w.Helper()
	for _, list := range []string{"queue", "dead_letters"} {
		items := status[list].(map[string]any)["items"].([]any)
		released := r.ofRun && len(items) == 1 && strings.Contains(items[0].(map[string]any)["error"].(string), r.why)
		if listed := list == r.list; !listed && !released && len(items) > 0 || listed && len(items) != 1 {
			w.Errorf("%s of status = %v", list, items)
		} else if listed {
			one := items[0].(map[string]any)
			if one["title"] != velvet && !r.unread || one["scene_id"] != 1.0 || !strings.Contains(one["error"].(string), r.why) || one["reason"].(map[string]any)["code"] != r.code {
				w.Errorf("%s of status = %v", list, one)
			}
			if lines := w.with("scene=1"); len(lines) != 1 || !strings.Contains(lines[0], r.why) || !strings.Contains(lines[0], r.remedy) {
				w.Errorf("status logs %q", lines)
			}
		}
	}
	if r.ofRun && !strings.Contains(w.lines[len(w.lines)-1], r.why) {
		w.Errorf("status ends with %q, want %q in it", w.lines[len(w.lines)-1], r.why)
	}
}

func TestSceneWithoutDataOrRestoredIsExplained(t *testing.T) {
	w := newReasonWorld(t)
	w.op(common.ArgsMap{"mode": "sync-scene", "scene_id": "1"})
	w.edited()
	w.sql(`UPDATE job SET enqueued_at = 1`)
	w.lines = nil
	out := w.op(common.ArgsMap{"mode": "restore", "scene_id": "1"})
	if out["dropped"] != 1.0 || len(w.lines) != 1 || len(w.with("1 waiting edit of these scenes was removed from the queue. Restored scenes are pushed again only if you edit them")) != 1 {
		t.Errorf("restore = %v, lines %q", out, w.lines)
	}
	if text := w.op(common.ArgsMap{"mode": "explain", "scene_id": "1"})["text"].(string); !strings.Contains(text, "restored: its Plex item is back") || !strings.Contains(text, "pushed again when it is edited") {
		t.Errorf("explain says %q", text)
	}
	w = newReasonWorld(t)
	w.stash.Change(1, func(s *stashtest.Scene) { s.Title = "" })
	w.lines = nil
	out = w.op(common.ArgsMap{"mode": "sync-scene", "scene_id": "1"})
	if out["skipped"] != 1.0 || len(w.with("scene=1")) != 0 || len(w.with("1 without data in Stash took=")) != 1 {
		t.Errorf("sync-scene = %v, lines %q", out, w.lines)
	}
	if text := w.op(common.ArgsMap{"mode": "explain", "scene_id": "1"})["text"].(string); !strings.Contains(text, "no title or other data in Stash") {
		t.Errorf("explain says %q", text)
	}
}

// What an earlier version stored has no code, and a column may be damaged.
func TestReasonWithoutACodeFallsBackToTheClass(t *testing.T) {
	w := newReasonWorld(t)
	w.plex.Remove(w.item)
	w.op(common.ArgsMap{"mode": "sync-scene", "scene_id": "9"}) // the queue exists
	w.edited()
	w.op(common.ArgsMap{"mode": "process"})
	for _, stored := range []string{"", "{", "null", `{"code":["not_in_plex"]}`} {
		w.sql(`UPDATE job SET last_reason = '` + stored + `'`)
		w.sql(`UPDATE attempt_log SET reason = '` + stored + `'`)
		explained := w.op(common.ArgsMap{"mode": "explain", "scene_id": "1"})
		for _, why := range []any{reasonIn(explained, nil, false), explained["attempts"].([]any)[0].(map[string]any)["reason"]} {
			if r := why.(map[string]any); r["code"] != "not_found" || !strings.Contains(r["text"].(string), "/data/a.mp4") {
				t.Errorf("stored %q: the reason is %v", stored, r)
			}
		}
	}
}
