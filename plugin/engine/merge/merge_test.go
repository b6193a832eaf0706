package merge

import (
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func v(values ...string) store.Value { return values }

// One row of a scalar's merge: what was there before our first write, what we sent and read back, what
// Stash wants, what Plex holds now.
func TestMergeOfAScalar(t *testing.T) {
	type memory struct {
		before, sent, back string
		known, lockedThen  bool // before is known, and was locked
	}
	fresh := memory{}
	ours := memory{before: "old", sent: "S1", back: "S1", known: true}
	oursCleared := memory{before: "", sent: "S1", back: "S1", known: true}
	for _, c := range []struct {
		name   string
		base   memory
		want   string // by Stash
		held   string // by Plex
		locked bool   // in Plex, now
		keep   bool
		set    string // "-": nothing is written
		lock   string // "+" locked, "-" unlocked, "" untouched
	}{
		{"first push", fresh, "S1", "old", false, false, "S1", "+"},
		{"first push of what Plex shows already", fresh, "S1", "S1", false, false, "-", ""},
		{"unchanged", ours, "S1", "S1", true, false, "-", ""},
		{"Stash changed", ours, "S2", "S1", true, false, "S2", "+"},
		{"Plex changed: Stash wins", ours, "S1", "P", true, false, "S1", "+"},
		{"Plex changed: kept", ours, "S1", "P", true, true, "-", ""},
		{"both changed: kept", ours, "S2", "P", true, true, "-", ""},
		{"both came to the same", ours, "P", "P", true, true, "-", ""},
		{"an agent put the old value back: that is no edit", ours, "S1", "old", false, true, "S1", "+"},
		{"Stash changed, Plex holds ours", ours, "S2", "S1", true, true, "S2", "+"},
		{"locked before our first push: kept", fresh, "S1", "P", true, true, "-", ""},
		{"locked before our first push, not kept", fresh, "S1", "P", true, false, "S1", "+"},
		{"locked long ago: kept", memory{before: "P", known: true, lockedThen: true}, "S1", "P", true, true, "-", ""},
		{"Stash has nothing, Plex's is not ours", fresh, "", "P", false, false, "-", ""},
		{"Stash has nothing any more: put back", ours, "", "S1", true, false, "old", "-"},
		{"put back with its lock", memory{"old", "S1", "S1", true, true}, "", "S1", true, false, "old", ""},
		{"put back what was nothing", oursCleared, "", "S1", true, false, "", "-"},
		{"Stash has nothing any more, a person changed Plex", ours, "", "P", true, false, "-", ""},
		{"died after the write, before it was read back", memory{before: "old", sent: "S2", back: "S1", known: true}, "S2", "S2", true, true, "-", ""},
		{"the same, and Stash changed again", memory{before: "old", sent: "S2", back: "S1", known: true}, "S3", "S2", true, true, "S3", "+"},
		{"died before the write", memory{before: "old", sent: "S2", known: true}, "S2", "old", false, true, "S2", "+"},
		{"died before the write, an agent came since", memory{before: "old", sent: "S2", known: true}, "S2", "agent's", false, true, "S2", "+"},
		{"died before the write, a person came since", memory{before: "old", sent: "S2", known: true}, "S2", "P", true, true, "-", ""},
		{"died before the lock, an agent came since", memory{before: "S1", sent: "S1", known: true}, "S1", "agent's", false, true, "S1", "+"},
		{"differs in form only", ours, "S1", "S1  \r\n", true, false, "-", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			const f = string(plexapi.Summary)
			base := store.Item{Original: map[string]store.Held{}, Sent: map[string]store.Value{}, Confirmed: map[string]store.Value{}}
			if c.base.known {
				base.Original[f] = store.Held{Value: Scalar(c.base.before), Locked: c.base.lockedThen}
			}
			if c.base.sent != "" {
				base.Sent[f] = v(c.base.sent)
			}
			if c.base.back != "" {
				base.Confirmed[f] = v(c.base.back)
			}
			p := Merge(MergeInput{
				Desired: Desired{Values: map[string]store.Value{f: Scalar(c.want)}}, Base: base, KeepPlexEdits: c.keep,
				Current: plexapi.Item{Summary: c.held, Locked: map[string]bool{f: c.locked}},
			})
			got, set := p.Edit.Set[plexapi.Summary]
			if !set {
				got = "-"
			}
			lock := ""
			if slices.Contains(p.Edit.Lock, f) {
				lock = "+"
			} else if slices.Contains(p.Edit.Unlock, f) {
				lock = "-"
			}
			if got != c.set || lock != c.lock {
				t.Errorf("set %q, lock %q; want %q, %q", got, lock, c.set, c.lock)
			}
			if set && p.Base.Original[f].Value == nil && c.held != "" && !c.base.known {
				t.Error("what was there before is not remembered")
			}
		})
	}
}

func TestTitleIsRestoredButNeverCleared(t *testing.T) {
	base := store.Item{Original: map[string]store.Held{"title": {}}, Sent: map[string]store.Value{"title": v("S")}, Confirmed: map[string]store.Value{"title": v("S")}}
	p := Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{"title": nil}}, Base: base, Current: plexapi.Item{Title: "S"}})
	if len(p.Edit.Set) != 0 {
		t.Errorf("edit = %+v", p.Edit)
	}
}

func TestMergeOfTags(t *testing.T) {
	for _, c := range []struct {
		name                      string
		want, owned, before, held string // comma separated
		keep                      bool
		remove, send, ownedAfter  string
	}{
		{"first push keeps Plex's own", "A,B", "", "", "P", false, "", "P,A,B", "A,B"},
		{"what was there already is not ours", "A,P", "", "", "P", false, "", "P,A", "A"},
		{"unchanged", "A,B", "A,B", "P", "P,A,B", false, "", "", "A,B"},
		{"one taken away in Stash", "B", "A,B", "P", "P,A,B", false, "A", "", "A,B"},
		{"all taken away in Stash", "", "A,B", "P", "P,A,B", false, "A,B", "", "A,B"},
		{"one exchanged", "B,C", "A,B", "P", "P,A,B", false, "A", "P,B,C", "A,B,C"},
		{"removed in Plex's spelling", "", "a", "", "A", false, "A", "", "a"},
		{"equal but for case", "a", "", "", "A", false, "", "", ""},
		{"a person removed ours: it comes back", "A", "A", "", "", false, "", "A", "A"},
		{"a person removed ours: kept", "A", "A", "P", "", true, "", "", "A"},
		{"never remove what others added", "A", "A", "", "A,X", false, "", "", "A"},
		{"a person removed what Stash no longer wants: not ours any more", "", "A", "", "X", false, "", "", ""},
		{"Stash has none and nothing is ours", "", "", "", "P", false, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			const f = string(plexapi.Genre)
			base := store.Item{Owned: map[string][]string{f: list(c.owned)}}
			if c.before != "" || c.owned != "" {
				base.Original = map[string]store.Held{f: {Value: list(c.before)}}
				base.Confirmed = map[string]store.Value{f: list(c.before + "," + c.owned)}
			}
			p := Merge(MergeInput{
				Desired: Desired{Values: map[string]store.Value{f: list(c.want)}}, Base: base, KeepPlexEdits: c.keep,
				Current: plexapi.Item{Tags: map[plexapi.TagKind][]string{plexapi.Genre: list(c.held)}},
			})
			remove, send := strings.Join(p.First.Remove[plexapi.Genre], ","), strings.Join(p.Edit.Tags[plexapi.Genre], ",")
			if remove != c.remove || send != c.send {
				t.Errorf("remove %q, send %q; want %q, %q", remove, send, c.remove, c.send)
			}
			if owned := p.Base.Owned[f]; !sameSet(owned, list(c.ownedAfter)) {
				t.Errorf("owned ahead of the write: %v, want %s", owned, c.ownedAfter)
			}
		})
	}
}

func list(text string) []string {
	var out []string
	for s := range strings.SplitSeq(text, ",") {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func TestNormalizedValueIsRecordedOnce(t *testing.T) {
	const f = string(plexapi.Studio)
	d := Desired{Values: map[string]store.Value{f: v("ACME  Ltd")}}
	p := Merge(MergeInput{Desired: d, Current: plexapi.Item{Studio: "x"}})
	o := AfterReadBack(p, plexapi.Item{Studio: "Acme"})
	if len(o.Failed) != 0 || len(o.Forms) != 1 {
		t.Fatalf("outcome = %+v", o)
	}
	if p := Merge(MergeInput{Desired: d, Base: o.Base, Current: plexapi.Item{Studio: "Acme", Locked: map[string]bool{f: true}}}); !p.Empty() {
		t.Errorf("the same value is sent again: %+v", p.Edit)
	}
	d.Values[f] = v("Other")
	if p := Merge(MergeInput{Desired: d, Base: o.Base, Current: plexapi.Item{Studio: "Acme"}}); p.Empty() {
		t.Error("another value is not sent")
	}
	if o := AfterReadBack(p, plexapi.Item{Studio: "x"}); len(o.Failed) != 1 {
		t.Errorf("a field that did not move is no failure: %+v", o)
	}
}

func TestRejectedValueIsLeftOutUntilItChanges(t *testing.T) {
	const f = string(plexapi.Studio)
	d := Desired{Values: map[string]store.Value{f: v("bad")}}
	p := Merge(MergeInput{Desired: d, Current: plexapi.Item{}})
	base := LeftOut(p, p.Base, f, &plexapi.Item{}, true)
	p = Merge(MergeInput{Desired: d, Base: base, Current: plexapi.Item{}})
	if !p.Empty() || len(p.Problems) != 1 {
		t.Errorf("plan = %+v", p)
	}
	d.Values[f] = v("good")
	if p := Merge(MergeInput{Desired: d, Base: base, Current: plexapi.Item{}}); p.Empty() {
		t.Error("another value is not sent")
	}
	between := Merge(MergeInput{Desired: d, Base: base, Current: plexapi.Item{Studio: "good"}}) // there is nothing to send
	d.Values[f] = v("bad")
	if p := Merge(MergeInput{Desired: d, Base: between.Base, Current: plexapi.Item{Studio: "good"}}); p.Empty() {
		t.Error("the value that was refused once is not tried again after another")
	}
}

func TestTagAddedWhileARemovalWasRefusedIsOurs(t *testing.T) {
	const f = string(plexapi.Actor)
	with := func(names ...string) plexapi.Item {
		return plexapi.Item{Tags: map[plexapi.TagKind][]string{plexapi.Actor: names}}
	}
	d := Desired{Values: map[string]store.Value{f: v("Ann")}}
	p := Merge(MergeInput{Desired: d, Current: with("Extra")})
	base := AfterReadBack(p, with("Extra", "Ann")).Base
	d.Values[f] = v("Bea") // Ann is not taken away
	p = Merge(MergeInput{Desired: d, Base: base, Current: with("Extra", "Ann")})
	now := with("Extra", "Ann", "Bea")
	base = LeftOut(p, AfterReadBack(p, now).Base, f, &now, true)
	d.Values[f] = v("Cid")
	if p = Merge(MergeInput{Desired: d, Base: base, Current: now}); !slices.Equal(p.First.Remove[plexapi.Actor], []string{"Ann", "Bea"}) {
		t.Errorf("removed are %v, want all that were added", p.First.Remove)
	}
}

func TestBaseOfAPlanSharesNoImages(t *testing.T) {
	stored := store.Item{Images: map[string]store.Image{"thumb": {SHA1: "a"}}}
	p := Merge(MergeInput{Base: stored})
	p.Base.Images["thumb"] = store.Image{SHA1: "b"}
	if got := stored.Images["thumb"].SHA1; got != "a" {
		t.Errorf("a change of the plan's images changed the stored ones to %q", got)
	}
}

// The new value of a field is refused at the nth attempt, each of which stores ahead what it sends; then
// Stash has nothing for the field any more.
func TestRefusedValueKeepsTheOldOneOurs(t *testing.T) {
	const f = string(plexapi.Studio)
	held := plexapi.Item{Studio: "S1", Locked: map[string]bool{f: true}}
	d := Desired{Values: map[string]store.Value{f: v("S1")}}
	p := Merge(MergeInput{Desired: d, Current: plexapi.Item{Studio: "old"}})
	sent := AfterReadBack(p, held).Base
	for attempts := 1; attempts <= 3; attempts++ {
		base := sent
		d.Values[f] = v("bad")
		for range attempts {
			p = Merge(MergeInput{Desired: d, Base: base, Current: held})
			base = p.Base
		}
		base = LeftOut(p, AfterReadBack(p, held).Base, f, &held, true)
		d.Values[f] = nil
		if p = Merge(MergeInput{Desired: d, Base: base, Current: held}); p.Edit.Set[plexapi.Studio] != "old" {
			t.Errorf("refused at attempt %d: edit = %+v, want the old value back", attempts, p.Edit)
		}
	}
}
