package ui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// A run changes the queue every few seconds. An answer that takes longer than that is shown all the same.
func TestSlowAnswersAreShownWhileARunChangesTheQueue(t *testing.T) {
	w, _ := newLab(t, 9)
	w.jobs(1, 9)
	w.Inject(uitest.Fault{Mode: "jobs", Delay: 2500 * time.Millisecond})
	tab := w.Tab()
	tab.Open(queuePage)
	for i := range 8 {
		w.sql(fmt.Sprintf(`DELETE FROM job WHERE scene_id = %d`, i+1))
		look(tab)
		time.Sleep(600 * time.Millisecond)
	}
	if tab.Eval(rows) == 0. {
		t.Error("nothing is shown")
	}
	tab.WaitFor(rows+` === 1`, "the last change is not shown")
	settle(t, w.World)
	if n := strings.Count(strings.Join(w.Ops(), " "), "jobs"); n > 5 {
		t.Errorf("the list was read %d times", n)
	}
}
