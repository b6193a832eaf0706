// Package tally counts what became of the scenes of a run.
package tally

// A Result is what became of a scene.
type Result uint8

// The results.
const (
	Synced Result = 1 + iota
	Unchanged
	Retrying
	Waiting
	Dead
	Gone
	Skipped
	Bare
)

// pageSize is how many scenes share a page.
const pageSize = 256

// A Tally counts the scenes of a run, each once: by the last result of its pushes, but an unchanged scene that the run
// has synced before stays synced.
type Tally struct {
	Synced, Unchanged, Retrying, Waiting, Dead, Gone, Skipped int
	Bare                                                      int // of Skipped: scenes without data
	Done                                                      int // completed claims

	pages map[int]*[pageSize]Result // one byte a scene, since a run may have a million
}

// Count counts a scene, in place of its former result, and reports whether the result is new.
func (t *Tally) Count(scene int, now Result) bool {
	if t.pages == nil {
		t.pages = make(map[int]*[pageSize]Result)
	}
	page := t.pages[scene/pageSize]
	if page == nil {
		page = new([pageSize]Result)
		t.pages[scene/pageSize] = page
	}
	before := &page[scene%pageSize]
	if *before == now || *before == Synced && now == Unchanged {
		return false
	}
	t.add(*before, -1)
	t.add(now, 1)
	*before = now
	return true
}

func (t *Tally) add(r Result, n int) {
	switch r {
	case Synced:
		t.Synced += n
	case Unchanged:
		t.Unchanged += n
	case Retrying:
		t.Retrying += n
	case Waiting:
		t.Waiting += n
	case Dead:
		t.Dead += n
	case Gone:
		t.Gone += n
	case Skipped:
		t.Skipped += n
	case Bare:
		t.Skipped += n
		t.Bare += n
	}
}
