package engine

import (
	"testing"
	"testing/synctest"
)

// replay plays a sequence that once did not agree with the model.
func replay(t *testing.T, v variant, steps ...step) {
	t.Helper()
	a := newArena(t)
	synctest.Test(t, func(t *testing.T) {
		var log string
		if err := a.play(sequence{v, steps}, func(text string) { log = text }); err != nil {
			t.Errorf("%v\n%s", err, log)
		}
	})
}

// The scene that others are merged into has nothing to show: what was pushed of them has to go.
func TestMergeIntoASceneWithoutValuesRestoresEverything(t *testing.T) {
	replay(t, variant{}, step{"sync all", 0, 0, 0, 0}, step{"merge", 0, 2, 0, 0})
}

// The same, while the index of Plex's files is being rebuilt.
func TestMergeIntoASceneWithoutValuesWaitsForTheIndex(t *testing.T) {
	replay(t, variant{}, step{"run", 4, 9, 15, 3}, step{"merge", 7, 14, 0, 6}, step{"edit", 7, 5, 11, 1}, step{"run", 6, 7, 3, 11},
		step{"rebuild", 1, 13, 3, 2}, step{"merge", 0, 7, 4, 2}, step{"run", 4, 10, 4, 31})
}

// Plex loses an item for a moment, and the run ends before it can read the library again.
func TestDroppedItemIsFoundAfterAStopBeforeItsLibraryIsReadAgain(t *testing.T) {
	replay(t, variant{}, step{"edit", 0, 0, 0, 0}, step{"plex edit", 2, 0, 0, 0}, step{"plex fault", 15, 0, 0, 0}, step{"run", 0, 0, 0, 0},
		step{"edit", 0, 0, 1, 0}, step{"run", 0, 1, 0, 14})
}

// All items of a library get new keys, and no job is queued.
func TestLibraryThatIsCreatedAgainShowsEverything(t *testing.T) {
	replay(t, variant{}, step{"sync all", 0, 0, 0, 0}, step{"clock", 6, 0, 0, 0}, step{"remake", 0, 0, 0, 0})
}
