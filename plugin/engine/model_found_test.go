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
func TestMergeIntoASceneWithoutValuesLeavesNothingOfOurs(t *testing.T) {
	replay(t, variant{}, step{"sync all", 0, 0, 0, 0}, step{"merge", 0, 2, 0, 0})
}
