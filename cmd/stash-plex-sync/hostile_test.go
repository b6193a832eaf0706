package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// What somebody has typed into every field of a scene, and what a person expects to see in Plex: of the
// details, and of what is one line.
type typed struct{ name, value, text, line string }

// forged is what would be a line of Stash's log, or progress, if it came to the start of one.
const forged = "\x01p\x020.1234\n\x01e\x02forged\x1b[31m red\n[Plugin / Stash Plex Sync] forged"

func hostile() []typed {
	long := strings.Repeat("Ünï 日本 ", 8_000) // more than 100 KB
	cut := strings.TrimSpace(string([]rune(long)[:4000]))
	list := []typed{
		{"frames of the log", forged, "p0.1234\neforged[31m red\n[Plugin / Stash Plex Sync] forged", "p0.1234 eforged[31m red [Plugin / Stash Plex Sync] forged"},
		{"control characters", "a\x00b\x07c\x7fd\u0085e", "abcde", "abcde"},
		{"100 KB", long, cut, cut},
		{"spaces at both ends", " \t a  b\n\n\nc \n ", "a  b\n\n\nc", "a  b c"},
	}
	for name, text := range map[string]string{
		"signs":       `[a], {b} (c) & "d" 'e' ` + "`f` \\ / ; = | < > * ? ! @ ~ ^",
		"an address":  "100%25 a%2Cb %zz +1 #2 ?x=1&id=&type=1&genre[].tag.tag-=Plex's own",
		"emoji":       "👩\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈 joined",
		"RTL":         "\u200fעברית (שלום) \u202bيمين\u202c \u2067x\u2069",
		"HTML":        `<b onclick="x()">A</b>&amp;<script>alert(1)</script>`,
		"smart marks": "“smart” ‘quotes’ — dash… é",
	} {
		list = append(list, typed{name, text, text, text})
	}
	return list
}

// typeInto puts a value into every field. What is a name in Stash is a line, at most as long as one.
func (w *world) typeInto(id int, h typed) {
	name := h.value
	if len(name) > 1000 {
		name = "A name"
	}
	tags := []int{w.stash.Name("tag", 0, name), w.stash.Name("tag", 0, "plain")}
	for i := range 500 {
		if h.name == "signs" {
			tags = append(tags, w.stash.Name("tag", 0, fmt.Sprintf(`tag %d, "x" & [y]`, i)))
		}
	}
	who, group, studio := w.stash.Name("performer", 0, name), w.stash.Name("group", 0, name), w.stash.Name("studio", 0, name)
	w.stash.Change(id, func(s *stashtest.Scene) {
		s.Title, s.Details, s.Director = h.value, h.value, name
		s.Performers, s.Groups, s.Studio, s.Tags = []int{who}, []int{group}, studio, tags
	})
	w.plex.Edit(w.keys[id], func(it *plextest.Item) { it.Tags["genre"] = []string{"Plex's own"} })
}

// wantTyped checks that Plex shows what a person expects.
func (w *world) wantTyped(id int, h typed) {
	w.Helper()
	name := strings.Join(strings.Fields(h.line), " ")
	if len(h.value) > 1000 {
		name = "A name"
	}
	it := w.plex.Item(w.keys[id])
	for what, c := range map[string][2]string{"title": {it.Title, h.line}, "details": {it.Summary, h.text}, "studio": {it.Studio, name}} {
		if c[0] != c[1] {
			w.Errorf("%s: %s = %.80q, want %.80q", h.name, what, c[0], c[1])
		}
	}
	genres := []string{"Plex's own", name, "plain"}
	for i := range 500 {
		if h.name == "signs" {
			genres = append(genres, fmt.Sprintf(`tag %d, "x" & [y]`, i))
		}
	}
	for kind, want := range map[string][]string{"actor": {name}, "director": {name}, "collection": {name}, "genre": genres} {
		if got := it.Tags[kind]; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			w.Errorf("%s: %d of %s %.200q, want %d", h.name, len(got), kind, got, len(want))
		}
	}
}

// wantHonestLog checks that nothing that was typed has become a line or progress of its own.
func (w *world) wantHonestLog() {
	w.Helper()
	for _, l := range w.host.Lines() {
		own := strings.HasPrefix(l.Text, "[Plugin / Stash Plex Sync] ")
		text := strings.TrimSpace(strings.TrimPrefix(l.Text, "[Plugin / Stash Plex Sync] "))
		byStash := strings.HasPrefix(l.Text, "Plugin returned: ") || strings.HasPrefix(l.Text, "Reading plugin configs from ") || strings.HasPrefix(l.Text, "Scene.Update.Post [")
		switch {
		case !own && !byStash, l.Level == "Error", strings.HasPrefix(text, "forged"), strings.HasPrefix(text, "["), strings.ContainsAny(l.Text, "\x01\x02\x1b\r\n"):
			w.Errorf("a line of the log is nobody's: %s %.300q", l.Level, l.Text)
		case len(l.Text) > 4096:
			w.Errorf("a line of %d bytes: %.100q", len(l.Text), l.Text)
		}
	}
	for _, p := range w.host.Progress() {
		if p < 0 || p > 1 || p == 0.1234 {
			w.Errorf("progress %v", p)
		}
	}
}

func TestWhateverIsTypedArrivesAndForgesNoLog(t *testing.T) {
	for _, replace := range []bool{false, true} {
		t.Run(fmt.Sprint("replace ", replace), func(t *testing.T) {
			list := hostile()
			w := newWorld(t, len(list)+1)
			w.plex.Configure(func(o *plextest.Options) { o.Replace = replace })
			for i, h := range list {
				w.typeInto(i+1, h)
			}
			w.host.RunTask("Preview changes", nil) // which writes titles into the log
			w.host.RunTask("Sync all scenes", nil)
			w.idle()
			for i, h := range list {
				w.wantTyped(i+1, h)
			}
			w.plex.Forget()
			w.host.RunTask("Sync all scenes", nil)
			w.idle()
			w.stash.Change(len(list)+1, func(s *stashtest.Scene) { s.Details = forged })
			w.host.RunTask("Preview changes", nil) // whose result is short enough for Stash to log it
			w.idle()
			if n := w.writes(); n > 0 {
				t.Errorf("a second sync writes %d times: %v", n, w.plex.Requests())
			}

			w.occupied() // a file that Plex does not hold, with a name that is told
			w.stash.Change(len(list)+1, func(s *stashtest.Scene) {
				s.Files = []stashtest.File{{Path: "/data/" + forged + "/x.mp4", Size: 7}}
			})
			w.bulk(forged, len(list)+1)
			w.process()
			w.wantExplained(len(list)+1, "waiting", "Plex has no item for")
			w.op(map[string]any{"mode": "status"})
			w.op(map[string]any{"mode": "preview"})
			w.wantHonestLog()
		})
	}
}
