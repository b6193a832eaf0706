package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestCheckNamesThePartThatTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c checker
		began := time.Now()
		err := within(t.Context(), stashLimit, func(ctx context.Context) error {
			<-ctx.Done()
			return c.add("Stash", "", "", fmt.Errorf("ask Stash for its version: %w", ctx.Err()))
		})
		if took := time.Since(began); err == nil || took != stashLimit {
			t.Errorf("it ended after %v with %v", took, err)
		}
		want := Check{Name: "Stash", Detail: "ask Stash for its version: no answer in time"}
		if len(c.report.Checks) != 1 || c.report.Checks[0] != want {
			t.Errorf("checks %+v, want %+v", c.report.Checks, want)
		}
	})
}

func TestCheckReportsSettingsThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		fault stashtest.Fault
		want  string
	}{
		"an error":  {stashtest.Fault{Operation: "PluginSettings", Status: 500}, "cannot read the plugin's settings: Stash answered 500 Internal Server Error"},
		"no answer": {stashtest.Fault{Operation: "PluginSettings", Hang: true}, "cannot read the plugin's settings: no answer in time"},
	} {
		if c.fault.Hang && testing.Short() {
			continue
		}
		stash, conn := unscanned(t, 1)
		stash.Inject(c.fault)
		var out common.PluginOutput
		input := common.PluginInput{ServerConnection: conn, Args: common.ArgsMap{"mode": "check"}}
		if err := NewRunner("1", &logBuffer{}).Run(input, &out); err != nil || out.Error != nil {
			t.Fatalf("%s: Run = %v, output %+v", name, err, out)
		}
		var report CheckReport
		if err := json.Unmarshal(out.Output.(json.RawMessage), &report); err != nil {
			t.Fatal(err)
		}
		last := report.Checks[len(report.Checks)-1]
		if report.OK || last.Name != "Settings" || last.OK || last.Detail != c.want {
			t.Errorf("%s: %+v, want %s", name, report, c.want)
		}
	}
}

func TestCheckReportsFoldersOfThePathMapThatStashDoesNotHave(t *testing.T) {
	stash, plex, section, conn := servers(t)
	for i, path := range []string{"/data/a.mp4", "/Caf\u0065\u0301/b.mp4", `D:\Video\c.mp4`, "/under_score/d.mp4"} {
		stash.Add(stashtest.Scene{ID: i + 1, Files: []stashtest.File{{Path: path, Size: 1}}})
		plex.AddItem(section, path, 1)
	}
	for setting, want := range map[string]string{
		"/data => /x":              "",
		"/data/ => /x; / => /y":    "",
		"/Café => /x":              "",
		`d:\video => /x`:           "",
		"D:/Video => /x":           "",
		"/under_score => /x":       "",
		"/nonsense => /mnt/other":  "/nonsense",
		"/underxscore => /x":       "/underxscore",
		"/und_r_score => /x":       "/und_r_score",
		"/dat => /x":               "/dat",
		"/data => /x; /gone => /y": "/gone",
	} {
		stash.SetSettings(ID, map[string]any{"plexUrl": plex.URL(), "plexToken": "token-123", "pathMap": setting})
		var out common.PluginOutput
		log := &logBuffer{}
		if err := NewRunner("1", log).Run(common.PluginInput{ServerConnection: conn, Args: common.ArgsMap{"mode": "check"}}, &out); err != nil || out.Error != nil {
			t.Fatalf("Run = %v, output %+v", err, out)
		}
		var report CheckReport
		if err := json.Unmarshal(out.Output.(json.RawMessage), &report); err != nil {
			t.Fatal(err)
		}
		line := `"Path map" (pathMap): Stash has no file in the folder ` + want + "; each pair begins"
		verdict := `problems with "Path map" (pathMap). The error lines`
		if report.OK != (want == "") || want != "" && !(strings.Contains(log.String(), line) && strings.Contains(log.String(), verdict)) || report.Checks[len(report.Checks)-1].Name != matching {
			t.Errorf("%s: ok %t, log %s", setting, report.OK, log)
		}
	}
}

func TestCheckEndsWithAVerdict(t *testing.T) {
	good := CheckReport{OK: true, Checks: []Check{{Name: "Stash", OK: true}}}
	bad := CheckReport{Checks: []Check{{Name: "Stash", OK: true}, {Name: "Setting plexUrl"}, {Name: "Plex"}}}
	for _, c := range []struct {
		checker checker
		want    string
	}{
		{checker{report: good}, `Check connection: all good, but no scene was compared. Next: "Preview changes"`},
		{checker{report: good, looked: 1, matched: 1}, `Check connection: all good; 1 of 1 sample scene found in Plex. Next: "Preview changes"`},
		{checker{report: good, looked: 20, matched: 19}, `Check connection: all good; 19 of 20 sample scenes found in Plex. Next: "Preview changes"`},
		{checker{report: good, looked: 2}, `Check connection: the connection is good, but no sample scene was found in Plex: see "Matching"`},
		{checker{report: bad}, `Check connection: problems with "Plex address" (plexUrl), Plex. The error lines of this check say what to do`},
	} {
		if got := c.checker.verdict(); got != c.want {
			t.Errorf("verdict %s\nwant %s", got, c.want)
		}
	}
}
