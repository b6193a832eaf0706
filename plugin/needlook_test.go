package plugin

import (
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func TestLineAboutDeadLetters(t *testing.T) {
	for _, c := range []struct {
		counts store.Counts
		want   string
	}{
		{store.Counts{Dead: sqlitefile.Count{N: 1}, DeadByClass: map[string]int{"rejected": 1}}, `1 scene needs a look (1 rejected): "Queue status" lists them; when the cause is gone, run "Retry dead letters"`},
		{store.Counts{Dead: sqlitefile.Count{N: 10_000, Capped: true}, DeadByClass: map[string]int{"temporary": 9_000, "not_found": 1_000}}, `more than 10000 scenes need a look (1000 not_found, 9000 temporary): "Queue status" lists them; when the cause is gone, run "Retry dead letters"`},
	} {
		if got := deadLine(c.counts); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
