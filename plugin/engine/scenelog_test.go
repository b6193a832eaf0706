package engine

import (
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
)

func TestLogNamesASceneByItsTitleUnlessRedacted(t *testing.T) {
	for _, c := range []struct {
		name     string
		redacted bool
		want     []string
		not      string
	}{
		{"readable", false, []string{`synced scene=1 title="Velvet Winter" item=`, "scene=2 title=clip2.mp4", "fields=title"}, "/data"},
		{"redacted", true, []string{"synced scene=1 title=[", "scene=2 title=["}, "Velvet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 2, func(l *lab) {
				log := stashlog.New(l.log, nil)
				log.Reveal(!c.redacted)
				l.Log = log.Logger(true)
				l.edit("Velvet Winter", 1)
				l.edit("", 2)
				l.stash.Change(2, func(s *stashtest.Scene) { s.Details = "Details" })
				l.want(l.run(), Summary{Synced: 2})
				for _, want := range c.want {
					if !strings.Contains(l.log.String(), want) {
						l.Errorf("the log does not contain %q", want)
					}
				}
				if text := l.log.String(); strings.Contains(text, c.not) || c.redacted && strings.Contains(text, "clip2") {
					l.Errorf("the log contains a private text:\n%s", text)
				}
			})
		})
	}
}
