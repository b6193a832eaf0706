package merge

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Plex normalizes values: it trims, may fold the case of tags, and removes times from dates. Comparisons ignore such
// differences.

// TagKey returns the form in which spellings of one tag are equal.
func TagKey(name string) string {
	return text.Fold(norm.NFC.String(strings.Join(strings.Fields(name), " ")))
}

// textKey returns the form in which variants of one text are equal.
func textKey(text string) string {
	text = norm.NFC.String(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"))
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// Same reports whether two values of a Plex field are equal except for Plex's normalization.
func Same(plex string, a, b store.Value) bool {
	kind := kindOf(plex)
	switch {
	case kind == tagsKind:
		return sameSet(a, b)
	case len(a) == 0 || len(b) == 0:
		return First(a) == First(b)
	case kind == ratingKind:
		x, errX := strconv.ParseFloat(a[0], 64)
		y, errY := strconv.ParseFloat(b[0], 64)
		return errX == nil && errY == nil && math.Abs(x-y) <= 0.05
	case kind == dateKind:
		return day(a[0]) == day(b[0])
	}
	return textKey(a[0]) == textKey(b[0])
}

// day removes the time from a date.
func day(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > len("2006-01-02") {
		return text[:len("2006-01-02")]
	}
	return text
}

func First(v store.Value) string {
	if len(v) == 0 {
		return ""
	}
	return v[0]
}

func sameSet(a, b store.Value) bool {
	return len(Without(a, b)) == 0 && len(Without(b, a)) == 0
}

// Without returns the names of a that b does not have.
func Without(a, b []string) []string {
	keys := make(map[string]bool, len(b))
	for _, n := range b {
		keys[TagKey(n)] = true
	}
	var rest []string
	for _, n := range a {
		if !keys[TagKey(n)] {
			rest = append(rest, n)
		}
	}
	return rest
}

// both returns the names of a that b has too, as a spells them.
func both(a, b []string) []string {
	return Without(a, Without(a, b))
}
