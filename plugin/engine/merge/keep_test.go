package merge

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// genres is an item with these genres, comma separated; a lock is given as a last word "+".
func genres(text string) plexapi.Item {
	text, locked := strings.CutSuffix(text, "+")
	return plexapi.Item{
		Tags:   map[plexapi.TagKind][]string{plexapi.Genre: list(text)},
		Locked: map[string]bool{string(plexapi.Genre): locked},
	}
}

// One row of the rule which tags are a person's: what was there before our first write, what we own, sent
// and read back ("-": never), what Plex holds now, and what Stash wants.
func TestOnlyTagsOfAPersonAreKept(t *testing.T) {
	for _, c := range []struct {
		name, before, owned, sent, back, held, want string
		kept                                        bool
	}{
		{"nothing happened", "", "A", "A", "A", "A+", "A,B", false},
		{"a person added one", "", "A", "A", "A", "A,X+", "A,B", true},
		{"a person removed ours", "", "A,B", "A,B", "A,B", "A+", "A,B", true},
		{"a person removed one of Plex's", "P", "A", "A", "P,A", "A+", "A,B", true},
		{"the removal went through, what was to come did not", "", "A,B,C", "B,C", "A,B", "B+", "B,C", false},
		{"half of the removal went through", "P", "A,B", "", "P,A,B", "P,B+", "", false},
		{"died after the first write", "P", "A", "A", "-", "P,A+", "A,B", false},
		{"died after the first write, and a person added one", "P", "A", "A", "-", "P,A,X+", "A,B", true},
		{"died before the first write, an agent came since", "", "A", "A", "-", "Drama", "A", false},
		{"died before the first write, a person came since", "", "A", "A", "-", "Drama+", "A", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			const f = string(plexapi.Genre)
			base := store.Item{
				Original: map[string]store.Held{f: {Value: list(c.before)}}, Owned: map[string][]string{f: list(c.owned)},
				Sent: map[string]store.Value{f: list(c.sent)}, Confirmed: map[string]store.Value{f: list(c.back)},
			}
			if c.back == "-" {
				base.Confirmed = nil
			}
			in := MergeInput{Desired: Desired{Values: map[string]store.Value{f: list(c.want)}}, Base: base, Current: genres(c.held), KeepPlexEdits: true}
			p := Merge(in)
			if p.Empty() != c.kept {
				t.Fatalf("first %+v, edit %+v", p.First, p.Edit)
			}
			in.Base = p.Base // any write fails
			if p := Merge(in); p.Empty() != c.kept {
				t.Errorf("the second time: first %+v, edit %+v", p.First, p.Edit)
			}
		})
	}
}

func TestEditOfAPersonIsKeptUntilBothSidesAreEqual(t *testing.T) {
	const f = string(plexapi.Summary)
	var base store.Item
	var held plexapi.Item
	for _, c := range []struct{ plex, stash, want string }{
		{"old", "S1", "S1"},
		{"P", "S1", "P"}, // a person's
		{"P", "S2", "P"},
		{"P", "P", "P"}, // equal: from here on Stash leads again
		{"P", "S3", "S3"},
		{"S3", "", "old"},
	} {
		held.Summary = c.plex
		p := Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{f: Scalar(c.stash)}}, Base: base, Current: held, KeepPlexEdits: true})
		if text, set := p.Edit.Set[plexapi.Summary]; set {
			held.Summary, held.Locked = text, map[string]bool{f: true}
		}
		if base = AfterReadBack(p, held).Base; held.Summary != c.want {
			t.Errorf("Stash %q, Plex %q: shows %q, want %q", c.stash, c.plex, held.Summary, c.want)
		}
	}
}

// If only we write to Plex, nothing counts as an edit of a person, even after repeated crashes.
func TestOwnWritesNeverCountAsEditsOfAPerson(t *testing.T) {
	fields, err := ParseFields("-title,-details")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		seed := uint64(i)
		r := rand.New(rand.NewPCG(seed, 2))
		plex := &simPlex{replace: seed%2 == 0, keep: true, Item: plexapi.Item{
			Locked: map[string]bool{}, Tags: map[plexapi.TagKind][]string{plexapi.Genre: []string{"Foreign", "A"}[:r.IntN(3)]},
		}}
		var base store.Item
		for range 1 + r.IntN(6) {
			base, _ = plex.push(Desire(randomScene(r), fields), base, r.IntN(5))
		}
		final := Desire(randomScene(r), fields)
		plex.push(final, base, 4)
		for field, want := range final.Values {
			held := Current(&plex.Item, field)
			if IsTags(field) && len(Without(want, held)) > 0 || field == string(plexapi.Studio) && len(want) > 0 && !Same(field, held, want) {
				t.Fatalf("seed %d: %s is %v, want %v", seed, field, held, want)
			}
		}
	}
}
