// Package pathform brings file paths of two systems into a form in which they can be compared.
package pathform

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normal returns a path in the form used to compare paths of two systems: in NFC (macOS uses NFD), with slashes
// instead of backslashes, no repeated slashes except a leading pair (a Windows share), and no slash at the end.
func Normal(p string) string {
	p = strings.ReplaceAll(norm.NFC.String(p), `\`, "/")
	share := strings.HasPrefix(p, "//")
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	if share {
		p = "/" + p
	}
	return p
}

// Fold returns a normal path without case, and with one character for all that Windows forbids in names.
func Fold(p string) string { return fold(Normal(p)) }

// fold returns a text without case and in NFC. Folding may decompose a rune, or make two composable. Unicode folds
// small letters of Cherokee to capitals, so ToLower follows.
func fold(text string) string {
	text = strings.Map(allowed, text)
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return norm.NFC.String(strings.ToLower(cases.Fold().String(text)))
	}
	return strings.ToLower(text)
}

// allowed replaces a character that Windows forbids in names, and the private ones that stand for it on shares: a Mac
// and the Linux of Windows write them, and other systems show them as they are.
func allowed(r rune) rune {
	if strings.ContainsRune(`"*:<>?|`, r) || r > '\uf000' && r <= '\uf07f' {
		return '?'
	}
	return r
}

// FoldBase returns the last element of a path, in normal form and without case.
func FoldBase(p string) string {
	return Base(Fold(p))
}

// Base returns the last element of a normal path.
func Base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// Folders returns the names of the folders of a normal path, innermost first, without the root.
func Folders(normal string) []string {
	var list []string
	for {
		i := strings.LastIndexByte(normal, '/')
		if i < 0 {
			return list
		}
		normal = normal[:i]
		name := normal[strings.LastIndexByte(normal, '/')+1:]
		if name == "" {
			return list
		}
		list = append(list, name)
	}
}

// TrailingFolders returns how many folders two paths share, counted from the file outwards without the file's own
// name. With fold, case does not matter.
func TrailingFolders(a, b string, fold bool) int {
	form := Normal
	if fold {
		form = Fold
	}
	x, y := Folders(form(a)), Folders(form(b))
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}
