// Package uitest tests the plugin's page in a browser: it holds a host page that behaves like the web app of Stash, a
// server for it in front of a simulated Stash that runs the real plugin, and a driver of Chromium.
package uitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// built is the folder of what is built once for all tests of a process: the plugin, and the host page.
var built struct {
	sync.Once
	dir string
	err error
}

// root returns the folder of the module.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

func nodeModules() string { return filepath.Join(root(), "plugin", "ui", "node_modules") }

// Main runs the tests of a package, and removes afterwards what they have in common.
func Main(m *testing.M) int {
	os.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // no plugin of a test reaches plex.tv
	defer func() {
		closeBrowser()
		if built.dir != "" {
			os.RemoveAll(built.dir)
		}
	}()
	return m.Run()
}

// need skips a test where a browser test cannot run, or is not asked for.
func need(t testing.TB) {
	t.Helper()
	switch {
	case os.Getenv("BROWSER") == "":
		t.Skip("browser tests run only if BROWSER is set: ./build.sh browser")
	case testing.Short():
		t.Skip("starts processes and a browser")
	}
	if _, err := chromium(); err != nil {
		t.Skipf("no Chromium: %v; install it, or set CHROMIUM to its program", err)
	}
	if _, err := os.Stat(filepath.Join(nodeModules(), "react", "package.json")); err != nil {
		t.Skip("no npm packages: run npm ci in plugin/ui")
	}
}

// builds builds the plugin and the host page once, and returns their folder.
func builds(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "stash-plex-sync-ui-"); built.err != nil {
			return
		}
		built.err = buildAll(built.dir)
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

func buildAll(dir string) error {
	folder := filepath.Join(dir, stashtest.PluginID)
	err := run("CGO_ENABLED=0", "go", "build", "-ldflags", "-X main.version="+version, "-o", folder+"/", "./cmd/"+stashtest.PluginID)
	if err != nil {
		return err
	}
	if err := run("VERSION="+version, "./build.sh", "page", folder); err != nil {
		return err
	}
	if err := copyYML(folder); err != nil {
		return err
	}
	host := filepath.Join("plugin", "ui", "uitest", "host")
	out := "--outfile=" + filepath.Join(dir, "host.")
	if err := esbuild(filepath.Join(host, "main.tsx"), out+"js", "--bundle", "--format=iife", "--target=es2020", `--define:process.env.NODE_ENV="production"`); err != nil {
		return err
	}
	return esbuild(filepath.Join(host, "style.css"), out+"css")
}

// version is that of the program and of its page: they must be the same.
const version = "0.0.0-test"

func copyYML(folder string) error {
	name := stashtest.PluginID + ".yml"
	yml, err := os.ReadFile(filepath.Join(root(), name))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), yml, 0o644)
}

func esbuild(from string, flags ...string) error {
	return run("", append([]string{"go", "tool", "esbuild", from, "--log-level=error"}, flags...)...)
}

func run(env string, words ...string) error {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = root()
	if env != "" {
		cmd.Env = append(os.Environ(), env)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, out)
	}
	return nil
}
