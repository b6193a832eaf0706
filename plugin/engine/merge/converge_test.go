package merge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// simPlex is a Plex item that edits are applied to.
type simPlex struct {
	plexapi.Item
	replace bool
	keep    bool // the user wants edits in Plex kept
}

func (s *simPlex) apply(e plexapi.Edit) {
	for f, text := range e.Set {
		switch f {
		case plexapi.Title:
			s.Title = text
		case plexapi.Summary:
			s.Summary = strings.TrimSpace(text)
		case plexapi.Studio:
			s.Studio = text
		case plexapi.Date:
			s.Date = text
		}
	}
	for kind, tags := range e.Remove {
		s.Tags[kind] = Without(s.Tags[kind], tags)
	}
	for kind, tags := range e.Tags {
		if s.replace {
			s.Tags[kind] = nil
		}
		s.Tags[kind] = slices.Concat(s.Tags[kind], Without(tags, s.Tags[kind]))
	}
	for _, f := range e.Lock {
		s.Locked[f] = true
	}
	for _, f := range e.Unlock {
		s.Locked[f] = false
	}
}

func (s *simPlex) copy() plexapi.Item {
	it := s.Item
	it.Tags = make(map[plexapi.TagKind][]string)
	for k, t := range s.Tags {
		it.Tags[k] = slices.Clone(t)
	}
	it.Locked = maps.Clone(s.Locked)
	return it
}

// push merges and writes, dying after so many steps: 0 before anything is sent, 1 after the removals, 2
// after the edit, 3 after the rating, 4 not at all. It returns what is stored.
func (s *simPlex) push(d Desired, base store.Item, dieAfter int) (store.Item, Plan) {
	p := Merge(MergeInput{Desired: d, Base: base, Current: s.copy(), KeepPlexEdits: s.keep})
	if p.Empty() {
		return p.Base, p
	}
	stored := p.Base
	maps.Copy(stored.Original, base.Original) // as the queue does
	if dieAfter >= 1 {
		s.apply(p.First)
	}
	if dieAfter >= 2 {
		s.apply(p.Edit)
	}
	if dieAfter >= 3 && p.Rate != nil {
		s.UserRating = p.Rate.To
	}
	if dieAfter >= 4 {
		stored = AfterReadBack(p, s.copy()).Base
	}
	return stored, p
}

func randomScene(r *rand.Rand) *stashapi.Scene {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	s := &stashapi.Scene{
		Title: pick("", "T1", "T2 & \"x\""), Details: pick("", "one", " two\r\n\r\nthree ", "עברית 👩‍👩‍👧"), Date: pick("", "2020", "2020-05", "2021-01-31", "May"),
		Director: pick("", "D"),
	}
	if r.IntN(2) == 0 {
		s.Studio = &stashapi.Named{ID: 1, Name: pick("Studio", "Other, Inc.")}
	}
	for _, name := range []string{"A", "b", "C,D", "[E] & \"F\"", " g "} {
		if r.IntN(2) == 0 {
			s.Tags = append(s.Tags, stashapi.Named{Name: name})
		}
		if r.IntN(3) == 0 {
			s.Performers = append(s.Performers, stashapi.Named{Name: name})
		}
		if r.IntN(4) == 0 {
			s.Groups = append(s.Groups, stashapi.Named{Name: name})
		}
	}
	if r.IntN(2) == 0 {
		n := r.IntN(101)
		s.Rating100 = &n
	}
	return s
}

// Whatever Stash holds, whenever we die, and whether Plex appends or replaces: in the end Plex shows it, a
// second sync writes nothing, foreign tags stay, and once Stash has nothing Plex is as it was.
func TestMergeConvergesFromEveryDeath(t *testing.T) {
	fields, err := ParseFields("+collection")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		seed := uint64(i)
		r := rand.New(rand.NewPCG(seed, 1))
		plex := &simPlex{replace: seed%2 == 0, Item: plexapi.Item{
			Title: "file", Summary: []string{"", "agent's"}[r.IntN(2)], Locked: map[string]bool{"summary": r.IntN(2) == 0},
			Tags: map[plexapi.TagKind][]string{plexapi.Genre: []string{"Foreign", "A"}[:r.IntN(3)], plexapi.Collection: {"Mine"}},
		}}
		original := plex.copy()
		var base store.Item
		for range 1 + r.IntN(6) {
			base, _ = plex.push(Desire(randomScene(r), fields), base, r.IntN(5))
		}
		final := Desire(randomScene(r), fields)
		base, _ = plex.push(final, base, 4)
		if _, p := plex.push(final, base, 4); !p.Empty() {
			t.Fatalf("seed %d: a second sync writes %+v %+v %+v", seed, p.First, p.Edit, p.Rate)
		}
		for kind, tags := range original.Tags {
			if lost := Without(tags, plex.Tags[kind]); len(lost) > 0 {
				t.Fatalf("seed %d: foreign %s %v were removed", seed, kind, lost)
			}
		}
		for field, want := range final.Values {
			held := Current(&plex.Item, field)
			if IsTags(field) && len(Without(want, held)) > 0 || !IsTags(field) && len(want) > 0 && !Same(field, held, want) &&
				(field != string(plexapi.Date) || !strings.HasPrefix(First(held), final.DateText)) {
				t.Fatalf("seed %d: %s is %v, want %v", seed, field, held, want)
			}
		}
		base, _ = plex.push(Desire(&stashapi.Scene{}, fields), base, 4)
		if got, want := show(plex.copy()), show(original); got != want {
			t.Fatalf("seed %d: after Stash has nothing any more\n got %s\nwant %s\nmemory %+v", seed, got, want, base)
		}
	}
}

func show(it plexapi.Item) string {
	text := fmt.Sprintf("%q %q %q %q %v", it.Title, it.Summary, it.Studio, it.Date, Current(&it, RatingField))
	for _, k := range slices.Sorted(maps.Keys(it.Tags)) {
		if len(it.Tags[k]) > 0 {
			text += fmt.Sprintf(" %s=%v", k, slices.Sorted(slices.Values(it.Tags[k])))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(it.Locked)) {
		if it.Locked[k] {
			text += " locked:" + k
		}
	}
	return text
}
