package structure

import (
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A layer is what the production code of a package may import besides the standard library. No row but that of plugin
// names the engine, and no row but that of the demo names a stand-in.
type layer struct {
	module string // packages of the module
	others string // other modules, or folders of them
}

// below are the packages that the engine stands on. Files of databases are the business of those of store.
const below = "plugin/engine/doing plugin/engine/findings plugin/engine/gate plugin/engine/hidden plugin/engine/lookup plugin/engine/push plugin/engine/match plugin/engine/merge plugin/engine/reason plugin/engine/retry " +
	"plugin/engine/scans plugin/engine/catchup plugin/engine/plays plugin/engine/tally " +
	"plugin/text plugin/stashapi plexapi store store/plexindex store/pathform store/relink"

var layers = map[string]layer{
	"plugin/engine": {below, "github.com/rs/zerolog"},
	"plugin/engine/gate": {
		"plugin/engine/reason plugin/engine/retry store plexapi plugin/stashapi", "github.com/rs/zerolog",
	},
	"plugin/engine/push": {
		"plugin/engine/gate plugin/engine/hidden plugin/engine/match plugin/engine/merge plugin/engine/reason plugin/engine/retry plugin/engine/scans plugin/engine/tally store store/chosen store/plexindex store/pathform plexapi plugin/stashapi plugin/text",
		"github.com/rs/zerolog",
	},
	"plugin/engine/doing":    {"", ""},
	"plugin/engine/findings": {"plugin/engine/merge plugin/engine/push plugin/engine/reason plugin/engine/retry plugin/report plugin/text store", ""},
	"plugin/engine/gaps": {
		"plugin/engine/hidden plugin/engine/match plugin/engine/push plugin/engine/reason plugin/engine/retry plugin/report plugin/stashapi plugin/text plexapi store store/pathform store/plexindex", "",
	},
	"plugin/engine/hidden": {"plugin/engine/reason plugin/stashapi plugin/text store", ""},
	"plugin/engine/lookup": {
		"plugin/engine/gate plugin/engine/match plugin/engine/push plugin/engine/retry plugin/stashapi plugin/text plexapi store/pathform store/plexindex", "",
	},
	"plugin/engine/match": {"store/chosen store/plexindex store/pathform plugin/stashapi plexapi plugin/text", "golang.org/x/text"},
	"plugin/engine/merge": {"plexapi plugin/stashapi store plugin/text", "golang.org/x/text"},
	"plugin/engine/plays": {
		"plugin/engine/gate plugin/engine/reason plugin/engine/retry plugin/stashapi plugin/text plexapi store store/pathform store/plays", "github.com/rs/zerolog",
	},
	"plugin/engine/reason":  {"plugin/text", ""},
	"plugin/engine/retry":   {"plugin/engine/reason plexapi plugin/stashapi store", ""},
	"plugin/engine/scans":   {"plugin/engine/gate plugin/engine/match plugin/engine/retry plugin/text plexapi store/pathform", ""},
	"plugin/engine/tally":   {"", ""},
	"plugin/engine/catchup": {"plugin/stashapi store", "github.com/rs/zerolog"},
	"plugin/text":           {"", "golang.org/x/text"},
	"store":                 {"store/sqlitefile store/pathform store/chosen store/coverage store/history store/inboxes store/lists store/relink", ""},
	"store/chosen":          {"store/sqlitefile store/pathform", ""},
	"store/lists":           {"store/sqlitefile", ""},
	"store/coverage":        {"store/sqlitefile", ""},
	"store/history":         {"store/sqlitefile", ""},
	"store/inboxes":         {"store/sqlitefile", ""},
	"store/pathform":        {"", "golang.org/x/text"},
	"store/plays":           {"store/sqlitefile", ""},
	"store/relink":          {"store/sqlitefile store/pathform", ""},
	"store/plexindex":       {"plexapi store/sqlitefile store/pathform", ""},
	"store/sqlitefile":      {"store/internal/killpoints", "modernc.org/sqlite github.com/gofrs/flock"},

	// What stands above, beside and below these.
	"plugin": {
		"plugin/account plugin/engine plugin/engine/doing plugin/engine/findings plugin/engine/gaps plugin/engine/gate plugin/engine/hidden plugin/engine/lookup plugin/engine/match plugin/engine/merge plugin/engine/push plugin/engine/reason " +
			"plugin/engine/retry plugin/engine/plays plugin/explain plugin/hooks plugin/ops plugin/ops/desk plugin/ops/plays plugin/ops/setup plugin/parent plugin/pause plugin/peer plugin/progress plugin/reach plugin/report plugin/settings plugin/shorten " +
			"plugin/stashapi plugin/stashlog plugin/status plugin/text plugin/watched " +
			"plexapi store store/inboxes store/lists store/plexindex store/pathform store/sqlitefile",
		"github.com/rs/zerolog github.com/stashapp/stash/pkg/plugin/common",
	},
	"plugin/account":  {"plexapi plexapi/plextv plugin/settings store/sqlitefile", ""},
	"plugin/explain":  {"plugin/engine/retry plugin/ops/desk plugin/status plugin/text store", ""},
	"plugin/hooks":    {"plugin/text store", ""},
	"plugin/status":   {"plugin/ops/desk plugin/pause plugin/text store store/history store/plexindex", ""},
	"plugin/parent":   {"", ""},
	"plugin/pause":    {"store/sqlitefile", ""},
	"plugin/peer":     {"plugin/settings plugin/stashapi", ""},
	"plugin/progress": {"plugin/engine/doing", "github.com/gofrs/flock"},
	"plugin/reach":    {"plexapi store", ""},
	"plugin/report":   {"store/sqlitefile", ""},
	"plugin/shorten":  {"", ""},
	"plugin/thumb":    {"", "golang.org/x/image"},
	"plugin/watched":  {"plugin/engine/gate plugin/engine/plays plugin/ops/desk plugin/ops/plays plugin/text store", "github.com/rs/zerolog"},
	"plugin/ops":      {"plugin/ops/desk plugin/ops/plays plugin/ops/queue plugin/ops/scenes plugin/ops/setup", ""},
	"plugin/ops/desk": {
		"plugin/account plexapi plugin/engine/push plugin/engine/reason plugin/engine/retry plugin/hooks plugin/pause plugin/report plugin/settings plugin/stashapi plugin/text store store/plexindex",
		"github.com/rs/zerolog",
	},
	"plugin/ops/plays": {"plexapi plugin/engine/plays plugin/engine/reason plugin/ops/desk plugin/text store store/plays", ""},
	"plugin/ops/queue": {
		"plugin/engine/doing plugin/engine/retry plugin/hooks plugin/ops/desk plugin/pause plugin/progress plugin/reach plugin/report plugin/settings " +
			"plugin/stashapi plugin/status plugin/text store store/coverage store/history store/lists store/sqlitefile",
		"",
	},
	"plugin/ops/scenes": {
		"plexapi plugin/engine/match plugin/engine/merge plugin/engine/push plugin/engine/retry plugin/ops/desk plugin/ops/plays plugin/pause plugin/stashapi plugin/text plugin/thumb store " +
			"store/chosen store/pathform store/plexindex store/sqlitefile",
		"",
	},
	"plugin/ops/setup": {
		"plugin/account plexapi plugin/engine/hidden plugin/engine/match plugin/ops/desk plugin/settings plugin/text store store/history store/sqlitefile",
		"",
	},
	"plugin/settings": {"plugin/engine/match plugin/engine/merge plugin/text store/pathform", ""},
	"plugin/stashapi": {
		"plugin/stashlog plugin/text",
		"github.com/Khan/genqlient/graphql github.com/stashapp/stash/pkg/plugin/common github.com/vektah/gqlparser/v2/gqlerror golang.org/x/text",
	},
	"plugin/stashlog":           {"plugin/text", "github.com/rs/zerolog"},
	"plexapi":                   {"", ""},
	"plexapi/plextv":            {"", ""},
	"store/internal/killpoints": {"", ""},
	"cmd/stash-plex-sync":       {"plugin plugin/account plugin/settings plugin/status plugin/text store", ""},
	"cmd/release":               {"", "github.com/stashapp/stash/pkg gopkg.in/yaml.v2"},

	// The stand-ins, which nothing but tests and the demo imports.
	"plexapi/plextest":          {"", ""},
	"plugin/stashapi/stashtest": {"", "github.com/stashapp/stash/pkg github.com/vektah/gqlparser/v2"},
	"plugin/ui/uitest": {
		"plexapi/plextest plugin/stashapi/stashtest", "github.com/chromedp github.com/gobwas/ws",
	},
	"cmd/demo": {"plexapi/plextest plugin/stashapi/stashtest", ""},
}

// apart are packages that do not reach each other over any number of imports, in either direction.
var apart = [][2]string{{"store", "plexapi"}, {"store/sqlitefile", "plexapi"}, {"store/pathform", "plexapi"}}

// pure are packages without input and output: what they may not import of the standard library, and types that their
// code may not name.
var pure = map[string]struct{ library, types string }{
	"plugin/explain":       {"context os net database/sql", "Store Index Client"},
	"plugin/engine/merge":  {"context os net database/sql", "Store Index Client"},
	"plugin/engine/reason": {"context os net database/sql", ""},
	"plugin/engine/retry":  {"context os database/sql", "Store Index Client"},
	"plugin/engine/match":  {"os net database/sql", "Store Client"}, // only types of plexapi
	"store/plexindex":      {"", "Client"},                          // only types of plexapi
	"plugin/thumb":         {"os net database/sql", "Store Index Client"},
}

func TestLayers(t *testing.T) {
	expect(t, checkLayers(parse(t, nil)), nil)
}

// checkLayers returns what breaks the rules of this file.
func checkLayers(tr *tree) []string {
	var problems []string
	graph := make(map[string]map[string]bool)
	for dir, files := range tr.packages {
		graph[dir] = make(map[string]bool)
		if _, known := layers[dir]; !known {
			problems = append(problems, dir+" is not in the table of layers")
			continue
		}
		for _, f := range files {
			for _, spec := range f.syntax.Imports {
				name, _ := strconv.Unquote(spec.Path.Value)
				if why := forbidden(dir, name); why != "" {
					problems = append(problems, tr.at(spec.Pos(), "%s", why))
				}
				graph[dir][strings.TrimPrefix(name, module+"/")] = true
			}
			problems = append(problems, checkNames(tr, dir, f)...)
		}
	}
	for dir := range layers {
		if tr.packages[dir] == nil {
			problems = append(problems, dir+" is in the table of layers and does not exist")
		}
	}
	for _, pair := range apart {
		for _, p := range [][2]string{pair, {pair[1], pair[0]}} {
			if reaches(graph, p[0], p[1], make(map[string]bool)) {
				problems = append(problems, p[0]+" reaches "+p[1])
			}
		}
	}
	return problems
}

// forbidden says why a package may not import another; "" if it may.
func forbidden(dir, name string) string {
	local, ours := strings.CutPrefix(name, module+"/")
	short := dir + " imports " + local
	switch {
	case ours:
		if !slices.Contains(strings.Fields(layers[dir].module), local) {
			return short
		}
	case strings.Contains(strings.Split(name, "/")[0], "."):
		if !within(name, layers[dir].others) {
			return short
		}
	case within(name, pure[dir].library):
		return short
	}
	return ""
}

// within reports whether an import path is one of a list or in a folder of one.
func within(name, list string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(one string) bool { return name == one || strings.HasPrefix(name, one+"/") })
}

// checkNames returns where a pure package names or declares a type that it may not know.
func checkNames(tr *tree, dir string, f *file) []string {
	banned := strings.Fields(pure[dir].types)
	ours := make(map[string]bool) // the names of the module's packages in this file
	for _, spec := range f.syntax.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if local := path.Base(name); strings.HasPrefix(name, module) {
			if spec.Name != nil {
				local = spec.Name.Name
			}
			ours[local] = true
		}
	}
	var problems []string
	note := func(pos token.Pos, name string) {
		if slices.Contains(banned, name) {
			problems = append(problems, tr.at(pos, "%s names the type %s", dir, name))
		}
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && ours[x.Name] {
				note(n.Pos(), n.Sel.Name)
			}
		case *ast.TypeSpec:
			note(n.Pos(), n.Name.Name)
		}
		return true
	})
	return problems
}

// reaches reports whether a package imports another over any number of imports.
func reaches(graph map[string]map[string]bool, from, to string, seen map[string]bool) bool {
	if graph[from][to] {
		return true
	}
	seen[from] = true
	return slices.ContainsFunc(slices.Collect(maps.Keys(graph[from])), func(next string) bool {
		return !seen[next] && reaches(graph, next, to, seen)
	})
}

// Each package gets one import that it may not have, in a copy, and the check finds all of them and nothing else.
func TestForbiddenImportIsFound(t *testing.T) {
	changes := make(map[string]string)
	var want []string
	for dir := range layers {
		name := dir + "/forbidden.go"
		changes[name] = "package p\n\nimport _ \"" + module + "/cmd/demo\"\n"
		want = append(want, name+":3: "+dir+" imports cmd/demo")
	}
	expect(t, without(checkLayers(parse(t, changes)), checkLayers(parse(t, nil))), want)
}

// Every kind of rule is broken once, in a copy.
func TestBrokenLayerRuleIsFound(t *testing.T) {
	clean := checkLayers(parse(t, nil))
	for _, c := range []struct{ dir, code, want string }{
		{"plugin/engine/retry", `import _ "` + module + `/plugin/engine"`, "@ plugin/engine/retry imports plugin/engine"},
		{"plexapi/plextest", `import _ "` + module + `/plugin/text"`, "@ plexapi/plextest imports plugin/text"},
		{"plugin/text", `import _ "golang.org/x/sync/errgroup"`, "@ plugin/text imports golang.org/x/sync/errgroup"},
		{"plugin/engine/merge", `import _ "context"`, "@ plugin/engine/merge imports context"},
		{"plugin/engine/merge", `import _ "net/http"`, "@ plugin/engine/merge imports net/http"},
		{"plugin/engine/retry", `import _ "context"`, "@ plugin/engine/retry imports context"},
		{"plugin/engine/retry", `type Store any`, "@ plugin/engine/retry names the type Store"},
		{"plugin/engine/merge", `import api "` + module + `/plexapi"; var _ api.Client`, "@ plugin/engine/merge names the type Client"},
		{"plugin/more", ``, "plugin/more is not in the table of layers"},
	} {
		change := map[string]string{c.dir + "/forbidden.go": "package p\n\n" + c.code + "\n"}
		want := strings.Replace(c.want, "@", c.dir+"/forbidden.go:3:", 1)
		expect(t, without(checkLayers(parse(t, change)), clean), []string{want})
	}
}

func TestDetourIsFound(t *testing.T) {
	graph := map[string]map[string]bool{"store": {"a": true}, "a": {"b": true, "store": true}, "b": {"plexapi": true}}
	if !reaches(graph, "store", "plexapi", make(map[string]bool)) || reaches(graph, "plexapi", "store", make(map[string]bool)) {
		t.Error("store reaches plexapi over two others, and plexapi reaches nothing")
	}
}
