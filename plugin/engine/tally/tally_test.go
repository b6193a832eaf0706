package tally

import "testing"

func TestTallyCountsEachSceneOnceByItsLastResult(t *testing.T) {
	for _, c := range []struct {
		name    string
		results []Result
		want    Tally
	}{
		{"a scene that waited and then arrived", []Result{Waiting, Waiting, Synced}, Tally{Synced: 1}},
		{"a scene that waits longer", []Result{Waiting, Waiting}, Tally{Waiting: 1}},
		{"a scene that failed until it was dead", []Result{Retrying, Retrying, Dead}, Tally{Dead: 1}},
		{"an unchanged scene after its push", []Result{Synced, Unchanged}, Tally{Synced: 1}},
		{"an edit of an unchanged scene", []Result{Unchanged, Synced}, Tally{Synced: 1}},
		{"a scene that lost its data", []Result{Retrying, Bare}, Tally{Skipped: 1, Bare: 1}},
		{"a scene that got data", []Result{Bare, Synced}, Tally{Synced: 1}},
		{"a scene that left Stash", []Result{Skipped, Gone}, Tally{Gone: 1}},
	} {
		for _, scene := range []int{1, 255, 256, 1 << 40} {
			var got Tally
			for _, r := range c.results {
				got.Count(scene, r)
			}
			got.Count(scene+1, Unchanged)
			c.want.Unchanged, got.pages = 1, nil
			if got.Unchanged != 1 || got.Synced != c.want.Synced || got.Waiting != c.want.Waiting || got.Retrying != c.want.Retrying ||
				got.Dead != c.want.Dead || got.Gone != c.want.Gone || got.Skipped != c.want.Skipped || got.Bare != c.want.Bare {
				t.Errorf("%s, scene %d: %+v, want %+v", c.name, scene, got, c.want)
			}
		}
	}
}
