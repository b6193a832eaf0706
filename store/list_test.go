package store

import (
	"fmt"
	"testing"
)

func TestListsAreLookedUpByIndex(t *testing.T) {
	s := openStore(t)
	for query, want := range map[string]string{
		itemsByKey:       "SEARCH item USING PRIMARY KEY (server=? AND rating_key=?)",
		deleteOtherLinks: "SEARCH link USING INDEX link_scene (scene_id=? AND server=?)",
		`SELECT rating_key FROM item WHERE ` + keysOfChosen: "SEARCH item USING PRIMARY KEY (server=? AND rating_key>?)",
		heirs: "SEARCH awaited_file USING PRIMARY KEY (base=?)",
	} {
		if steps := plan(t, s, query); len(steps) == 0 || steps[0] != want {
			t.Errorf("%s\nis carried out as %q, want %s", query, steps, want)
		}
	}
}

// SQLite allows 32,766 parameters in a statement. A list is one.
func TestListsMayBeLong(t *testing.T) {
	const n = 50_000
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprint("key ", i))
	}
	s := openStore(t)
	if err := s.PutItems(t.Context(), []Item{
		{Server: "S", RatingKey: keys[n-1], Section: "chosen"}, {Server: "S", RatingKey: "other", Section: keys[n-1]},
	}); err != nil {
		t.Fatal(err)
	}
	items, err := s.Items(t.Context(), "S", keys)
	if err != nil || len(items) != 1 || items[keys[n-1]].RatingKey == "" {
		t.Errorf("Items = %v, %v; want the last of %d keys", items, err, n)
	}
	asked := 0
	err = s.LookForAbsent(t.Context(), t0, "S", keys, func(some []string) (map[string]bool, error) {
		asked += len(some)
		return nil, nil
	})
	if err != nil || asked != 1 {
		t.Errorf("LookForAbsent = %v, asked for %d items, want the one of a chosen section", err, asked)
	}
}
