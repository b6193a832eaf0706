package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
)

// operationsFile describes the operations of the page.
var operationsFile = filepath.Join("..", "..", "plugin", "OPERATIONS.md")

// example finds an example in operationsFile: its name, which is that of a golden file, and its code.
var example = regexp.MustCompile("(?s)<!-- example: ([a-z-]+) -->\n```json\n(.*?)```\n")

// Each operation of the page has a chapter that names all of its arguments, and an example that is what the built
// program answers: the golden files are compared with that.
func TestOperationsAreDocumentedWithRealAnswers(t *testing.T) {
	text, err := os.ReadFile(operationsFile)
	if err != nil {
		t.Fatal(err)
	}
	now := example.ReplaceAllStringFunc(string(text), func(whole string) string {
		name := example.FindStringSubmatch(whole)[1]
		return "<!-- example: " + name + " -->\n```json\n" + exampleOf(t, name) + "```\n"
	})
	if *updateGolden {
		if err := os.WriteFile(operationsFile, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if now != string(text) {
		t.Errorf("examples in %s are not what the program answers; run this test with -update after TestGoldenOperations\n%s",
			operationsFile, difference(string(text), now))
	}
	chapters := make(map[string]string)
	for chapter := range strings.SplitSeq(now, "\n### `") {
		name, rest, _ := strings.Cut(chapter, "`")
		chapters[name] = rest
	}
	for name, op := range ops.All() {
		chapter, ok := chapters[name]
		if !ok {
			t.Errorf("%s has no chapter on %s", operationsFile, name)
			continue
		}
		if !strings.Contains(chapter, "<!-- example: page-"+name) {
			t.Errorf("the chapter on %s has no example", name)
		}
		for _, arg := range op.Args {
			if !strings.Contains(chapter, "`"+arg+"`") {
				t.Errorf("the chapter on %s does not describe its argument %s", name, arg)
			}
		}
	}
}

// exampleOf returns the arguments and the answer of a golden file as the documentation shows them.
func exampleOf(t *testing.T, name string) string {
	t.Helper()
	stored, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var c call
	if err := json.Unmarshal(stored, &c); err != nil {
		t.Fatal(err)
	}
	var args bytes.Buffer
	enc := json.NewEncoder(&args)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c.Args); err != nil {
		t.Fatal(err)
	}
	var answer bytes.Buffer
	if err := json.Indent(&answer, c.Output, "", "  "); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return "// " + args.String() + answer.String() + "\n"
}
