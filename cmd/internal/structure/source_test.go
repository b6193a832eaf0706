// Package structure holds the tests that keep the code's structure: which package may import which, how long files and
// functions are, that one place decides what an error means, and that texts are plain English.
package structure

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../../.."
	module = "github.com/stash-plex-sync/stash-plex-sync"
)

// production reads the files of the production code, those of every platform and build tag: their contents by their
// paths.
var production = sync.OnceValues(func() (map[string]string, error) {
	text := make(map[string]string)
	dir := os.DirFS(root)
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "dist" || base == "node_modules"):
			return fs.SkipDir
		case d.IsDir(), path.Ext(name) != ".go", strings.HasSuffix(name, "_test.go"):
			return nil
		}
		data, err := fs.ReadFile(dir, name)
		text[name] = string(data)
		return err
	})
	return text, err
})

// A file is one file of production code.
type file struct {
	name   string
	lines  int
	syntax *ast.File
}

// A tree is the production code, or a changed copy of it.
type tree struct {
	fset     *token.FileSet
	text     map[string]string
	packages map[string][]*file // by import path, without the module's
	infos    map[string]*types.Info
	types    map[string]*types.Package
}

// parse parses the production code with some files changed or added.
func parse(t *testing.T, changes map[string]string) *tree {
	t.Helper()
	text, err := production()
	if err != nil {
		t.Fatal(err)
	}
	tr := &tree{fset: token.NewFileSet(), text: maps.Clone(text), packages: make(map[string][]*file)}
	maps.Copy(tr.text, changes)
	for _, name := range slices.Sorted(maps.Keys(tr.text)) {
		syntax, err := parser.ParseFile(tr.fset, name, tr.text[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(name)
		tr.packages[dir] = append(tr.packages[dir], &file{name, strings.Count(tr.text[name], "\n"), syntax})
	}
	return tr
}

// check type-checks the files that belong to the present platform. Packages of other modules are left unresolved.
func (tr *tree) check(t *testing.T) {
	t.Helper()
	tr.infos, tr.types = make(map[string]*types.Info), make(map[string]*types.Package)
	for dir := range tr.packages {
		if _, err := tr.Import(path.Join(module, dir)); err != nil {
			t.Fatal(err)
		}
	}
}

// library imports packages of the standard library. Without cgo their source is enough.
var library = sync.OnceValue(func() types.Importer {
	build.Default.CgoEnabled = false
	return importer.ForCompiler(token.NewFileSet(), "source", nil)
})

var errOtherModule = errors.New("a package of another module")

// version is the major version at the end of an import path. It is no part of the package's name.
var version = regexp.MustCompile(`[/.]v[0-9]+$`)

// Import returns a package of the module or of the standard library.
func (tr *tree) Import(name string) (*types.Package, error) {
	dir, ours := strings.CutPrefix(name, module+"/")
	switch {
	case !ours && strings.Contains(strings.Split(name, "/")[0], "."):
		return types.NewPackage(name, path.Base(version.ReplaceAllString(name, ""))), errOtherModule
	case !ours:
		return library().Import(name)
	case tr.types[dir] != nil:
		return tr.types[dir], nil
	}
	files, err := tr.builtFiles(dir)
	if err != nil {
		return nil, err
	}
	var failures []error
	config := types.Config{Importer: tr, Error: func(err error) {
		if !strings.Contains(err.Error(), errOtherModule.Error()) {
			failures = append(failures, err)
		}
	}}
	info := &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Instances: make(map[*ast.Ident]types.Instance),
		Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection),
	}
	pkg, _ := config.Check(name, tr.fset, files, info) // its errors are in failures
	if err := errors.Join(failures...); err != nil {
		return nil, fmt.Errorf("type-check %s: %w", name, err)
	}
	tr.types[dir], tr.infos[dir] = pkg, info
	return pkg, nil
}

// builtFiles returns the files of a package that the present platform compiles.
func (tr *tree) builtFiles(dir string) ([]*ast.File, error) {
	context := build.Default
	context.OpenFile = func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(tr.text[name])), nil
	}
	context.JoinPath = path.Join
	var files []*ast.File
	for _, f := range tr.packages[dir] {
		built, err := context.MatchFile(path.Dir(f.name), path.Base(f.name))
		if err != nil {
			return nil, err
		}
		if built {
			files = append(files, f.syntax)
		}
	}
	return files, nil
}

// at describes a problem at a place in the code.
func (tr *tree) at(pos token.Pos, format string, args ...any) string {
	p := tr.fset.Position(pos)
	return fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...))
}

// expect compares the problems that a check finds with those that it has to find.
func expect(t *testing.T, found, want []string) {
	t.Helper()
	for _, p := range found {
		if !slices.Contains(want, p) {
			t.Error(p)
		}
	}
	for _, p := range want {
		if !slices.Contains(found, p) {
			t.Errorf("not found: %s", p)
		}
	}
}

// without returns the problems that a changed copy of the code has and the code itself has not.
func without(found, clean []string) []string {
	return slices.DeleteFunc(found, func(p string) bool { return slices.Contains(clean, p) })
}
