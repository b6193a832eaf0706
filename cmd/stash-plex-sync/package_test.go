//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/models"
	"github.com/stashapp/stash/pkg/pkg"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// packed makes a release for this machine as a tag does, with a version, a date and further words for the
// Go command.
func packed(t *testing.T, version string, date time.Time, flags string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "release")
	cmd := exec.Command("./build.sh", "release", to)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "VERSION="+version, fmt.Sprint("SOURCE_DATE_EPOCH=", date.Unix()), "PLATFORMS="+runtime.GOOS+"-"+runtime.GOARCH, "GOFLAGS="+os.Getenv("GOFLAGS")+" "+flags)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return to
}

// withMigration returns what makes the Go command build with one migration more than there are.
func withMigration(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	migration := filepath.Join(dir, "next.sql")
	if err := os.WriteFile(migration, []byte(`ALTER TABLE dead_letter ADD COLUMN noted TEXT;`), 0o644); err != nil {
		t.Fatal(err)
	}
	place, err := filepath.Abs("../../store/migrations/9999_next.sql")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{place: migration}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	return "-overlay=" + file
}

// packaged is a world whose plugin comes from Stash's own package manager.
type packaged struct {
	*world
	manager pkg.Manager
	plugins string
	offered string    // the folder of the release that the source has
	at      time.Time // when it was published there
	spec    models.PackageSpecInput
}

func (*packaged) GetAllSourcePaths() []string   { return []string{"community"} }
func (*packaged) GetSourcePath(_ string) string { return "community" }

// newPackaged has n scenes and a release installed, in Stash that is busy with something else.
func newPackaged(t *testing.T, n int, release string) *packaged {
	t.Helper()
	p := &packaged{world: newWorld(t, n), plugins: t.TempDir(), at: time.Now()}
	p.offer(release)
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(p.offered, filepath.Base(r.URL.Path)))
	}))
	t.Cleanup(source.Close)
	p.spec = models.PackageSpecInput{ID: stashtest.PluginID, SourceURL: source.URL + "/latest/index.yml"}
	p.manager = pkg.Manager{Local: &pkg.Store{BaseDir: p.plugins, ManifestFile: pkg.ManifestFile}, PackagePathGetter: p}
	p.must(p.manager.Install(p.context(), p.spec))
	p.hostOf(p.plugins)
	p.occupied()
	return p
}

// offer publishes a release: Stash reads an index again only if its file is newer than the one it has read.
func (p *packaged) offer(release string) {
	p.Helper()
	p.offered, p.at = release, p.at.Add(time.Hour)
	p.must(os.Chtimes(filepath.Join(release, "index.yml"), p.at, p.at))
}

// install installs a release over what is there, or anew, and lets Stash load it as it does then.
func (p *packaged) install(release string) {
	p.Helper()
	p.offer(release)
	p.must(p.manager.Install(p.context(), p.spec))
	p.host.Reload()
}

// updates tells whether Stash offers an update to a release.
func (p *packaged) updates(release string) bool {
	p.Helper()
	p.offer(release)
	status, err := p.manager.InstalledStatus(p.context())
	p.must(err)
	return len(status.Upgradable()) > 0
}

func (p *packaged) folder() string { return filepath.Join(p.plugins, "community", stashtest.PluginID) }

// wantVersion wants the yml, the program, the page and the package manager to name one version.
func (p *packaged) wantVersion(version string) {
	p.Helper()
	out, err := exec.Command(filepath.Join(p.folder(), stashtest.PluginID), "version").CombinedOutput()
	if err != nil || string(out) != "stash-plex-sync "+version+"\n" {
		p.Errorf("the program says %q, %v", out, err)
	}
	if got := p.host.Plugin().Version; got == nil || *got != version {
		p.Errorf("the yml says %v", got)
	}
	installed, err := p.manager.ListInstalled(p.context())
	if err != nil || installed[p.spec].Version != version {
		p.Errorf("the package manager says %+v, %v", installed, err)
	}
	page, err := os.ReadFile(p.host.Plugin().UI.Javascript[0])
	if err != nil || !bytes.Contains(page, []byte(`?v=`+version)) {
		p.Errorf("the page does not contain the version %s; %v", version, err)
	}
	if style, err := os.Stat(p.host.Plugin().UI.CSS[0]); err != nil || style.Size() == 0 {
		p.Errorf("the page has no styles: %v", err)
	}
}

// wantLauncher checks that Stash starts the launcher.
func (p *packaged) wantLauncher() {
	p.Helper()
	file := filepath.Join(p.folder(), stashtest.PluginID)
	program, err := os.ReadFile(file)
	p.must(err)
	if !bytes.HasPrefix(program, []byte("#!/bin/sh")) {
		p.Error("Stash does not start the launcher")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o755 {
		p.Errorf("it has the mode %v, %v", info.Mode(), err)
	}
}

// queue is a fingerprint of the queue's files.
func (p *packaged) queue() (sums [2][32]byte) {
	p.Helper()
	for i, file := range []string{p.database(), p.database() + "-wal"} {
		data, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.Fatal(err)
		}
		sums[i] = sha256.Sum256(data)
	}
	return sums
}

// wantKept wants what was queued, linked and given up before to be there: scene 2 given up, scene 3 waiting.
func (p *packaged) wantKept(links int) {
	p.Helper()
	for table, want := range map[string]int{"link": links, "dead_letter WHERE scene_id = 2": 1, "job WHERE scene_id = 3 AND misses > 0": 1} {
		if n := p.count(table); n != want {
			p.Errorf("%d of %s, want %d", n, table, want)
		}
	}
}

func TestRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("builds three releases")
	}
	day := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	first := packed(t, "0.9.1", day, "")
	t.Run("two of one commit are the same", func(t *testing.T) { wantSame(t, first, packed(t, "0.9.1", day, "")) })
	second := packed(t, "0.9.2", day.Add(24*time.Hour), withMigration(t))
	t.Run("update, downgrade and reinstallation lose nothing", func(t *testing.T) { replaceAndReinstall(t, first, second) })
}

func wantSame(t *testing.T, one, two string) {
	t.Helper()
	files, err := os.ReadDir(one)
	if err != nil || len(files) != 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		first, err := os.ReadFile(filepath.Join(one, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(two, f.Name()))
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s differs: %v", f.Name(), err)
		}
	}
}

func replaceAndReinstall(t *testing.T, first, second string) {
	p := newPackaged(t, 6, first)
	p.wantVersion("0.9.1")
	p.plex.Remove(p.keys[2])
	p.keys[2] = p.plex.AddItem(p.section, "/one/2/clip2.mp4", 1002)
	double := p.plex.AddItem(p.section, "/other/2/clip2.mp4", 1002) // two fit equally well
	p.plex.Remove(p.keys[3])
	p.host.Update(p.context(), 1, titled("At once"))
	if n := len(p.logged("has not been completely read yet")); n != 1 {
		t.Errorf("%d hooks tried to push what they had recorded, want one", n)
	}
	p.bulk("Before", 1, 2, 3)
	p.wantLauncher()
	p.process()
	p.wantLauncher() // a run changes no file of the package
	p.wantTitle(1, "Before")
	p.wantKept(1)
	var before int
	p.get(`PRAGMA user_version`, &before)

	updateDuringARun(p, second)
	var after int
	p.get(`PRAGMA user_version`, &after)
	if after != before+1 {
		t.Errorf("the schema is version %d, want %d", after, before+1)
	}
	p.wantKept(4)

	if p.updates(first) { // a downgrade has to be asked for
		t.Error("Stash offers an older version as an update")
	}
	downgrade(p, first)
	uninstall(p)
	p.install(second)
	p.process()
	p.wantTitle(1, "Refused")
	p.wantKept(4)

	p.plex.Remove(double) // and everything goes on
	p.keys[3] = p.plex.AddItem(p.section, "/data/videos/3/clip3.mp4", 1003)
	p.op(map[string]any{"mode": "retry-dead"})
	p.process()
	p.wantTitle(2, "Before")
	p.wantTitle(3, "Before")
	if n := p.count("job") + p.count("dead_letter"); n != 0 {
		t.Errorf("%d jobs and dead letters are left", n)
	}
}

// updateDuringARun replaces the plugin while a run of it writes. The new version's first hook migrates the
// queue beside that run, which goes on to its end.
func updateDuringARun(p *packaged, release string) {
	p.Helper()
	p.bulk("During", 4, 5)
	written := p.plex.Count("PUT", "")
	answer := p.holdWrite(0)
	ended := make(chan map[string]any, 1)
	go func() { ended <- p.process() }()
	p.until(func() bool { return len(p.host.Processes()) == 1 && p.plex.Count("PUT", "") > written })
	if !p.updates(release) {
		p.Error("Stash offers no update")
	}
	p.install(release)
	p.wantLauncher()
	p.wantVersion("0.9.2")
	p.bulk("During", 6)
	if len(ended) > 0 {
		p.Fatal("the run was over before the update: that proves nothing")
	}
	answer()
	if out := <-ended; out["stopped"] != "" || out["synced"].(float64) < 2 {
		p.Errorf("the run of the version before: %v", out)
	}
	p.process()
	for id := 4; id <= 6; id++ {
		p.wantTitle(id, "During")
	}
}

// downgrade installs a release that knows less than the queue holds: it says so, and leaves the queue alone.
func downgrade(p *packaged, release string) {
	p.Helper()
	p.install(release)
	p.wantVersion("0.9.1")
	untouched := p.queue()
	p.bulk("Refused", 1)
	const advice = "install the newer stash-plex-sync again"
	if _, err := p.host.Operation(p.context(), map[string]any{"mode": "process"}); err == nil || !strings.Contains(err.Error(), advice) {
		p.Errorf("error = %v", err)
	}
	if len(p.logged(advice)) == 0 || len(p.logged("left in the inbox")) == 0 {
		p.Error("the hook does not say what to do, or where its scene is")
	}
	if p.queue() != untouched {
		p.Error("the older version has written into the newer one's queue")
	}
}

// uninstall removes the plugin. What is edited before Stash has noticed is heard of by nobody.
func uninstall(p *packaged) {
	p.Helper()
	p.must(p.manager.Uninstall(p.context(), p.spec))
	// Stash removes no folder in a package, so the empty folder ui stays.
	if left, err := filepath.Glob(filepath.Join(p.folder(), "*", "*")); err != nil || len(left) > 0 || !slices.Equal(names(p, p.folder()), []string{"ui"}) {
		p.Errorf("left of the plugin: %v, %v, %v", names(p, p.folder()), left, err)
	}
	p.bulk("Unheard", 5)
	if len(p.logged("error executing post hooks: fork/exec")) != 1 {
		p.Error("Stash has found something to start")
	}
}

// Stash looks for a bare name on its PATH first.
func TestCopyOnThePathIsNotStartedInPlaceOfThePlugin(t *testing.T) {
	w := newWorld(t, 1)
	bin := t.TempDir()
	w.must(os.WriteFile(filepath.Join(bin, stashtest.PluginID), []byte("#!/bin/sh\necho an old copy >&2\n"), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if out, err := w.host.Operation(w.context(), map[string]any{"mode": "status"}); err != nil || out == nil {
		t.Errorf("%v, %v; the log says %v", out, err, w.logged(""))
	}
}

func TestLauncherThatCannotStartIsOneLineAndHoldsNothingUp(t *testing.T) {
	w := newWorld(t, 1)
	launcher, err := os.ReadFile("../release/launcher.sh")
	w.must(err)
	yml, err := os.ReadFile("../../stash-plex-sync.yml")
	w.must(err)
	bin := t.TempDir()
	w.must(os.WriteFile(filepath.Join(bin, "uname"), []byte("#!/bin/sh\necho Linux mips64\n"), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for text, script := range map[string]string{
		"is missing: install stash-plex-sync again":                   string(launcher),
		"stash-plex-sync does not support this system (Linux mips64)": strings.ReplaceAll(string(launcher), ":/lib", ":/nowhere/lib"),
	} {
		folder := filepath.Join(t.TempDir(), stashtest.PluginID)
		w.must(os.Mkdir(folder, 0o755))
		w.must(os.WriteFile(filepath.Join(folder, stashtest.PluginID+".yml"), yml, 0o644))
		w.must(os.WriteFile(filepath.Join(folder, pkg.ManifestFile), nil, 0o644))
		w.must(os.WriteFile(filepath.Join(folder, stashtest.PluginID), []byte(script), 0o755))
		w.hostOf(filepath.Dir(folder))
		w.bulk("New", 1) // returns: the mutation goes on
		w.until(func() bool { return len(w.logged("[Plugin / Stash Plex Sync] ")) > 0 })
		lines := w.logged("")
		var heard []stashtest.Line
		for _, l := range lines {
			if l.Level != "Debug" {
				heard = append(heard, l)
			}
		}
		if len(heard) != 1 || heard[0].Level != "Error" || !strings.Contains(heard[0].Text, text) {
			t.Errorf("the log says %v, want one line: %s", heard, text)
		}
	}
}

// names returns what a folder holds.
func names(p *packaged, folder string) (list []string) {
	entries, err := os.ReadDir(folder)
	p.must(err)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
