package push

import "testing"

func TestTallyCountsEachSceneOnceByItsLastResult(t *testing.T) {
	for _, c := range []struct {
		name    string
		results []result
		want    Tally
	}{
		{"a scene that waited and then arrived", []result{waiting, waiting, synced}, Tally{Synced: 1}},
		{"a scene that waits longer", []result{waiting, waiting}, Tally{Waiting: 1}},
		{"a scene that failed until it was dead", []result{retrying, retrying, dead}, Tally{Dead: 1}},
		{"an unchanged scene after its push", []result{synced, unchanged}, Tally{Synced: 1}},
		{"an edit of an unchanged scene", []result{unchanged, synced}, Tally{Synced: 1}},
		{"a scene that lost its data", []result{retrying, bare}, Tally{Skipped: 1, Bare: 1}},
		{"a scene that got data", []result{bare, synced}, Tally{Synced: 1}},
		{"a scene that left Stash", []result{skipped, gone}, Tally{Gone: 1}},
	} {
		for _, scene := range []int{1, 255, 256, 1 << 40} {
			var got Tally
			for _, r := range c.results {
				got.count(scene, r)
			}
			got.count(scene+1, unchanged)
			c.want.Unchanged, got.pages = 1, nil
			if got.Unchanged != 1 || got.Synced != c.want.Synced || got.Waiting != c.want.Waiting || got.Retrying != c.want.Retrying ||
				got.Dead != c.want.Dead || got.Gone != c.want.Gone || got.Skipped != c.want.Skipped || got.Bare != c.want.Bare {
				t.Errorf("%s, scene %d: %+v, want %+v", c.name, scene, got, c.want)
			}
		}
	}
}
