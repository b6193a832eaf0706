package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v2"
)

// built returns a folder as build.sh prepares it, with small files instead of programs.
func built(t *testing.T, version string) string {
	t.Helper()
	from := t.TempDir()
	for file, text := range map[string]string{
		name + ".yml": "name: Stash Plex Sync\ndescription: \"One: two\"\nversion: " + version + "\n" +
			"ui: {javascript: [page.js], css: [page.css], assets: {/ui: ui}}\n",
		"ui/app.js":                      "app " + version,
		"ui/view-" + version + ".js":     "view " + version,
		"page.js":                        "page " + version,
		"page.css":                       "style " + version,
		"LICENSE":                        "AGPL",
		"CHANGELOG.md":                   "# Changelog\n\n## Unreleased\n\nNew.\n\n## [1.2.3] - 2026-11-25\n\n### Added\n\n- This.\n\n## 1.2.2\n\nOld.\n",
		"linux-amd64/" + name:            strings.Repeat("for Linux ", 1000),
		"linux-arm/" + name:              "for ARM",
		"windows-amd64/" + name + ".exe": "for Windows",
	} {
		path := filepath.Join(from, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return from
}

// released packs such a folder.
func released(t *testing.T, version string, date time.Time) string {
	t.Helper()
	to := t.TempDir()
	if err := run([]string{fmt.Sprint(date.Unix()), built(t, version), to}); err != nil {
		t.Fatal(err)
	}
	return to
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestPackagesHoldWhatTheirSystemNeeds(t *testing.T) {
	to := released(t, "1.2.3", noon)
	for file, want := range map[string]string{
		"stash-plex-sync.zip": `0644 stash-plex-sync.yml
0755 stash-plex-sync
0644 ui/app.js
0644 ui/view-1.2.3.js
0644 page.css
0644 page.js
0755 stash-plex-sync-linux-amd64
0755 stash-plex-sync-linux-arm
0755 stash-plex-sync.exe
0644 LICENSE
0644 README.txt
`,
		"stash-plex-sync-linux-arm.zip": `0644 stash-plex-sync/stash-plex-sync.yml
0755 stash-plex-sync/stash-plex-sync
0644 stash-plex-sync/ui/app.js
0644 stash-plex-sync/ui/view-1.2.3.js
0644 stash-plex-sync/page.css
0644 stash-plex-sync/page.js
0644 stash-plex-sync/LICENSE
0644 stash-plex-sync/README.txt
`,
		"stash-plex-sync-windows-amd64.zip": `0644 stash-plex-sync/stash-plex-sync.yml
0755 stash-plex-sync/stash-plex-sync.exe
0644 stash-plex-sync/ui/app.js
0644 stash-plex-sync/ui/view-1.2.3.js
0644 stash-plex-sync/page.css
0644 stash-plex-sync/page.js
0644 stash-plex-sync/LICENSE
0644 stash-plex-sync/README.txt
`,
	} {
		r, err := zip.OpenReader(filepath.Join(to, file))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var got strings.Builder
		for _, f := range r.File {
			fmt.Fprintf(&got, "%04o %s\n", f.Mode(), f.Name)
			if !f.Modified.Equal(noon) {
				t.Errorf("%s in %s is of %v", f.Name, file, f.Modified)
			}
		}
		if got.String() != want {
			t.Errorf("%s holds\n%swant\n%s", file, got.String(), want)
		}
	}
	sums, err := os.ReadFile(filepath.Join(to, "SHA256SUMS"))
	if err != nil || strings.Count(string(sums), "  ") != 5 || !strings.Contains(string(sums), "  index.yml\n") {
		t.Errorf("%v, sums:\n%s", err, sums)
	}
}

func TestSameInputMakesTheSameBytes(t *testing.T) {
	first, second := released(t, "1.2.3", noon), released(t, "1.2.3", noon)
	files, err := os.ReadDir(first)
	if err != nil || len(files) != 7 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, f := range files {
		one, err := os.ReadFile(filepath.Join(first, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(second, f.Name()))
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s differs: %v", f.Name(), err)
		}
	}
}

func TestNotesAreTheChangesOfTheVersion(t *testing.T) {
	for version, want := range map[string]string{"1.2.3": "### Added\n\n- This.\n", "1.2.2": "Old.\n", "1.2.3-4-gabc": "New.\n"} {
		got, err := os.ReadFile(filepath.Join(released(t, version, noon), "NOTES.md"))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
}

func TestNothingIsPackedWithoutWhatItNeeds(t *testing.T) {
	for _, missing := range []string{name + ".yml", "LICENSE", "CHANGELOG.md", "linux-amd64 linux-arm windows-amd64", "page.js", "page.css", "ui"} {
		from := built(t, "1.2.3")
		for part := range strings.FieldsSeq(missing) {
			if err := os.RemoveAll(filepath.Join(from, part)); err != nil {
				t.Fatal(err)
			}
		}
		if err := run([]string{"1", from, t.TempDir()}); err == nil {
			t.Errorf("packed without %s", missing)
		}
	}
}

// A commit may have several tags, of which git describe picks one.
func TestWorkflowReleasesTheVersionOfItsTag(t *testing.T) {
	text, err := os.ReadFile("../../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Run string
				Env map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	built := 0
	for _, s := range workflow.Jobs["release"].Steps {
		if s.Run != "./build.sh release" {
			continue
		}
		built++
		if got := s.Env["VERSION"]; got != "${{ github.ref_name }}" {
			t.Errorf("it builds the version %q", got)
		}
	}
	if built != 1 {
		t.Errorf("it builds %d times", built)
	}
}
