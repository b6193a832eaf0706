package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// What a person may have typed into any field, and what is to arrive as a text, as a title and as a name.
// An empty title or name means the same as the text; "-" that it is no name.
type hostile struct{ name, typed, text, title, tag string }

func hostileValues() []hostile {
	long := strings.Repeat("Ünï 日本 ", 14_000) // more than 100 KB
	cut := string([]rune(long)[:merge.TextLimit])
	return []hostile{
		{"control characters", "a\x00b\x07c\x1b[31m\x7fd", "abc[31md", "", ""},
		{"a carriage return", "a\rb", "a\nb", "a b", "a b"},
		{"line ends of Windows", "a\r\n\r\nb", "a\n\nb", "a b", "a b"},
		{"a tab", "a\tb", "a\tb", "", "a b"},
		{"100 KB", long, strings.TrimSpace(cut), "", "-"},
		{"commas and ampersands", "a, b,c & d&e=f;g", "a, b,c & d&e=f;g", "", ""},
		{"brackets and quotes", `[a] {b} (c) "d" 'e' ` + "`f` \\", `[a] {b} (c) "d" 'e' ` + "`f` \\", "", ""},
		{"what means something in an address", "100%25 +1 #2 ?x=%2C a%2Cb %zz", "100%25 +1 #2 ?x=%2C a%2Cb %zz", "", ""},
		{"a parameter of an edit", "genre[].tag.tag-=A&id=", "genre[].tag.tag-=A&id=", "", ""},
		{"emoji", "👩‍👩‍👧 🏳️‍🌈 é", "👩‍👩‍👧 🏳️‍🌈 é", "", ""},
		{"right to left", "\u200fשלום (עולם) \u202bمرحبا\u202c", "\u200fשלום (עולם) \u202bمرحبا\u202c", "", ""},
		{"spaces at both ends", " \t\u00a0 a  b \n ", "a  b", "", "a b"},
		{"letters and marks apart", "e\u0301", "é", "", ""},
		{"HTML", `<b onclick="x">A</b>&amp;<script>alert(1)</script>`, `<b onclick="x">A</b>&amp;<script>alert(1)</script>`, "", ""},
		{"broken UTF-8", "a\xffb", "ab", "", ""},
		{"nothing but spaces", " \r\n\t ", "", "", ""},
	}
}

func TestHostileValuesArriveAndAreNotSentTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second or two")
	}
	values := hostileValues()
	for _, o := range []plextest.Options{{}, {Replace: true}, {FoldTags: true}, {Replace: true, FoldTags: true, Strings: true}} {
		t.Run(fmt.Sprintf("replace %v, fold %v", o.Replace, o.FoldTags), func(t *testing.T) {
			inLab(t, len(values), func(l *lab) {
				l.plex.Configure(func(set *plextest.Options) { *set = o })
				plain := l.stash.Name("tag", 0, "plain")
				for i, h := range values {
					l.typeHostile(i+1, h, plain)
				}
				l.run()
				for i, h := range values {
					l.wantHostile(i+1, h)
				}
				l.writesNothing(values)
				l.changeAll(values, func(s *stashtest.Scene) { s.Tags = []int{plain} })
				for i, h := range values {
					if got := l.plex.Item(l.keys[i+1]).Tags["genre"]; !slices.Equal(got, []string{foreignTag, "plain"}) {
						l.Errorf("%s: taken away, left are %q", h.name, brief(got))
					}
				}
				l.writesNothing(values)
				l.changeAll(values, func(s *stashtest.Scene) { *s = stashtest.Scene{ID: s.ID, Files: s.Files} })
				for i, h := range values {
					it := l.plex.Item(l.keys[i+1])
					if it.Title != fmt.Sprintf("clip%d", i+1) || it.Summary+it.Studio != "" || len(it.Tags) != 1 || len(it.Tags["genre"]) != 1 {
						l.Errorf("%s: after Stash has nothing any more: %q", h.name, brief(it))
					}
				}
			})
		})
	}
}

const foreignTag = "Plex's own, & more"

// typeHostile puts a value into every field of a scene.
func (l *lab) typeHostile(id int, h hostile, plain int) {
	name := h.typed
	if h.tag == "-" {
		name = "name"
	}
	l.plex.Edit(l.keys[id], func(it *plextest.Item) { it.Tags["genre"] = []string{foreignTag} })
	tag, performer := l.stash.Name("tag", 0, name), l.stash.Name("performer", 0, name)
	group, studio := l.stash.Name("group", 0, name), l.stash.Name("studio", 0, name)
	l.stash.Change(id, func(s *stashtest.Scene) {
		s.Details, s.Director, s.Studio, s.Tags, s.Performers, s.Groups = h.typed, name, studio, []int{tag, plain}, []int{performer}, []int{group}
	})
	l.edit(h.typed, id)
}

func (l *lab) wantHostile(id int, h hostile) {
	l.Helper()
	title, name := h.title, h.tag
	if title == "" {
		title = h.text
	}
	switch name {
	case "":
		name = title
	case "-":
		name = "name"
	}
	if title == "" { // Plex keeps its own
		title = fmt.Sprintf("clip%d", id)
	}
	it := l.plex.Item(l.keys[id])
	if it.Title != title || it.Summary != h.text || it.Studio != name {
		l.Errorf("%s: title %q, summary %q, studio %q", h.name, brief(it.Title), brief(it.Summary), brief(it.Studio))
	}
	for kind, want := range map[string][]string{"actor": {name}, "director": {name}, "collection": {name}, "genre": {foreignTag, "plain", name}} {
		want = slices.DeleteFunc(want, func(s string) bool { return s == "" })
		if got := it.Tags[kind]; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			l.Errorf("%s: %s = %q", h.name, kind, brief(got))
		}
	}
}

// changeAll changes all scenes and syncs them.
func (l *lab) changeAll(values []hostile, f func(*stashtest.Scene)) {
	l.Helper()
	for i := range values {
		l.stash.Change(i+1, f)
		_, err := l.Store.RecordHook(l.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: i + 1, Reason: "edit", Priority: store.InBulk}})
		l.must(err)
	}
	l.run()
}

// writesNothing syncs all scenes again.
func (l *lab) writesNothing(values []hostile) {
	l.Helper()
	l.plex.Forget()
	l.changeAll(values, func(*stashtest.Scene) {})
	if n := l.plex.Count("PUT", ""); n > 0 {
		l.Errorf("a second sync writes %d times", n)
	}
}

func brief(value any) string {
	text := []rune(fmt.Sprint(value))
	return string(text[:min(len(text), 100)])
}
