package plugin

import (
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
)

// An import and its undo leave when other jobs wait, and go on behind them: each page is read once, each play comes once.
func TestImportOfPlaysMakesRoomAndIsContinued(t *testing.T) {
	const scenes, plays = 3, 1100
	c := newCrowd(t, scenes)
	if log, _ := c.start(common.ArgsMap{"mode": "sync-all"}); !strings.Contains(log, "3 synced") {
		t.Fatalf("the scenes are not synced: %s", log)
	}
	c.stash.SetSettings(ID, map[string]any{"plexUrl": c.plex.URL(), "plexToken": "token-123", "85plays": "on"})
	began := time.Now().Add(-1000 * time.Hour)
	for i := range plays {
		c.plex.Play(c.keys[i%scenes], plextest.Owner, began.Add(time.Duration(i)*time.Minute))
	}
	c.stash.Hold("our own task")
	c.stash.Hold("Scanning...")
	held := func() (n int) {
		for id := 1; id <= scenes; id++ {
			s, _ := c.stash.Scene(id)
			n += len(s.Plays)
		}
		return n
	}
	c.plex.Forget()
	parts, log := c.toTheEnd(common.ArgsMap{"mode": "import-plays"}, "Import plays", engine.PlaysDescription)
	if n := held(); parts < 5 || n != plays {
		t.Errorf("in %d parts Stash got %d plays, want %d: %s", parts, n, plays, log)
	}
	pages := 0
	for _, r := range c.plex.Requests() {
		if strings.HasPrefix(r.Path, "/status/sessions/history") && r.Header.Get("X-Plex-Container-Size") == "500" {
			pages++
		}
	}
	if pages != 3 {
		t.Errorf("%d pages of the history were read, want 3", pages)
	}
	parts, log = c.toTheEnd(common.ArgsMap{"mode": "undo-plays"}, "Undo imported plays", engine.PlaysDescription)
	if n := held(); parts < 5 || n != 0 {
		t.Errorf("in %d parts an undo left %d plays: %s", parts, n, log)
	}
}

func TestAbsurdPositionsOfAnImportDoNoHarm(t *testing.T) {
	c := newCrowd(t, 1)
	c.stash.SetSettings(ID, map[string]any{"plexUrl": c.plex.URL(), "plexToken": "token-123", "85plays": "on"})
	for position, fails := range map[string]bool{
		"{": true, "[]": true, `{"row":-9223372036854775808}`: false, `{"row":9223372036854775807}`: false, `{"row":5,"read":true}`: false,
	} {
		var out common.PluginOutput
		args := common.ArgsMap{"mode": "import-plays", asTask: "yes", continueArg: position}
		if err := NewRunner("1", &logBuffer{}).Run(common.PluginInput{ServerConnection: c.conn, Args: args}, &out); err != nil || (out.Error != nil) != fails {
			t.Errorf("%s: Run = %v, output %+v", position, err, out)
		}
	}
}
