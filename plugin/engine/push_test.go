package engine

import (
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestFewChangesThatPlexDoesNotMakeAreNoOutage(t *testing.T) {
	for _, c := range []struct {
		name  string
		stuck func(id int) bool
		want  Summary
		state store.BreakerState
	}{
		{"scattered", func(id int) bool { return id%10 == 0 }, Summary{Synced: 45, Retrying: 5}, store.BreakerClosed},
		{"in a row", func(id int) bool { return id > 20 && id <= 30 }, Summary{Synced: 40, Retrying: 10}, store.BreakerClosed},
		{"all", func(int) bool { return true }, Summary{Retrying: 50}, store.BreakerOpen},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 50, func(l *lab) {
				l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"studio": true} })
				studio := l.stash.Name("studio", 0, "Studio")
				for id := 1; id <= 50; id++ {
					if c.stuck(id) {
						l.stash.Change(id, func(s *stashtest.Scene) { s.Studio = studio })
					}
					l.edit("New", id)
				}
				sum := l.drain()
				sum.Class = ""
				l.want(sum, c.want)
				if b, err := l.Store.Breaker(l.Context()); err != nil || b.State != c.state {
					l.Errorf("breaker = %+v, %v, want %s", b, err, c.state)
				}
			})
		})
	}
}
