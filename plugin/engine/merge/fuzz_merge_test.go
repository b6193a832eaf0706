package merge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// script is a source of choices, that a fuzzer can steer. When it is used up, every choice is the first.
type script struct {
	rest  []byte
	words []string
}

func (s *script) n(n int) int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b) % n
}

func (s *script) word() string { return s.words[s.n(len(s.words))] }

func (s *script) some() (list []string) {
	for range s.n(5) {
		list = append(list, s.word())
	}
	return list
}

func (s *script) named() (list []stashapi.Named) {
	for _, name := range s.some() {
		list = append(list, stashapi.Named{ID: 1, Name: name})
	}
	return list
}

func (s *script) scene() *stashapi.Scene {
	scene := &stashapi.Scene{
		Title: s.word(), Details: s.word(), Director: s.word(), Date: []string{"", "2020", "2020-05", "2021-01-31", s.word()}[s.n(5)],
		Tags: s.named(), Performers: s.named(), Groups: s.named(),
	}
	if s.n(2) == 1 {
		scene.Studio = &stashapi.Named{ID: 1, Name: s.word()}
	}
	if n := s.n(120); n <= 100 {
		scene.Rating100 = &n
	}
	return scene
}

// plex is a Plex item with values of others.
func (s *script) plex() *simPlex {
	it := plexapi.Item{
		Title: "file " + s.word(), Summary: strings.TrimSpace(s.word()), Studio: s.word(), Date: []string{"", "2020-01-01", "2020-05-06"}[s.n(3)],
		Tags: map[plexapi.TagKind][]string{}, Locked: map[string]bool{"summary": s.n(2) == 1, "genre": s.n(2) == 1},
	}
	for _, kind := range []plexapi.TagKind{plexapi.Genre, plexapi.Collection, plexapi.Actor} {
		it.Tags[kind] = distinctNames(slices.DeleteFunc(s.some(), func(name string) bool { return name == "" }))
	}
	if n := s.n(30); n <= 20 {
		rating := float64(n) / 2
		it.UserRating = &rating
	}
	return &simPlex{Item: it, replace: s.n(2) == 1}
}

// For any values in Stash and Plex, and any point at which pushes die: one more push makes Plex show the desired values,
// the next writes nothing, values of others stay, and after Stash is emptied Plex has its original values.
func FuzzMerge(f *testing.F) {
	f.Add("A|b| b |C,D|[E] & \"F\"|Å|A\u030a|ß|SS|", []byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add("one\r\ntwo |T1|\u202eעברית 👩‍👩‍👧|x\x00y\xff|İ|i\u0307|2024-05", []byte("zyxwvutsrqponmlkjihgfedcba9876543210zyxwvutsrqponmlkjihgfedcba9876543210"))
	f.Add("a|A|á|a\u0301| |\n|\u00a0", slices.Repeat([]byte{1, 4, 2, 3, 0}, 30))
	f.Add("", []byte{})
	all, err := ParseFields("+collection")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, words string, choices []byte) {
		s := &script{choices, strings.Split(strings.ToValidUTF8(words, "?"), "|")}
		plex := s.plex()
		original := plex.copy()
		var base store.Item
		for range s.n(5) {
			base, _ = plex.push(Desire(s.scene(), all), base, s.n(5))
		}
		final := Desire(s.scene(), all)
		base, _ = plex.push(final, base, 4)
		if _, p := plex.push(final, base, 4); !p.Empty() {
			t.Errorf("a second sync writes %+v %+v %+v", p.First, p.Edit, p.Rate)
		}
		for kind, tags := range original.Tags {
			if lost := Without(tags, plex.Tags[kind]); len(lost) > 0 {
				t.Errorf("foreign %s %q were removed", kind, lost)
			}
		}
		for field, want := range final.Values {
			held := Current(&plex.Item, field)
			missing := len(want) > 0 && !Same(field, held, want) && (field != string(plexapi.Date) || !strings.HasPrefix(First(held), final.DateText))
			if IsTags(field) && len(Without(want, held)) > 0 || !IsTags(field) && missing {
				t.Errorf("%s is %q, want %q", field, held, want)
			}
		}
		plex.push(Desire(&stashapi.Scene{}, all), base, 4)
		if got, want := inOneForm(plex.copy()), inOneForm(original); got != want {
			t.Errorf("after Stash has nothing any more\n got %s\nwant %s", got, want)
		}
	})
}

// inOneForm shows an item, with texts in the form in which they are compared.
func inOneForm(it plexapi.Item) string {
	it.Title, it.Summary, it.Studio = textKey(it.Title), textKey(it.Summary), textKey(it.Studio)
	return show(it)
}

// edit is any edit.
func (s *script) edit() plexapi.Edit {
	var e plexapi.Edit
	for _, field := range []plexapi.Field{plexapi.Title, plexapi.Summary, plexapi.Studio, plexapi.Date} {
		if s.n(2) == 1 {
			e.Set = With(e.Set, field, strings.Repeat(s.word()+"x", 1+s.n(200)))
		}
	}
	for _, kind := range []plexapi.TagKind{plexapi.Actor, plexapi.Genre, plexapi.Director, plexapi.Collection} {
		tags := []string(distinctNames(slices.Concat(s.some(), s.some(), s.some())))
		switch s.n(3) {
		case 1:
			e.Tags = With(e.Tags, kind, tags)
		case 2:
			e.Remove = With(e.Remove, kind, tags)
		}
	}
	for _, name := range []string{"title", "studio", "genre", "thumb"} {
		switch s.n(3) {
		case 1:
			e.Lock = append(e.Lock, name)
		case 2:
			e.Unlock = append(e.Unlock, name)
		}
	}
	return e
}

// whole adds parts up, and writes down what they do.
func whole(parts ...plexapi.Edit) string {
	var sum plexapi.Edit
	for _, part := range parts {
		for field, text := range part.Set {
			sum.Set = With(sum.Set, field, text)
		}
		for kind, tags := range part.Tags {
			sum.Tags = With(sum.Tags, kind, tags)
		}
		for kind, tags := range part.Remove {
			sum.Remove = With(sum.Remove, kind, slices.Concat(sum.Remove[kind], tags))
		}
		sum.Lock, sum.Unlock = slices.Concat(sum.Lock, part.Lock), slices.Concat(sum.Unlock, part.Unlock)
	}
	for _, kind := range slices.Collect(maps.Keys(sum.Remove)) {
		if len(sum.Remove[kind]) == 0 { // which takes nothing away
			delete(sum.Remove, kind)
		}
	}
	return fmt.Sprintf("set %q, tags %q, remove %q, lock %q, unlock %q", sum.Set, sum.Tags, sum.Remove, slices.Sorted(slices.Values(sum.Lock)), slices.Sorted(slices.Values(sum.Unlock)))
}

// However an edit is taken apart, its parts add up to it, and a request that is longer than allowed holds only
// what cannot be cut.
func FuzzSplit(f *testing.F) {
	f.Add("A|b|C,D|[E] & \"F\"|タグ名前漢字|%2C", []byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"), uint16(300))
	f.Add("long name of a tag that takes its place|ü🎬|,", slices.Repeat([]byte{1, 199, 2, 4, 3}, 30), uint16(8000))
	f.Add("a|b|c|d|e|f|g", slices.Repeat([]byte{2, 4, 2, 1}, 30), uint16(0))
	client, err := plexapi.New(plexapi.Config{URL: "https://plex.invalid/base", Token: "x"})
	if err != nil {
		f.Fatal(err)
	}
	length := func(e plexapi.Edit) int { return client.EditLength("1", plexapi.Movie, "1001", e) }
	f.Fuzz(func(t *testing.T, words string, choices []byte, limit uint16) {
		s := &script{choices, strings.Split(strings.ToValidUTF8(words, "?"), "|")}
		e := s.edit()
		for name, parts := range map[string][]plexapi.Edit{
			"Singles": Singles(e), "Split": Split(e, length, int(limit)), "Apart": Apart(e, true),
		} {
			if got, want := whole(parts...), whole(e); got != want && (name != "Apart" || len(parts) > 0) {
				t.Errorf("%s: %s\nwant %s", name, got, want)
			}
			for _, part := range parts {
				_, names, removes := removalOnly(part)
				fields := part.Fields()
				switch {
				case part.Empty():
					t.Errorf("%s: an empty part", name)
				case len(fields) > 1 && (len(parts) > 1 || name != "Split"), name == "Split" && length(part) > int(limit) && (len(fields) > 1 || removes && len(names) > 1):
					t.Errorf("%s: a part of %d bytes with %q, %d names", name, length(part), fields, len(names))
				case name == "Apart" && len(part.Fields()) == len(e.Fields()) && length(part) >= length(e):
					t.Errorf("Apart: %+v is no part of %+v", part, e)
				}
			}
		}
		short, cut := Halve(e)
		for field, text := range e.Set {
			if half := short.Set[field]; cut && (!strings.HasPrefix(text, half) || utf8.RuneCountInString(half) > max(100, (utf8.RuneCountInString(text)+1)/2)) {
				t.Errorf("half of %q is %q", text, half)
			}
		}
		if short.Set = e.Set; whole(short) != whole(e) {
			t.Errorf("cutting a text changes %s to %s", whole(e), whole(short))
		}
	})
}
