//go:build unix

package main

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stashapp/stash/pkg/models"
	"github.com/stashapp/stash/pkg/pkg"
)

// stash is Stash's package manager with one source, which serves a release.
type stash struct {
	*testing.T
	pkg.Manager
	offered, url string
	local        string // the source's local path
}

func (s *stash) GetAllSourcePaths() []string        { return []string{s.local} }
func (s *stash) GetSourcePath(srcURL string) string { return s.local }

// newStash serves as GitHub does: requests for the latest release are redirected to its files.
func newStash(t *testing.T) *stash {
	t.Helper()
	s := &stash{T: t, local: "community"}
	mux := http.NewServeMux()
	mux.HandleFunc("/o/r/releases/latest/download/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/asset/"+r.PathValue("file")+"?signature=x%2By", http.StatusFound)
	})
	mux.HandleFunc("/asset/{file}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(s.offered, r.PathValue("file")))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL + "/o/r/releases/latest/download/index.yml"
	s.Manager = pkg.Manager{Local: &pkg.Store{BaseDir: t.TempDir(), ManifestFile: pkg.ManifestFile}, PackagePathGetter: s}
	return s
}

// offer publishes a release at a time.
func (s *stash) offer(release string, at time.Time) {
	s.Helper()
	s.offered = release
	if err := os.Chtimes(filepath.Join(release, "index.yml"), at, at); err != nil {
		s.Fatal(err)
	}
}

func (s *stash) install() {
	s.Helper()
	if err := s.Install(s.Context(), models.PackageSpecInput{ID: name, SourceURL: s.url}); err != nil {
		s.Fatal(err)
	}
}

func (s *stash) folder() string { return filepath.Join(s.Local.BaseDir, "community", name) }

// installed lists the files in the plugin's folder with their modes.
func (s *stash) installed() (list string) {
	s.Helper()
	files := os.DirFS(s.folder())
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == pkg.ManifestFile {
			return err
		}
		info, err := d.Info()
		list += fmt.Sprintf("%04o %s\n", info.Mode(), path)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return list
}

func TestStashInstallsWithModesThatItCanStart(t *testing.T) {
	for umask, want := range map[int][2]fs.FileMode{0o022: {0o644, 0o755}, 0o077: {0o600, 0o700}, 0o002: {0o644, 0o755}} {
		s := newStash(t)
		s.offer(released(t, "1.2.3", noon), noon)
		before := syscall.Umask(umask)
		s.install()
		syscall.Umask(before)
		list := fmt.Sprintf("%04[1]o LICENSE\n%04[1]o README.txt\n%04[1]o page.css\n%04[1]o page.js\n%04[2]o stash-plex-sync\n%04[2]o stash-plex-sync-linux-amd64\n%04[2]o stash-plex-sync-linux-arm\n"+
			"%04[2]o stash-plex-sync.exe\n%04[1]o stash-plex-sync.yml\n%04[1]o ui/app.js\n%04[1]o ui/view-1.2.3.js\n", want[0], want[1])
		if got := s.installed(); got != list {
			t.Errorf("umask %03o:\n%swant\n%s", umask, got, list)
		}
	}
}

func TestStashSeesANewerReleaseAndNoOther(t *testing.T) {
	s := newStash(t)
	first := released(t, "1.2.3", noon)
	s.offer(first, noon.Add(time.Hour))
	s.install()
	updates := func() (list []string) {
		status, err := s.InstalledStatus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range status.Upgradable() {
			list = append(list, p.Local.Version+" -> "+p.Remote.Version)
		}
		return list
	}
	if got := updates(); got != nil {
		t.Errorf("an update to itself: %q", got)
	}
	s.offer(released(t, "1.3.0", noon.Add(48*time.Hour)), noon.Add(49*time.Hour))
	if got := updates(); !slices.Equal(got, []string{"1.2.3 -> 1.3.0"}) {
		t.Errorf("updates %q", got)
	}
	s.install()
	s.offer(first, noon.Add(50*time.Hour)) // withdrawn
	if got := updates(); got != nil {
		t.Errorf("an older release is an update: %q", got)
	}
	if err := s.Uninstall(t.Context(), models.PackageSpecInput{ID: name, SourceURL: s.url}); err != nil {
		t.Fatal(err)
	}
	if left := s.installed(); left != "" { // Stash removes no folder in a package: the empty folder ui stays
		t.Errorf("left of it:\n%s", left)
	}
}

// wantPage expects the page to be that of a version.
func (s *stash) wantPage(version string) {
	s.Helper()
	for file, want := range map[string]string{"page.js": "page " + version, "page.css": "style " + version, "ui/app.js": "app " + version} {
		if got, err := os.ReadFile(filepath.Join(s.folder(), file)); err != nil || string(got) != want {
			s.Errorf("%s: %q, %v; want %q", file, got, err, want)
		}
	}
	views, err := filepath.Glob(filepath.Join(s.folder(), "ui", "view-*"))
	if err != nil || len(views) != 1 || filepath.Base(views[0]) != "view-"+version+".js" {
		s.Errorf("the views are %v, %v; want those of %s alone", views, err, version)
	}
}

func TestUpdateReplacesThePageAndRemovesNothingElse(t *testing.T) {
	s := newStash(t)
	s.offer(released(t, "1.2.3", noon), noon)
	s.install()
	s.wantPage("1.2.3")
	own := filepath.Join(s.folder(), "own.txt")
	if err := os.WriteFile(own, []byte("a user's"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.offer(released(t, "1.3.0", noon.Add(time.Hour)), noon.Add(time.Hour))
	s.install()
	s.wantPage("1.3.0")
	if text, err := os.ReadFile(own); err != nil || string(text) != "a user's" {
		t.Errorf("the user's file: %q, %v", text, err)
	}
}

// A manual installation is plugins/stash-plex-sync/stash-plex-sync, which must not collide with the package's folder.
func TestOneClickWorksBesideWhatWasUnpackedByHand(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	advised := regexp.MustCompile("local path `([^`]+)`").FindStringSubmatch(string(text))
	if advised == nil {
		t.Fatal("the README names no local path")
	}
	s := newStash(t)
	s.local = advised[1]
	release := released(t, "1.2.3", noon)
	s.offer(release, noon)
	byHand := func() {
		r, err := zip.OpenReader(filepath.Join(release, name+"-linux-arm.zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := os.CopyFS(s.Local.BaseDir, r); err != nil {
			t.Error(err)
		}
	}
	byHand()
	s.install()
	if err := os.RemoveAll(filepath.Join(s.Local.BaseDir, name)); err != nil {
		t.Fatal(err)
	}
	s.install()
	byHand()
}

// Windows does not remove or replace a running program. Then the yml and that program remain, with the new page, which
// compares its version with the program's.
func TestUpdateThatCannotReplaceTheProgramLeavesAPluginThatWorks(t *testing.T) {
	s := newStash(t)
	s.offer(released(t, "1.2.3", noon), noon)
	s.install()
	program := filepath.Join(s.folder(), name+".exe")
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(program, fstest.MapFS{"x": {}}); err != nil { // a folder with a file cannot be removed or opened for writing
		t.Fatal(err)
	}
	s.offer(released(t, "1.3.0", noon.Add(time.Hour)), noon.Add(time.Hour))
	if err := s.Install(t.Context(), models.PackageSpecInput{ID: name, SourceURL: s.url}); err == nil {
		t.Fatal("it was installed")
	}
	if got := s.installed(); !strings.Contains(got, "0644 stash-plex-sync.yml\n") || !strings.Contains(got, "stash-plex-sync.exe/x\n") {
		t.Errorf("left:\n%s", got)
	}
	s.wantPage("1.3.0")
}
