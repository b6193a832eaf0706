package main

import (
	"maps"
	"testing"
)

// A page that polls asks for other things only if a revision differs: each change raises the right one, and reading
// raises none.
func TestRevisionsDifferWithWhatTheyStandFor(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.process()
	w.calls("reports") // creates the file
	now := func() (queue, other float64) {
		t.Helper()
		r, o := w.calls("run"), w.op(map[string]any{"mode": "overview", "days": 1.0})
		if r["revision"] != o["revision"] || r["other_revision"] != o["other_revision"] {
			t.Errorf("run says %v, the overview %v and %v", r, o["revision"], o["other_revision"])
		}
		return r["revision"].(float64), r["other_revision"].(float64)
	}
	for _, c := range []struct {
		name         string
		do           func()
		queue, other bool // which changes
	}{
		{"reading", func() {
			for mode, args := range reading {
				call := map[string]any{"mode": mode}
				maps.Copy(call, args)
				_, _ = w.host.Operation(w.context(), call) // some need more than this world has
			}
		}, false, false},
		{"an edit", func() { w.bulk("One", 1) }, true, false},
		{"a pause", func() { w.calls("pause") }, false, true},
		{"another pause", func() { w.op(map[string]any{"mode": "pause", "minutes": 5.0, "by": "Ann"}) }, false, true},
		{"its end", func() { w.calls("resume") }, false, true},
		{"a report", func() { w.op(map[string]any{"mode": "restore", "scene_id": 1.0, "dry_run": true}) }, false, true},
		{"reading it", func() { w.op(map[string]any{"mode": "report", "kind": "restore"}); w.calls("reports") }, false, false},
		{"a sign-in", func() { w.op(map[string]any{"mode": "adopt-settings"}) }, false, true},
		{"its end", func() { w.calls("sign-out") }, false, true},
	} {
		queue, other := now()
		c.do()
		if q, o := now(); (q != queue) != c.queue || (o != other) != c.other {
			t.Errorf("%s: the revisions were %v and %v, and are %v and %v", c.name, queue, other, q, o)
		}
	}
}
