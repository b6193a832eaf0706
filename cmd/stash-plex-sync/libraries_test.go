package main

import (
	"strings"
	"testing"
)

func TestLibrariesSayHowScenesMatch(t *testing.T) {
	w := newWorld(t, 3)
	w.plex.Remove(w.keys[2])
	show := func() map[string]any { t.Helper(); return w.op(map[string]any{"mode": "libraries"}) }
	out := show()
	if out["looked"] != 3.0 || out["matched"] != 2.0 || len(out["libraries"].([]any)) != 1 || out["problem"] != nil {
		t.Errorf("libraries = %v", out)
	}
	for _, one := range out["samples"].([]any) {
		s := one.(map[string]any)
		if why, _ := s["why"].(string); (s["scene_id"] == 2.0) != strings.Contains(why, "Plex has no file") {
			t.Errorf("sample %v", s)
		}
	}
	before := w.count("meta")
	w.settings(map[string]any{"plexLibraries": "Nothing of this name"})
	out = show()
	if problem, _ := out["problem"].(map[string]any); problem["code"] != "libraries" || out["looked"] != 0.0 {
		t.Errorf("with a library that does not exist: %v", out)
	}
	w.plex.Stop()
	if out = show(); out["libraries"] != nil || out["plex"].(map[string]any)["reachable"] != false {
		t.Errorf("without Plex: %v", out)
	}
	if after := w.count("meta"); after != before {
		t.Errorf("meta had %d rows, and has %d", before, after)
	}
}
