package queue

import (
	"strconv"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// sentence says how things are, and what a person can do about it: first what keeps everything from working, then what
// concerns some scenes.
func (r *Overview) sentence(d *desk.Desk) string {
	c := &r.Coverage
	problems := settings.ProblemsOf(d.SettingsErr)
	switch {
	case unset(d):
		return "Nothing is set up yet: sign in to Plex on the plugin's page, or fill in " + settings.Label("plexUrl") + " and " + settings.Label("plexToken") + " on Stash's settings page, then run \"Check connection\""
	case len(problems) > 0:
		return "A setting must be corrected: " + problems[0].String()
	case r.Paused != nil:
		return "Pushing is " + r.Paused.String() + ": " + thousands(c.Pending) + plural(c.Pending, " scene waits", " scenes wait")
	case d.Silent() || c.Scenes == nil:
		return "Stash does not answer. As far as the queue knows, " + thousands(c.UpToDate) + plural(c.UpToDate, " scene is", " scenes are") + " in Plex and up to date"
	case r.Breaker.State != string(store.BreakerClosed):
		return text.Join("Plex does not answer as it should, so pushing is paused: "+thousands(c.Pending)+plural(c.Pending, " scene waits", " scenes wait"), "the cause: "+r.Breaker.LastError)
	case r.Stopped != nil:
		return "The last run stopped: " + r.Stopped.Text
	case *c.Scenes == 0:
		return "Stash has no scenes yet"
	case *c.NeverPushed == *c.Scenes:
		return "No scene has been pushed to Plex yet: run \"Check connection\", then \"Preview changes\", then \"Sync all scenes\""
	}
	return r.covered()
}

// covered says how many scenes are in Plex, and what is with the others.
func (r *Overview) covered() string {
	c := &r.Coverage
	const good = " in Plex and up to date"
	line := thousands(c.UpToDate) + " of " + thousands(*c.Scenes) + " scenes" + plural(c.UpToDate, " is", " are") + good
	switch {
	case *c.Scenes == 1 && c.UpToDate == 0:
		line = "The scene is not" + good
	case *c.Scenes == 1:
		line = "The scene is" + good
	case c.UpToDate >= *c.Scenes:
		line = "All " + thousands(*c.Scenes) + " scenes are" + good
	}
	for _, some := range []struct {
		n         int
		one, more string
	}{
		{c.Pending, " is to be pushed", " are to be pushed"},
		{c.NotFound, " is not found in Plex", " are not found in Plex"},
		{c.Dead, " needs a look", " need a look"},
		{c.LeftOut.Total, " is left out on purpose", " are left out on purpose"},
		{c.Restored, " is restored", " are restored"},
		{*c.NeverPushed, " was never pushed", " were never pushed"},
	} {
		if some.n > 0 {
			line += "; " + thousands(some.n) + plural(some.n, some.one, some.more)
		}
	}
	return line
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// thousands returns a number that is not negative, with a comma between groups of three digits.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}
