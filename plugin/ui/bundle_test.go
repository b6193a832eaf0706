// Package ui_test checks the page inside Stash as it is shipped: the bundle of plugin/ui/src.
package ui_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	largest = 60_000 // bytes of each script
	atStart = 30_000 // bytes of page.js and page.css together: Stash shows nothing before it has loaded them
	longest = 400    // lines of a file
)

// A metafile is what esbuild says about a bundle. The paths are relative to the module's root.
type metafile struct{ Inputs map[string]any }

// bundle builds the page as a release does, and returns the folder of its files and esbuild's metafile of its modules.
func bundle(t *testing.T) (string, metafile) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts esbuild")
	}
	dir, about := t.TempDir(), filepath.Join(t.TempDir(), "meta.json")
	build := func(args ...string) {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "VERSION=1.2.3")
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 { // esbuild prints warnings only
			t.Fatalf("%v\n%s", err, out)
		}
	}
	build("./build.sh", "page", dir)
	build("go", "tool", "esbuild", "page=plugin/ui/src/main.tsx", "plugin/ui/src/app.tsx", "--bundle", "--format=esm", "--outdir="+t.TempDir(),
		"--jsx-factory=h", "--jsx-fragment=Fragment", "--inject:plugin/ui/src/jsx.ts", "--metafile="+about, "--log-level=warning")
	var meta metafile
	if err := json.Unmarshal(read(t, about), &meta); err != nil {
		t.Fatal(err)
	}
	return dir, meta
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Stash joins the scripts of a plugin to one classic script, so the one that it loads needs a scope of its own and no
// loader.
func TestBundleIsSmallScriptsOfOurOwnCode(t *testing.T) {
	dir, meta := bundle(t)
	script, style := read(t, filepath.Join(dir, "page.js")), read(t, filepath.Join(dir, "page.css"))
	if n := len(script) + len(style); n > atStart {
		t.Errorf("Stash loads %d bytes at its start; at most %d are allowed", n, atStart)
	}
	if !regexp.MustCompile(`^("use strict";)?\(\(\)=>\{(?s:.*)\}\)\(\);\n$`).Match(script) {
		t.Error("page.js is not one function that calls itself")
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("%v, the files are %v, want page.js, page.css and ui", err, files)
	}
	modules, err := filepath.Glob(filepath.Join(dir, "ui", "*"))
	if err != nil || len(modules) < 5 {
		t.Errorf("%v, the modules are %v", err, modules)
	}
	all := 0
	for _, name := range modules {
		n := len(read(t, name))
		if all += n; n > largest {
			t.Errorf("%s has %d bytes; at most %d are allowed", filepath.Base(name), n, largest)
		}
	}
	t.Logf("page.js and page.css have %d bytes, the modules of the views %d", len(script)+len(style), all)
	for name := range meta.Inputs {
		if !strings.HasPrefix(name, "plugin/ui/src/") {
			t.Errorf("%s is a part of the page: import only types from packages", name)
		}
	}
}

// stash is a window in which the bundle runs twice, as with two copies of the plugin. Whatever the bundle reads of it
// exists and can be called. It prints the new globals and how often something was registered.
const stash = `
const counts = [0, 0], globals = {};
let run = 0;
const any = (name) => new Proxy(function () {}, {
  get: (target, key) => key === Symbol.toPrimitive ? () => name : key in target && key !== "prototype" ? target[key] : any(name + "." + String(key)),
  apply: () => { if (/PluginApi\.(register|patch)\./.test(name)) counts[run]++; return any(name + "()"); },
  construct: () => any(name),
});
for (const key of ["PluginApi", "document", "location", "history", "navigator", "localStorage", "sessionStorage", "matchMedia", "fetch",
  "addEventListener", "removeEventListener", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "requestAnimationFrame"]) globals[key] = any(key);
Object.assign(globals, { window: globals, self: globals, URL, URLSearchParams, AbortController, console });
const vm = require("vm"), context = vm.createContext(globals), script = new vm.Script(require("fs").readFileSync(0, "utf8"));
const known = new Set(Reflect.ownKeys(globals));
for (; run < 2; run++) script.runInContext(context);
console.log(JSON.stringify({ globals: Reflect.ownKeys(globals).filter((key) => !known.has(key)).map(String), counts }));
`

func TestBundleLeavesOneMarkerAndRegistersOnce(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node")
	}
	dir, _ := bundle(t)
	cmd := exec.Command(node, "-e", stash)
	cmd.Stdin = strings.NewReader(string(read(t, filepath.Join(dir, "page.js"))))
	out, err := cmd.CombinedOutput()
	var ran struct {
		Globals []string
		Counts  [2]int
	}
	if err != nil || json.Unmarshal(out, &ran) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(ran.Globals) != 1 {
		t.Errorf("the globals of the page are %q, want one marker", ran.Globals)
	}
	if ran.Counts[0] == 0 || ran.Counts[1] > 0 {
		t.Errorf("it registered %d times in the first run and %d times in the second", ran.Counts[0], ran.Counts[1])
	}
}

// imported matches a statement that imports or exports from another file or package: its first word after the keyword,
// and where from.
var imported = regexp.MustCompile(`(?m)^(?:import|export)\s+(type\b)?(?:[\w\s{},*$]*\bfrom\s+)?["']([^"'\n]+)["'];`)

var markup = regexp.MustCompile(`dangerouslySetInnerHTML|\b(?:inner|outer)HTML\b|insertAdjacentHTML`)

func TestSourceKeepsTheRulesOfThePage(t *testing.T) {
	src := os.DirFS("src")
	err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(src, name)
		text := string(data)
		if n := strings.Count(text, "\n"); n > longest {
			t.Errorf("%s has %d lines; at most %d are allowed", name, n, longest)
		}
		if name != "host.ts" && name != "plugin-api.d.ts" && strings.Contains(text, "PluginApi") {
			t.Errorf("%s uses PluginApi: only host.ts does", name)
		}
		if found := markup.FindString(text); found != "" {
			t.Errorf("%s uses %s: a text of Stash or Plex would be markup", name, found)
		}
		for _, m := range imported.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[2], ".") && m[1] != "type" {
				t.Errorf("%s imports %s: no package is part of the page; import its types with \"import type\"", name, m[2])
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
