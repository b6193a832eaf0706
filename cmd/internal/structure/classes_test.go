package structure

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"
)

// deciders are the packages that decide what an error means. Elsewhere a class is only passed on, stored or shown.
var deciders = []string{"plugin/engine/gate", "plugin/engine/retry", "plexapi"}

// classesOf are the packages with a type Class.
var classesOf = []string{"plugin/engine/retry", "plexapi"}

const pushes = "plugin/engine/push"

// failing lists the types of package push that have a field err. Only their method Fail may set it.
var failing = []string{"Push", "Target", "Restore"}

// A search looks for what only some places may do.
type search struct {
	*tree
	info     *types.Info
	classes  []types.Type
	texts    map[string]bool         // of the constants of these types
	plex     types.Type              // plexapi.Error
	members  map[types.Object]bool   // its fields
	errs     map[types.Object]string // the fields err, with the names of their types
	problems []string
}

func newSearch(t *testing.T, tr *tree) *search {
	t.Helper()
	tr.check(t)
	s := &search{tree: tr, texts: make(map[string]bool), members: make(map[types.Object]bool), errs: make(map[types.Object]string)}
	for _, dir := range classesOf {
		scope := tr.types[dir].Scope()
		class := scope.Lookup("Class").Type()
		s.classes = append(s.classes, class)
		for _, name := range scope.Names() {
			if c, ok := scope.Lookup(name).(*types.Const); ok && types.Identical(c.Type(), class) {
				s.texts[constant.StringVal(c.Val())] = true
			}
		}
	}
	s.plex = tr.types["plexapi"].Scope().Lookup("Error").Type()
	for f := range s.plex.Underlying().(*types.Struct).Fields() {
		s.members[f] = true
	}
	for _, name := range failing {
		found := false
		for f := range tr.types[pushes].Scope().Lookup(name).Type().Underlying().(*types.Struct).Fields() {
			if f.Name() == "err" {
				s.errs[f], found = name, true
			}
		}
		if !found {
			t.Fatalf("push.%s has no field err", name)
		}
	}
	return s
}

func (s *search) note(n ast.Node, format string, args ...any) {
	if p := s.at(n.Pos(), format, args...); !slices.Contains(s.problems, p) {
		s.problems = append(s.problems, p)
	}
}

func TestOnePlaceDecides(t *testing.T) {
	expect(t, newSearch(t, parse(t, nil)).decisions(), nil)
}

// decisions returns where packages other than the deciders look into classes and errors of Plex.
func (s *search) decisions() []string {
	for _, dir := range slices.Sorted(maps.Keys(s.infos)) {
		if slices.Contains(deciders, dir) {
			continue
		}
		s.info = s.infos[dir]
		for name, instance := range s.info.Instances {
			s.instance(name, instance)
		}
		for _, f := range s.packages[dir] {
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				s.decision(n)
				return true
			})
		}
	}
	return s.problems
}

// decision notes a node that decides something by a class or an error of Plex.
func (s *search) decision(n ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if comparison(n.Op) && (s.isClass(n.X) || s.isClass(n.Y)) {
			s.note(n, "compares a class")
		}
	case *ast.SwitchStmt:
		if n.Tag != nil && s.isClass(n.Tag) {
			s.note(n, "switches on a class")
		}
	case *ast.CaseClause:
		for _, e := range n.List {
			if s.isClass(e) {
				s.note(n, "switches on a class")
			}
			if tv := s.info.Types[e]; tv.IsType() && s.isPlex(tv.Type) {
				s.note(n, "unwraps an error of Plex")
			}
		}
	case *ast.IndexExpr:
		if m, ok := s.typeOf(n.X).(*types.Map); ok && s.holdsClass(m.Key()) {
			s.note(n, "looks up a class")
		}
	case *ast.TypeAssertExpr:
		if n.Type != nil && s.isPlex(s.info.Types[n.Type].Type) {
			s.note(n, "unwraps an error of Plex")
		}
	case *ast.CallExpr:
		s.call(n)
	case *ast.SelectorExpr:
		if sel := s.info.Selections[n]; sel != nil && s.members[sel.Obj()] {
			s.note(n, "reads the field %s of an error of Plex", n.Sel.Name)
		}
	}
}

// call notes calls of the standard library that compare a class or unwrap an error of Plex.
func (s *search) call(n *ast.CallExpr) {
	f, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	used := s.info.Uses[f.Sel]
	if used == nil || used.Pkg() == nil {
		return
	}
	for _, arg := range n.Args {
		pointer, ok := s.typeOf(arg).(*types.Pointer)
		switch {
		case used.Pkg().Path() == "errors" && ok && s.isPlex(pointer.Elem()):
			s.note(n, "unwraps an error of Plex")
		case slices.Contains([]string{"strings", "reflect"}, used.Pkg().Path()) && s.isClass(arg):
			s.note(n, "compares a class")
		}
	}
}

// instance notes a generic function that is used for a class or an error of Plex.
func (s *search) instance(name *ast.Ident, instance types.Instance) {
	f, ok := s.info.Uses[name].(*types.Func)
	if !ok {
		return
	}
	for i := range instance.TypeArgs.Len() {
		arg := instance.TypeArgs.At(i)
		switch constraint := f.Signature().TypeParams().At(i).Constraint().Underlying().(*types.Interface); {
		case s.isPlex(arg):
			s.note(name, "unwraps an error of Plex")
		case constraint.IsComparable() && s.holdsClass(arg):
			s.note(name, "compares a class")
		}
	}
}

func comparison(op token.Token) bool {
	return slices.Contains([]token.Token{token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ}, op)
}

func (s *search) typeOf(e ast.Expr) types.Type {
	if t := s.info.Types[e].Type; t != nil {
		return t.Underlying()
	}
	return nil
}

// isClass reports whether an expression is a class, holds one, is one that was converted to another type, or is the
// text of one.
func (s *search) isClass(e ast.Expr) bool {
	e = ast.Unparen(e)
	tv := s.info.Types[e]
	if tv.Type == nil || tv.IsType() {
		return false
	}
	if s.holdsClass(tv.Type) || tv.Value != nil && tv.Value.Kind() == constant.String && s.texts[constant.StringVal(tv.Value)] {
		return true
	}
	call, ok := e.(*ast.CallExpr)
	return ok && len(call.Args) == 1 && s.info.Types[call.Fun].IsType() && s.isClass(call.Args[0])
}

// holdsClass reports whether a value of a type is a class, or is compared by one.
func (s *search) holdsClass(t types.Type) bool {
	if slices.ContainsFunc(s.classes, func(c types.Type) bool { return types.Identical(c, t) }) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if s.holdsClass(f.Type()) {
				return true
			}
		}
	case *types.Array:
		return s.holdsClass(u.Elem())
	}
	return false
}

// isPlex reports whether a type is that of Plex's errors, or a pointer to it.
func (s *search) isPlex(t types.Type) bool {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	return t != nil && types.Identical(t, s.plex)
}

func TestErrorsAreSetByFailAlone(t *testing.T) {
	expect(t, newSearch(t, parse(t, nil)).assignments(), nil)
}

// assignments returns where the error of a push, a target or a restore is set other than by its method Fail.
func (s *search) assignments() []string {
	s.info = s.infos[pushes]
	for _, f := range s.packages[pushes] {
		for _, d := range f.syntax.Decls {
			method := ""
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv != nil && d.Name.Name == "Fail" {
				method = strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")
			}
			ast.Inspect(d, func(n ast.Node) bool {
				s.assignment(n, method)
				return true
			})
		}
	}
	return s.problems
}

// assignment notes a node that sets such an error. It is allowed in the method Fail of the same type.
func (s *search) assignment(n ast.Node, method string) {
	var set []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		set = n.Lhs
	case *ast.RangeStmt:
		set = []ast.Expr{n.Key, n.Value} // either may be nil
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			set = []ast.Expr{n.X}
		}
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				set = append(set, pair.Key)
			} else if f, ok := s.errField(n); ok {
				s.note(n, "sets the error of a %s", s.errs[f])
			}
		}
	}
	for _, e := range set {
		var field types.Object
		switch e := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			if sel := s.info.Selections[e]; sel != nil {
				field = sel.Obj()
			}
		case *ast.Ident:
			field = s.info.Uses[e]
		}
		if name, ok := s.errs[field]; ok && name != method {
			s.note(n, "sets the error of a %s", name)
		}
	}
}

// errField returns the field err of a literal's type, if it has one.
func (s *search) errField(n *ast.CompositeLit) (types.Object, bool) {
	u, ok := s.typeOf(n).(*types.Struct)
	if !ok {
		return nil, false
	}
	for f := range u.Fields() {
		if s.errs[f] != "" {
			return f, true
		}
	}
	return nil, false
}

// violations are files that break the rules: each line with a comment "want" does, and no other.
var violations = map[string]string{
	"plugin/violations.go": `package plugin

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

func violations(err error, class retry.Class, text string, any any) error {
	_ = class == retry.ClassGone // want compares a class
	_ = "gone" != class // want compares a class
	_ = text == string(retry.ClassGone) // want compares a class
	_ = text == (string)(class) // want compares a class
	_ = text == "not_found" // want compares a class
	_ = retry.Judge(err) == retry.Judge(nil) // want compares a class
	_ = [1]retry.Class{class} == [1]retry.Class{} // want compares a class
	switch class { // want switches on a class
	}
	switch text {
	case string(retry.ClassGone): // want switches on a class
	}
	switch {
	case class == "": // want compares a class
	}
	_ = slices.Contains([]retry.Class{class}, class) // want compares a class
	_ = cmp.Compare(class, retry.ClassGone) // want compares a class
	_ = strings.HasPrefix(string(class), "stash") // want compares a class
	_ = map[retry.Class]bool{}[class] // want looks up a class

	e, _ := errors.AsType[*plexapi.Error](err) // want unwraps an error of Plex
	_ = errors.As(err, &e) // want unwraps an error of Plex
	_, _ = err.(*plexapi.Error) // want unwraps an error of Plex
	_ = err.(*plexapi.Error) // want unwraps an error of Plex
	switch err.(type) {
	case nil, *plexapi.Error: // want unwraps an error of Plex
	}
	_, _ = any.(plexapi.Error) // want unwraps an error of Plex
	_ = e.Status // want reads the field Status of an error of Plex
	_ = struct{ *plexapi.Error }{e}.Timeout // want reads the field Timeout of an error of Plex
	_ = e.Class == plexapi.Down // want compares a class, reads the field Class of an error of Plex
	return &plexapi.Error{Class: plexapi.Temporary, Op: string(class), Err: e}
}
`,
	"plugin/engine/push/violations.go": `package push

func violations(p *Push, t *Target, r *Restore, err error) {
	p.err = err // want sets the error of a Push
	t.err, err = err, nil // want sets the error of a Target
	(r.err) = nil // want sets the error of a Restore
	(&picture{Target: t}).err = err // want sets the error of a Target
	_ = &Push{err: err} // want sets the error of a Push
	_ = Restore{r.Item, false, false, nil, false, t, err} // want sets the error of a Restore
	for _, p.err = range []error{err} { // want sets the error of a Push
	}
	set := func(to *error) { *to = err }
	set(&p.err) // want sets the error of a Push
	p.cover.err = p.err
	p.Fail(r.err)
}

type other struct{ p *Push }

func (o other) Fail(err error) {
	o.p.err = err // want sets the error of a Push
}
`,
}

// Every kind of violation is added to a copy, and the checks find each of them.
func TestViolationOfOnePlaceIsFound(t *testing.T) {
	clean := newSearch(t, parse(t, nil))
	clean.decisions()
	clean.assignments()
	changed := newSearch(t, parse(t, violations))
	changed.decisions()
	changed.assignments()
	var want []string
	for name, code := range violations {
		for i, line := range strings.Split(code, "\n") {
			if _, text, ok := strings.Cut(line, "want "); ok {
				for one := range strings.SplitSeq(text, ", ") {
					want = append(want, fmt.Sprintf("%s:%d: %s", name, i+1, one))
				}
			}
		}
	}
	expect(t, without(changed.problems, clean.problems), want)
}
