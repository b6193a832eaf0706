package plugin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
)

// crowd fills the queue of a world with waiting jobs, failed jobs and dead letters, whose scenes are in Stash.
func (w *reasonWorld) crowd(waiting, failed, dead int) {
	w.Helper()
	w.op(common.ArgsMap{"mode": "process"})
	w.sql(`DELETE FROM job`)
	for i := range waiting + failed + dead {
		w.stash.Add(stashtest.Scene{ID: 100 + i, Title: fmt.Sprintf("Scene %d", 100+i)})
	}
	insert := func(n, first int, query string) {
		w.sql(fmt.Sprintf(`WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s LIMIT %d) `, n) + strings.ReplaceAll(query, "ID", fmt.Sprintf("(%d + i)", first)))
	}
	const job = `INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at, attempts, misses, last_error_class, last_error) SELECT ID, 'edit', 1, 0, 5000 - ID, `
	insert(waiting, 100, job+`0, 1, 'not_found', 'no item' FROM s WHERE i < `+fmt.Sprint(waiting))
	insert(failed, 100+waiting, job+`2, 0, 'temporary', 'answered 500' FROM s WHERE i < `+fmt.Sprint(failed))
	insert(dead, 100+waiting+failed, `INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, class, error, died_at)
		SELECT ID, 'edit', 1, 0, 0, 0, 0, 'rejected', 'refused', 5000 - ID FROM s WHERE i < `+fmt.Sprint(dead))
	w.lines = nil
}

func TestListOfScenesFitsOnTheLogPageAndEndsWithDeadLetters(t *testing.T) {
	for _, c := range []struct {
		waiting, failed, dead int
		lines                 int // about scenes
		more                  bool
		first, last           string
	}{
		{1, 1, 1, 3, false, `waits: no item scene=100 title="Scene 100"`, `dead letter: refused; when the cause is gone, edit it or run "Retry dead letters" scene=102 title="Scene 102"`},
		{2, 0, 0, 2, false, `waits: no item scene=101`, `waits: no item scene=100`},
		{0, 2, 0, 2, false, `failed 2 times: answered 500; the next runs try again scene=101`, `scene=100`},
		{60, 0, 0, 25, true, `scene=124`, `scene=100`},
		{0, 0, 60, 25, true, `scene=124`, `scene=100`},
		{60, 0, 60, 25, true, `waits: no item scene=111`, `scene=160`},
		{20, 0, 5, 25, false, `scene=119`, `scene=120`},
	} {
		w := newReasonWorld(t)
		w.crowd(c.waiting, c.failed, c.dead)
		out := w.op(common.ArgsMap{"mode": "status"})
		name := fmt.Sprintf("%d waiting, %d failed, %d dead", c.waiting, c.failed, c.dead)
		list := w.with("scene=")
		if more := len(w.with("of the scenes that are not in Plex are listed")); len(list) != c.lines || (more == 1) != c.more || len(w.lines) != c.lines+1+more {
			t.Errorf("%s: %d lines about scenes, %d about more: %q", name, len(list), more, w.lines)
			continue
		}
		if !strings.Contains(list[0], c.first) || !strings.Contains(list[len(list)-1], c.last) {
			t.Errorf("%s: the list goes from %q to %q", name, list[0], list[len(list)-1])
		}
		if verdict := w.lines[len(w.lines)-1]; !strings.Contains(verdict, "items in Plex") {
			t.Errorf("%s: the last line is %q", name, verdict)
		}
		jobs, letters := out["queue"].(map[string]any)["items"].([]any), out["dead_letters"].(map[string]any)["items"].([]any)
		if len(jobs) != min(c.waiting+c.failed, status.Listed) || len(letters) != min(c.dead, status.Listed) {
			t.Errorf("%s: status returns %d jobs and %d dead letters", name, len(jobs), len(letters))
		}
	}
}

func TestListOfScenesNeedsNoStash(t *testing.T) {
	w := newReasonWorld(t)
	w.crowd(1, 0, 1)
	w.stash.Inject(stashtest.Fault{Operation: "ScenesByID", Status: 500})
	out := w.op(common.ArgsMap{"mode": "status"})
	if len(w.with("scene=100")) != 1 || len(w.with("scene=101")) != 1 || len(w.with("title=")) != 0 {
		t.Errorf("lines %q, want both scenes without titles", w.lines)
	}
	if one := out["queue"].(map[string]any)["items"].([]any)[0].(map[string]any); one["scene_id"] != 100.0 || one["title"] != "" {
		t.Errorf("item %v", one)
	}
}

func TestListOfScenesIsRedacted(t *testing.T) {
	w := newReasonWorld(t)
	w.crowd(1, 0, 1)
	w.set["redactLogs"] = true
	out := w.op(common.ArgsMap{"mode": "status"})
	if len(w.with("title=[")) != 2 || len(w.with("Scene 100")) != 0 {
		t.Errorf("lines %q, want codes in place of titles", w.lines)
	}
	if one := out["queue"].(map[string]any)["items"].([]any)[0].(map[string]any); one["title"] != "Scene 100" {
		t.Errorf("item %v, want its title: an operation's caller sees it", one)
	}
}
