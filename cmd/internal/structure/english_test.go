package structure

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// plainWords lists words that readers have to decode, as regular expressions, and what to write instead. A blank stands
// for any white space, also for the end of a line.
var plainWords = []struct{ banned, instead string }{
	{"anew|afresh", `"again"; for "made anew": "rebuilt", "reset"`},
	{"shall", `"must", "will" or the present tense`},
	{"lest", `"so that it does not"`},
	{"hence|whence|thence|hither|thither|hitherto", `"so", "from there", "until now"`},
	{"thereof|thereby|therein|whereby|wherein|whereof|whereupon", "a relative clause in plain words"},
	{"bears?|borne", `"contains", "allows"`},
	{"tells?|told", `"says", "logs", "reports"; for "tell apart": "distinguish"`},
	{"nobody knows", `"unknown"`},
	{"knows? of", `"has", "contains"`},
	{"holds? up nothing|holds? nothing up", `"does not block anything"`},
	{"lets? (?:it|them|that|this|all) be", `"does not change it"`},
	{"be it|be they|so (?:is|are|does|do) (?:it|they)", "the subject first"},
	{"as (?:it is|they are)", `"unchanged"`},
	{"made of", `"consists of", "built from"`},
	{"whichever|likewise", `"any", "also"`},
	{"for ever", `"forever"`},
	{"given up", `"dead letter", "dead-lettered"`},
	{"drain(?:s|ed|ing)?", `"run"`},
}

// notPlain matches any of the banned words.
var notPlain = func() *regexp.Regexp {
	var all []string
	for _, w := range plainWords {
		all = append(all, "("+w.banned+")") // a group for each row
	}
	return regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(strings.Join(all, "|"), " ", `\s+`) + `)\b`)
}()

func TestPlainEnglish(t *testing.T) {
	docs, err := documents(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "stash-plex-sync.yml", ".github/ISSUE_TEMPLATE/bug.yml",
		"plugin/engine/DESIGN.md", "plugin/ui/DESIGN.md", "store/DESIGN.md", "plexapi/QUIRKS.md", "cmd/release/README.txt",
	} {
		if docs[name] == "" {
			t.Errorf("%s is not checked", name)
		}
	}
	expect(t, checkEnglish(docs, parse(t, nil)), nil)
}

// documents reads the texts for users and contributors: their contents by their paths.
func documents(dir fs.FS) (map[string]string, error) {
	docs := make(map[string]string)
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (base == "testdata" || base == "dist" || base == "node_modules" || strings.HasPrefix(base, ".") && base != "." && base != ".github"):
			return fs.SkipDir
		case d.IsDir(), !slices.Contains([]string{".md", ".yml", ".txt"}, path.Ext(name)):
			return nil
		}
		text, err := fs.ReadFile(dir, name)
		docs[name] = string(text)
		return err
	})
	return docs, err
}

// checkEnglish returns the banned words in documents and in the messages of the code: its string literals that contain
// a blank.
func checkEnglish(docs map[string]string, tr *tree) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		for _, w := range bannedWords(docs[name]) {
			problems = append(problems, fmt.Sprintf("%s:%d: %s", name, strings.Count(docs[name][:w.at], "\n")+1, w.problem))
		}
	}
	for _, files := range tr.packages {
		for _, f := range files {
			if ast.IsGenerated(f.syntax) {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				if text, err := strconv.Unquote(literal.Value); err == nil && strings.Contains(text, " ") {
					for _, w := range bannedWords(text) {
						problems = append(problems, tr.at(literal.Pos(), "%s", w.problem))
					}
				}
				return true
			})
		}
	}
	return problems
}

// A bannedWord is a banned word at a place in a text.
type bannedWord struct {
	at      int
	problem string
}

func bannedWords(text string) []bannedWord {
	var found []bannedWord
	for _, m := range notPlain.FindAllStringSubmatchIndex(text, -1) {
		for i, w := range plainWords {
			if m[2*i+2] >= 0 {
				word := strings.Join(strings.Fields(text[m[0]:m[1]]), " ")
				found = append(found, bannedWord{m[0], fmt.Sprintf("%q is not plain English; write %s", word, w.instead)})
			}
		}
	}
	return found
}

func TestBannedWordsAreFound(t *testing.T) {
	clean := checkEnglish(nil, parse(t, nil))
	docs, err := documents(fstest.MapFS{
		"README.md":         {Data: []byte("A plain\ntext that nobody\n  knows.\n")},
		"x.yml":             {Data: []byte("description: Shall be bearable.\n")},
		"x/DESIGN.md":       {Data: []byte("It is made anew for ever.\n")},
		"a/b.txt":           {Data: []byte("Retold, the drainage and a shallow run are plain.\n")},
		".github/bug.yml":   {Data: []byte("about: Says what it tells.\n")},
		"testdata/c.txt":    {Data: []byte("An answer that is made anew.\n")},
		"node_modules/c.md": {Data: []byte("A package that is made anew.\n")},
		".git/d.txt":        {Data: []byte("A subject that is made anew.\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	code := map[string]string{"a/a.go": `package a

import "lest/whence"

// Comments are not told.
const key, sentence, raw = "anew", "what was told", ` + "`so is it`" + `
`}
	found := checkEnglish(docs, parse(t, code))
	expect(t, without(found, clean), []string{
		`README.md:2: "nobody knows" is not plain English; write "unknown"`,
		`x.yml:1: "Shall" is not plain English; write "must", "will" or the present tense`,
		`x/DESIGN.md:1: "anew" is not plain English; write "again"; for "made anew": "rebuilt", "reset"`,
		`x/DESIGN.md:1: "for ever" is not plain English; write "forever"`,
		`.github/bug.yml:1: "tells" is not plain English; write "says", "logs", "reports"; for "tell apart": "distinguish"`,
		`a/a.go:6: "told" is not plain English; write "says", "logs", "reports"; for "tell apart": "distinguish"`,
		`a/a.go:6: "so is it" is not plain English; write the subject first`,
	})
}
