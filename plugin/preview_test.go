package plugin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
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
			title := fmt.Sprintf("title=%q\n", fmt.Sprintf("Title %d", id))
			change := fmt.Sprintf(`would change details empty → "Text"; title "clip%d" → "Title %d" scene=%d `, id, id, id)
			if id == 1 {
				title, change = "title=clip1.mp4\n", `would change details empty → "Text" scene=1 `
			}
			lines := strings.Count(log.String(), fmt.Sprintf(" scene=%d title=", id))
			titled := strings.Count(log.String(), change+title)
			if want := min(1, max(0, previewed+1-id)); lines != want || !redact && titled != want || redact && titled > 0 {
				t.Errorf("redacted %v, scene %d: %d lines, %d with its title, want %d", redact, id, lines, titled, want)
			}
		}
		if sums := fmt.Sprintf("%[1]d of %[1]d scenes would change", scenes); !strings.Contains(log.String(), sums) {
			t.Errorf("no sums in %s", log)
		}
		if redact && strings.Contains(log.String(), "Title") {
			t.Errorf("a title in a redacted log: %s", log)
		}
	}
}

func TestPreviewEndsWithSumsInPlainEnglish(t *testing.T) {
	for n, want := range []string{
		"Preview, nothing was written: 0 of 0 scenes would change",
		`Preview, nothing was written: 1 of 8 scenes would change, 1 matches already, 1 has no data in Stash, 1 is skipped ("Skipped"), 1 is not in Plex ("Lost"), ` +
			`1 fits several items in Plex ("Twice"), 1 may be in a library that was not read, 1 could not be compared; items by field: date 1, title 1. Next: "Sync all scenes" pushes these changes`,
		`Preview, nothing was written: 2 of 16 scenes would change, 2 match already, 2 have no data in Stash, 2 are skipped ("Skipped", "Skipped"), 2 are not in Plex ("Lost", "Lost"), ` +
			`2 fit several items in Plex ("Twice", "Twice"), 2 may be in libraries that were not read, 2 could not be compared; items by field: date 2, title 2. Next: "Sync all scenes" pushes these changes`,
	} {
		p := engine.Preview{PreviewCounts: engine.PreviewCounts{WouldChange: n, Unchanged: n, NotFound: n, Ambiguous: n, Unread: n, Skipped: 2 * n, Bare: n, Failed: n}}
		for range n {
			p.ByField = map[string]int{"title": n, "date": n}
			p.Others = append(p.Others, engine.SceneProblem{Kind: engine.Skipped, Title: "Skipped"}, engine.SceneProblem{Kind: engine.NotFound, Title: "Lost"},
				engine.SceneProblem{Kind: engine.Ambiguous, Title: "Twice"}, engine.SceneProblem{Kind: engine.Bare, Title: "Bare"})
		}
		if got := findings.PreviewLine(p.PreviewCounts, p.Others, p.Stopped); got != want {
			t.Errorf("%d of each: %s\nwant %s", n, got, want)
		}
	}
	const want = "Is Plex running? The preview is incomplete: 0 of 0 scenes would change; nothing was written"
	if got := findings.PreviewLine(engine.PreviewCounts{}, nil, "Is Plex running?"); got != want {
		t.Errorf("stopped: %s\nwant %s", got, want)
	}
}
