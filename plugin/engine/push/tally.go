package push

// A result is what became of a scene.
type result uint8

const (
	synced result = 1 + iota
	unchanged
	retrying
	waiting
	dead
	gone
	skipped
	bare
)

// tallyPage is how many scenes share a page of a tally.
const tallyPage = 256

// A Tally counts the scenes of a run, each once: by the last result of its pushes, but an unchanged scene that the run
// has synced before stays synced.
type Tally struct {
	Synced, Unchanged, Retrying, Waiting, Dead, Gone, Skipped int
	Bare                                                      int // of Skipped: scenes without data
	Done                                                      int // completed claims

	pages map[int]*[tallyPage]result // one byte a scene, since a run may have a million
}

// count counts a scene, in place of its former result, and reports whether the result is new.
func (t *Tally) count(scene int, now result) bool {
	if t.pages == nil {
		t.pages = make(map[int]*[tallyPage]result)
	}
	page := t.pages[scene/tallyPage]
	if page == nil {
		page = new([tallyPage]result)
		t.pages[scene/tallyPage] = page
	}
	before := &page[scene%tallyPage]
	if *before == now || *before == synced && now == unchanged {
		return false
	}
	t.add(*before, -1)
	t.add(now, 1)
	*before = now
	return true
}

func (t *Tally) add(r result, n int) {
	switch r {
	case synced:
		t.Synced += n
	case unchanged:
		t.Unchanged += n
	case retrying:
		t.Retrying += n
	case waiting:
		t.Waiting += n
	case dead:
		t.Dead += n
	case gone:
		t.Gone += n
	case skipped:
		t.Skipped += n
	case bare:
		t.Skipped += n
		t.Bare += n
	}
}
