package text

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// mostJoined is how many adjacent parts of a list can form one name, in addition to all parts together.
const mostJoined = 8

// quotes maps an opening quotation mark to its closing one.
var quotes = map[rune]rune{'"': '"', '\'': '\'', '“': '”', '„': '“'}

// SplitNames splits a list of names at its commas, except within quotes around a name. The names keep their quotes.
func SplitNames(list string) []string {
	var names []string
	for list != "" {
		list = strings.TrimSpace(list)
		end := quotedEnd(list)
		if end == 0 {
			if end = strings.IndexByte(list, ','); end < 0 {
				end = len(list)
			}
		}
		if name := strings.TrimSpace(list[:end]); name != "" {
			names = append(names, name)
		}
		list = strings.TrimPrefix(strings.TrimLeft(list[end:], " "), ",")
	}
	return names
}

// quotedEnd returns where a quoted name at the start of a list ends, or 0 if there is none.
func quotedEnd(list string) int {
	first, start := utf8.DecodeRuneInString(list)
	last, ok := quotes[first]
	if !ok {
		return 0
	}
	n := strings.IndexRune(list[start:], last)
	if n < 0 {
		return 0
	}
	end := start + n + utf8.RuneLen(last)
	if rest := strings.TrimSpace(list[end:]); rest != "" && rest[0] != ',' {
		return 0
	}
	return end
}

// Unquote returns a name without the quotes around it. If there are none, ok is false.
func Unquote(name string) (inner string, ok bool) {
	end := quotedEnd(name)
	if end == 0 || end != len(name) {
		return name, false
	}
	runes := []rune(name)
	return string(runes[1 : len(runes)-1]), true
}

// A Span is a possible name in a list: the parts from From up to, but not including, To.
type Span struct {
	Name     string
	From, To int
}

// Spans returns every possible name in a list, because names may contain the comma that separates them: the whole list,
// then joins of adjacent parts, longer ones first, then the parts. A quoted part is not joined.
func Spans(parts []string) []Span {
	var spans []Span
	add := func(from, to int) {
		for _, part := range parts[from:to] {
			if _, quoted := Unquote(part); quoted && to-from < len(parts) {
				return
			}
		}
		spans = append(spans, Span{strings.Join(parts[from:to], ", "), from, to})
	}
	if len(parts) > mostJoined {
		add(0, len(parts))
	}
	for n := min(mostJoined, len(parts)); n > 1; n-- {
		for from := range len(parts) - n + 1 {
			add(from, from+n)
		}
	}
	for i, part := range parts {
		if inner, quoted := Unquote(part); quoted {
			spans = append(spans, Span{inner, i, i + 1})
		}
		spans = append(spans, Span{part, i, i + 1})
	}
	return spans
}

// NameKey returns a key that is equal for all forms of a name: it ignores case, space at the ends and around commas, and
// the kind and amount of space between words.
func NameKey(name string) string {
	parts := strings.Split(norm.NFC.String(name), ",")
	for i, p := range parts {
		parts[i] = strings.Join(strings.Fields(p), " ")
	}
	return Fold(strings.Join(parts, ","))
}
