package retry

import (
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestOnlySkippedScenesAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{Skipped("a", "b"), string(ClassSkipped)},
		{Gone("a", "b"), ""},
		{NotFound("a"), ""},
		{Unready("a"), ""},
	} {
		if got := Complete(store.Job{SceneID: 1}, Judge(c.err), c.err, 5, 0.5).LeftOut; got != c.want {
			t.Errorf("%v: left out %q, want %q", c.err, got, c.want)
		}
	}
	for reason, want := range map[string]string{`{"code":"no_data"}`: "no_data", "": "", "{": "", "{}": ""} {
		if got := codeOf(reason); got != want {
			t.Errorf("codeOf(%q) = %q", reason, got)
		}
	}
}
