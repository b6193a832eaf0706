package structure

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

const (
	longestPackage  = 2900
	longestFile     = 400
	longestFunction = 60
)

// shorter are packages with a limit of their own.
var shorter = map[string]int{"plugin/engine": 1800}

func TestSizes(t *testing.T) {
	expect(t, checkSizes(parse(t, nil)), nil)
}

// checkSizes returns which packages, files and functions are too long. Generated files do not count.
func checkSizes(tr *tree) []string {
	var problems []string
	for dir, files := range tr.packages {
		lines := 0
		for _, f := range files {
			if ast.IsGenerated(f.syntax) {
				continue
			}
			lines += f.lines
			if f.lines > longestFile {
				problems = append(problems, fmt.Sprintf("%s has %d lines; at most %d are allowed", f.name, f.lines, longestFile))
			}
			problems = append(problems, checkFunctions(tr, f)...)
		}
		limit := longestPackage
		if n, ok := shorter[dir]; ok {
			limit = n
		}
		if lines > limit {
			problems = append(problems, fmt.Sprintf("%s has %d lines; at most %d are allowed", dir, lines, limit))
		}
	}
	return problems
}

func checkFunctions(tr *tree, f *file) []string {
	var problems []string
	for _, d := range f.syntax.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			if n := tr.fset.Position(f.End()).Line - tr.fset.Position(f.Pos()).Line + 1; n > longestFunction {
				problems = append(problems, tr.at(f.Pos(), "%s has %d lines; at most %d are allowed", f.Name.Name, n, longestFunction))
			}
		}
	}
	return problems
}

func TestExcessIsFound(t *testing.T) {
	clean := checkSizes(parse(t, nil))
	head := "package p\n\nfunc long() {"
	text := func(lines int) string { return head + strings.Repeat("\n", lines-4) + "}\n" + "// end\n" }
	found := checkSizes(parse(t, map[string]string{"a/a.go": text(63), "b/b.go": text(64), "c/c.go": "package p\n" + strings.Repeat("//\n", 400)}))
	expect(t, without(found, clean), []string{
		"b/b.go:3: long has 61 lines; at most 60 are allowed",
		"c/c.go has 401 lines; at most 400 are allowed",
	})
	many := make(map[string]string)
	for i := range 8 {
		many[fmt.Sprintf("d/%d.go", i)] = "package p\n" + strings.Repeat("//\n", 362)
	}
	expect(t, without(checkSizes(parse(t, many)), clean), []string{"d has 2904 lines; at most 2900 are allowed"})
}
