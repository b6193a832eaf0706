package retry

import (
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestOnlySkippedScenesAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{Skipped(reason.NotOrganized(), "a", "b"), "not_organized"},
		{Skipped(reason.Reason{}, "a", "b"), string(ClassSkipped)},
		{Gone(reason.NoFile(), "a", "b"), ""},
		{NotFound(reason.NotInPlex("/x"), "a"), ""},
		{Unready(reason.LibraryNotRead(""), "a"), ""},
	} {
		if got := Complete(store.Job{SceneID: 1}, Judge(c.err), c.err, 5, 0.5).LeftOut; got != c.want {
			t.Errorf("%v: left out %q, want %q", c.err, got, c.want)
		}
	}
}
