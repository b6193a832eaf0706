package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stashapp/stash/pkg/plugin/common"
)

var updateGolden = flag.Bool("update", false, "rewrite the files in testdata/golden")

// golden calls the built program and compares its answers with the files in testdata/golden.
type golden struct {
	*world
	names map[string]bool // files that this run has compared or written
}

// A call is the content of one golden file.
type call struct {
	Args   common.ArgsMap  `json:"args"`
	Error  string          `json:"error,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
	Log    []string        `json:"log"`
}

// want calls an operation and compares what it returns and logs with the golden file of that name.
func (g *golden) want(name, mode string, args ...any) {
	g.Helper()
	c, err := g.call(g.context(), arguments(mode, args))
	g.must(err)
	g.compare(name, c)
}

// arguments returns the arguments of an operation; more holds names and values.
func arguments(mode string, more []any) common.ArgsMap {
	args := common.ArgsMap{"mode": mode}
	for i := 0; i < len(more); i += 2 {
		args[more[i].(string)] = more[i+1]
	}
	return args
}

// call starts the program and calls it once, as Stash does. Unlike Stash it keeps the order of the keys in the answer.
func (g *golden) call(ctx context.Context, args common.ArgsMap) (call, error) {
	c := call{Args: args, Log: []string{}}
	request, err := json.Marshal(map[string]any{"method": "RPCRunner.Run", "id": 0, "params": []common.PluginInput{{
		ServerConnection: common.StashServerConnection{Scheme: "http", Host: "127.0.0.1", Port: g.stash.Port(), Dir: g.dir},
		Args:             args,
	}}})
	if err != nil {
		return c, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return c, fmt.Errorf("%v: %w: %s", args, err, stderr.String())
	}
	var answer struct {
		Result struct {
			Error  string
			Output json.RawMessage
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		return c, fmt.Errorf("%v: %w: %s", args, err, stdout.String())
	}
	c.Error, c.Output = answer.Result.Error, answer.Result.Output
	if c.Error != "" {
		c.Output = nil
	}
	for line := range strings.Lines(stderr.String()) {
		if level, text, framed := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "\x01"), "\x02"); !framed {
			return c, fmt.Errorf("%v: a line without Stash's frame: %q", args, line)
		} else if level != "p" { // progress
			c.Log = append(c.Log, levels[level]+": "+text)
		}
	}
	return c, nil
}

// levels are Stash's names of the levels in a plugin's log.
var levels = map[string]string{"t": "Trace", "d": "Debug", "i": "Info", "w": "Warning", "e": "Error"}

// compare compares a value with a golden file, or writes that file.
func (g *golden) compare(name string, value any) {
	g.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	g.must(enc.Encode(value))
	got := g.steady(text.String())
	file := filepath.Join("testdata", "golden", name+".json")
	if g.names[name] {
		g.Fatalf("%s is used twice", file)
	}
	g.names[name] = true
	if *updateGolden {
		g.must(os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	g.must(err)
	if got != string(want) {
		g.Errorf("%s differs; if that is intended, run this test with -update and look at the diff\n%s", file, difference(string(want), got))
	}
}

// difference shows the lines that only one of two texts has.
func difference(want, got string) string {
	var b strings.Builder
	only := func(sign, a, of string) {
		lines := strings.Split(of, "\n")
		for line := range strings.SplitSeq(a, "\n") {
			if !slices.Contains(lines, line) {
				fmt.Fprintln(&b, sign, line)
			}
		}
	}
	only("-", want, got)
	only("+", got, want)
	if b.Len() == 0 {
		return "the same lines in another order; got\n" + got
	}
	return b.String()
}

// volatile is what differs between two runs of the same program, and what stands in for it.
var volatile = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)`), "<time>"},
	{regexp.MustCompile(`\b(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\b`), "<time>"},
	{regexp.MustCompile(`\b1[789]\d{11}\b`), "1800000000000"}, // the id of a stored report: when it began
	{regexp.MustCompile(`\b[0-9]{13}/`), "<ms>/"},
	{regexp.MustCompile(`\b[0-9]{10}/`), "<s>/"},
	{regexp.MustCompile(`"version": "[^"]*"`), `"version": "<version>"`},
	{regexp.MustCompile(`\bversion v?\d[0-9A-Za-z.-]*`), "version <version>"},
	{regexp.MustCompile(`"took_ms": \d+`), `"took_ms": 0`},
	{regexp.MustCompile(`(/thumb/|/art/|/screenshot\?t=)\d+`), "${1}<version>"},
	{regexp.MustCompile(`Sync \S+, [a-z0-9]+/[a-z0-9]+, <time>`), "Sync <version>, <system>, <time>"},
	{regexp.MustCompile(`, \d+ ms\b`), ", <duration>"},
	{regexp.MustCompile(`data:image/jpeg;base64,[A-Za-z0-9+/=]+`), "data:image/jpeg;base64,<picture>"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:<port>"},
	{regexp.MustCompile(`"(handle|code|link)": "(https://app.plex.tv/[^"]+|[A-Za-z0-9]{26})"`), `"${1}": "<$1>"`},
	{regexp.MustCompile(`"(latency_ms|expires)": [1-9]\d*`), `"${1}": 1`},
	{regexp.MustCompile(`\(process \d+\)`), "(process <pid>)"},
	{regexp.MustCompile(`\b(in |took=|retry_in=)([0-9.]+(ms|µs|[smh]))+`), "${1}<duration>"},
	{regexp.MustCompile(`"(took_ms|latency_ms|revision|other_revision)": \d+`), `"$1": 20`},
	{regexp.MustCompile(`"down_ms": [1-9]\d*`), `"down_ms": 20`},
	{regexp.MustCompile(`"date": "[^"]*"`), `"date": "<date>"`},
}

// steady replaces what differs between two runs by placeholders.
func (g *golden) steady(text string) string {
	text = strings.NewReplacer(
		g.dir, "<dir>", g.plex.Machine(), "<machine>", firstMachine, "<first machine>",
		`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", // the program's answer escapes them
	).Replace(text)
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.text)
	}
	return text
}

// noneLeft removes, or complains about, files that no call has used.
func (g *golden) noneLeft() {
	g.Helper()
	files, err := fs.Glob(os.DirFS("testdata/golden"), "*.json")
	g.must(err)
	for _, file := range files {
		switch {
		case g.names[strings.TrimSuffix(file, ".json")]:
		case *updateGolden:
			g.must(os.Remove(filepath.Join("testdata", "golden", file)))
		default:
			g.Errorf("no call uses testdata/golden/%s; run this test with -update to remove it", file)
		}
	}
}

func TestGoldenOperations(t *testing.T) {
	g := newGolden(t)
	for _, step := range []func(){
		g.beforeTheFirstRun, g.firstRun, g.states, g.pages, g.pagesPlays, g.laterRuns, g.restores, g.brokenSettings, g.silentStash, g.silentPlex, g.anotherServer, g.upkeep, g.besideARun, g.acceptsServer, g.pauses, g.pagesLink, g.listChanges, g.pagesReports, g.signsIn,
	} {
		step()
	}
	g.noneLeft()
}
