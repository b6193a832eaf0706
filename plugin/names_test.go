package plugin

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// named returns a name and a key as they stand in the README's table.
func nameAndKey(name, key string) string { return "*" + name + "* (`" + key + "`)" }

// Stash sorts its settings page by key. Its configuration keeps a key that begins with digits: the package
// internal/manager/config of Stash v0.29.3 wrote keys of this form to config.yml and read them again unchanged. Keys
// have no underscore, because Stash's database migration 58 removes them from the keys in config.yml.
func TestSettingsStandInOneOrderInStashReadmeAndProgram(t *testing.T) {
	p, _ := loadYml(t)
	var stash, program []string
	for _, s := range p.Settings { // in the order in which Stash shows them
		stash = append(stash, nameAndKey(s.DisplayName, settings.Unnumbered(s.Name)))
		if !regexp.MustCompile(`^[0-9]{2}[a-z][A-Za-z]+$`).MatchString(s.Name) {
			t.Errorf("the yml's key %q is not a number of two digits and a name", s.Name)
		}
	}
	for _, s := range settings.Page {
		program = append(program, nameAndKey(s.Name, s.Key))
	}
	table := regexp.MustCompile("(?m)^\\| (\\*[^*]+\\* \\(`[^`]+`\\)) \\|").FindAllStringSubmatch(readme(t), -1)
	if !slices.Equal(stash, program) {
		t.Errorf("Stash shows the settings\n%s\nthe program has\n%s", strings.Join(stash, "\n"), strings.Join(program, "\n"))
	}
	if !slices.Equal(seconds(table), program) {
		t.Errorf("the README lists the settings\n%s\nthe program has\n%s", strings.Join(seconds(table), "\n"), strings.Join(program, "\n"))
	}
}

// seconds returns the second element of each match.
func seconds(matches [][]string) (list []string) {
	for _, m := range matches {
		list = append(list, m[1])
	}
	return list
}

// Stash shows tasks in the order of the yml.
func TestTasksStandInOneOrderInStashAndReadme(t *testing.T) {
	p, text := loadYml(t)
	var stash []string
	for i, m := range regexp.MustCompile(`(?m)^      mode: (\S+)$`).FindAllStringSubmatch(text, -1) {
		stash = append(stash, "*"+p.Tasks[i].Name+"* | `"+m[1]+"`")
	}
	table := regexp.MustCompile("(?m)^\\| (\\*[^*]+\\* \\| `[a-z-]+`) \\|").FindAllStringSubmatch(readme(t), -1)
	if !slices.Equal(stash, seconds(table)) {
		t.Errorf("Stash shows the tasks\n%s\nthe README lists\n%s", strings.Join(stash, "\n"), strings.Join(seconds(table), "\n"))
	}
	first := []string{"*Check connection* | `check`", "*Preview changes* | `preview`", "*Sync all scenes* | `sync-all`"}
	last := []string{"*Clear dead letters* | `clear-dead`", "*Clear queue* | `clear-queue`", "*Undo imported plays* | `undo-plays`", "*Restore Plex metadata* | `restore`"}
	if len(stash) < 7 || !slices.Equal(stash[:3], first) || !slices.Equal(stash[len(stash)-len(last):], last) {
		t.Errorf("the tasks are\n%s\nwant the first steps at the top, and what takes something away at the end", strings.Join(stash, "\n"))
	}
}

// A message names a setting as `"Plex address" (plexUrl)`.
func TestMessagesNameSettingsAsStashShowsThem(t *testing.T) {
	names := make(map[string]string)
	for _, s := range settings.Page {
		names[s.Key] = s.Name
	}
	mention := regexp.MustCompile(`"([A-Z][^"]*)" \(([a-z][A-Za-z]+)\)`)
	seen := 0
	for _, text := range stringsOf(t, "..") {
		for _, m := range mention.FindAllStringSubmatch(text, -1) {
			if names[m[2]] != m[1] {
				t.Errorf("a message calls the setting %s %q, Stash's page %q", m[2], m[1], names[m[2]])
			}
			seen++
		}
	}
	if seen < 10 {
		t.Errorf("only %d settings were found in messages", seen)
	}
}

// stringsOf returns the strings in the product code below a folder.
func stringsOf(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var s scanner.Scanner
		s.Init(token.NewFileSet().AddFile(path, -1, len(code)), code, nil, 0)
		for {
			_, kind, literal := s.Scan()
			if kind == token.EOF {
				return nil
			}
			if kind == token.STRING {
				text, err := strconv.Unquote(literal)
				if err != nil {
					return err
				}
				list = append(list, text)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
