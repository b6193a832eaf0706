// Package pathform brings file paths of two systems into a form in which they can be compared.
package pathform

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// NormalPath returns a path in the form in which paths of two systems are compared: NFC (macOS hands out
// NFD), slashes for backslashes, single slashes but for a leading pair (a Windows share), none at the end.
func NormalPath(p string) string {
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

// FoldPath returns a normalised path without case.
func FoldPath(p string) string { return Fold(NormalPath(p)) }

// Fold returns a text without case, in NFC: what folds may come apart, or compose only then. Capitals of Cherokee
// are folded to small letters, and those to capitals, which ToLower mends.
func Fold(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return norm.NFC.String(strings.ToLower(cases.Fold().String(text)))
	}
	return strings.ToLower(text)
}

// FoldBase returns the last element of a path, normalised and without case.
func FoldBase(p string) string {
	return Base(FoldPath(p))
}

// Base returns the last element of a normalised path.
func Base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// Folders returns the folders of a normalised path from the innermost outwards; its root is none.
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

// TrailingFolders returns how many folders two paths have in common, counted from the file outwards; the
// file's own name does not count. With fold, case does not matter.
func TrailingFolders(a, b string, fold bool) int {
	form := NormalPath
	if fold {
		form = FoldPath
	}
	x, y := Folders(form(a)), Folders(form(b))
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}
