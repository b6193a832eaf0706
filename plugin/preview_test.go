package plugin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestPreviewLogsTheFirstScenesWithTheirTitles(t *testing.T) {
	const scenes = previewed + 2
	stash, plex, section, conn := servers(t)
	for id := 1; id <= scenes; id++ {
		path := fmt.Sprintf("/data/clip%d.mp4", id)
		scene := stashtest.Scene{ID: id, Details: "Text", Files: []stashtest.File{{Path: path, Size: int64(id)}}}
		if id > 1 {
			scene.Title = fmt.Sprintf("Title %d", id)
		}
		stash.Add(scene)
		plex.AddItem(section, path, int64(id))
	}
	for _, redact := range []bool{false, true} {
		stash.SetSettings(ID, map[string]any{"plexUrl": plex.URL(), "plexToken": "token-123", "redactLogs": redact})
		log := &logBuffer{}
		var out common.PluginOutput
		if err := NewRunner("1", log).Run(common.PluginInput{ServerConnection: conn, Args: common.ArgsMap{"mode": "preview"}}, &out); err != nil || out.Error != nil {
			t.Fatalf("Run = %v, output %+v", err, out)
		}
		for id := 1; id <= scenes; id++ {
			title := fmt.Sprintf("title=%q ", fmt.Sprintf("Title %d", id))
			if id == 1 {
				title = "title=clip1.mp4 "
			}
			lines := strings.Count(log.String(), fmt.Sprintf("would set scene=%d ", id))
			titled := strings.Count(log.String(), fmt.Sprintf("would set scene=%d %s", id, title))
			if (lines > 0) != (id <= previewed) || !redact && titled != lines || redact && titled > 0 {
				t.Errorf("redacted %v, scene %d: %d lines, %d with its title", redact, id, lines, titled)
			}
		}
		if sums := fmt.Sprintf("%d scenes would change, 0 would not", scenes); !strings.Contains(log.String(), sums) {
			t.Errorf("no sums in %s", log)
		}
		if redact && strings.Contains(log.String(), "Title") {
			t.Errorf("a title in a redacted log: %s", log)
		}
	}
}

func TestPreviewEndsWithSumsInPlainEnglish(t *testing.T) {
	for n, want := range []string{
		"Preview, nothing was written: 0 scenes would change, 0 would not, 0 are not found in Plex, 0 are skipped",
		`Preview, nothing was written: 1 scene would change, 1 would not, 1 is not found in Plex, 1 is skipped, 1 could not be compared (items by field: date 1, title 1). Next: "Sync all scenes" pushes these changes`,
		`Preview, nothing was written: 2 scenes would change, 2 would not, 2 are not found in Plex, 2 are skipped, 2 could not be compared (items by field: date 2, title 2). Next: "Sync all scenes" pushes these changes`,
	} {
		p := engine.Preview{WouldChange: n, Unchanged: n, NotFound: n, Skipped: n, Failed: n}
		if n > 0 {
			p.ByField = map[string]int{"title": n, "date": n}
		}
		if got := previewLine(p); got != want {
			t.Errorf("%d of each: %s\nwant %s", n, got, want)
		}
	}
	const want = "Is Plex running? The preview is incomplete: 0 scenes would change, 0 would not, 0 are not found in Plex, 0 are skipped; nothing was written"
	if got := previewLine(engine.Preview{Stopped: "Is Plex running?"}); got != want {
		t.Errorf("stopped: %s\nwant %s", got, want)
	}
}
