// Package text prepares external texts for display, storage or comparison, marks the private parts of a text, and
// puts messages together.
package text

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// How many runes are stored or shown.
const (
	Limit      = 300 // of a message
	ValueLimit = 60  // of a value that a message quotes
)

// OneLine returns s as valid UTF-8 on one line: each run of control characters and line separators becomes one
// space, and those at the ends are removed. If s is longer than limit runes, it is cut and ends in "…"; a limit
// of 0 means none.
func OneLine(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), breaks), " ")
	if runes := []rune(s); limit > 0 && len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}

// breaks reports whether a rune ends a line or controls a terminal.
func breaks(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// ClipBytes returns s if it has at most limit bytes. Otherwise it cuts s between two runes and appends "…" within
// the limit. s is valid UTF-8.
func ClipBytes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := max(limit-len("…"), 0)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// Fold returns s without case and in NFC, for comparison. Folding may decompose a rune, or make two composable.
// Unicode folds small letters of Cherokee to capitals, so ToLower follows.
func Fold(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return norm.NFC.String(strings.ToLower(cases.Fold().String(s)))
	}
	return strings.ToLower(s)
}

// Count returns n and the form of the word for it: "1 scene", but "0 scenes" and "2 scenes".
func Count(n int, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return strconv.Itoa(n) + " " + plural
}

// Times returns how often something happened: "once" for 1, and "2 times" for 2.
func Times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// Join joins the parts of a message that are not empty with "; ". A part that follows the end of a sentence becomes
// a sentence of its own.
func Join(parts ...string) string {
	var s string
	for _, part := range parts {
		switch {
		case s == "" || part == "":
			s += part
		case strings.ContainsAny(s[len(s)-1:], ".?!"):
			first, size := utf8.DecodeRuneInString(part)
			s += " " + string(unicode.ToUpper(first)) + part[size:]
		default:
			s += "; " + part
		}
	}
	return s
}
