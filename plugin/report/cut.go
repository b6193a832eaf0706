package report

import (
	"encoding/json"
	"unicode/utf8"
)

// Limits of one row.
const (
	titleAtMost   = 100   // runes
	stoppedAtMost = 300   // runes
	outcomeAtMost = 1_000 // runes
	detailsAtMost = 3_000 // bytes of JSON
)

// cuts are the steps in which details that are too long are cut: runes of a text, and elements of a list.
var cuts = []struct{ runes, elements int }{{300, 50}, {100, 20}, {40, 8}, {10, 4}}

// details encodes the details of a row, and cuts their texts and lists until they are short enough.
func (w *Writer) details(value any) (string, error) {
	text, err := w.encode(value)
	for _, c := range cuts {
		if err != nil || len(text) <= detailsAtMost {
			return text, err
		}
		var decoded any
		if err := json.Unmarshal([]byte(text), &decoded); err != nil {
			return "", err
		}
		text, err = encode(shortened(decoded, c.runes, c.elements))
	}
	if err == nil && len(text) > detailsAtMost {
		text = `{}`
	}
	return text, err
}

// shortened cuts the texts and lists in a decoded value.
func shortened(value any, runes, elements int) any {
	switch v := value.(type) {
	case string:
		return cut(v, runes)
	case []any:
		v = v[:min(len(v), elements)]
		for i := range v {
			v[i] = shortened(v[i], runes, elements)
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = shortened(v[k], runes, elements)
		}
	}
	return value
}

// cut cuts a text to some runes, the last of which is then "…".
func cut(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes-1]) + "…"
}
