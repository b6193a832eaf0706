package merge

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// TextLimit is the maximum length of a text in the URL of a request, in runes.
const TextLimit = 4000

// Desired holds what Plex should show of a scene, by Plex's field name. It contains every chosen field, with an empty
// value if Stash has none.
type Desired struct {
	Values   map[string]store.Value
	DateText string // Stash's date, possibly partial: "2024-05"
	Problems []Problem

	fields Fields
}

// A Problem says why a field is changed or left out.
type Problem struct {
	Field  string // the settings' name
	Reason string
}

// Desire computes what Plex should show of a scene.
func Desire(s *stashapi.Scene, chosen Fields) Desired {
	d := Desired{Values: make(map[string]store.Value), fields: chosen}
	for i := range table {
		f := &table[i]
		if f.from == nil || !f.own && !chosen.Has(f.Name) {
			continue
		}
		problems := len(d.Problems)
		value := f.from(&d, s)
		if len(value) == 0 && len(d.Problems) > problems {
			continue // Stash's value is unusable: leave Plex's value unchanged
		}
		d.Values[f.Plex] = append(d.Values[f.Plex], value...)
	}
	for plex := range d.Values {
		if IsTags(plex) {
			d.Values[plex] = distinctNames(d.Values[plex])
		}
	}
	return d
}

// Empty reports whether Stash has no value at all.
func (d Desired) Empty() bool {
	for _, v := range d.Values {
		if len(v) > 0 {
			return false
		}
	}
	return true
}

// clean prepares a text for Plex: NFC, without control characters except newlines and tabs, without space and unseen
// characters at the ends, and cut to TextLimit. Joined emoji, direction marks and paragraphs stay.
func (d *Desired) clean(name, text string) string {
	text = cleanText(text)
	if runes := []rune(text); len(runes) > TextLimit {
		d.Problems = append(d.Problems, Problem{name, fmt.Sprintf("cut to %d of %d characters: Plex takes texts in the URL of a request", TextLimit, len(runes))})
		text = strings.TrimSpace(string(runes[:TextLimit]))
	}
	return text
}

func cleanText(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	text = strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return trimUnseen(norm.NFC.String(text))
}

// trimUnseen removes space from both ends of a text, and characters without width that come along when text is copied.
// A text in which nothing is seen is empty.
func trimUnseen(text string) string {
	text = strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\u00ad\u200b\u2060\ufeff", r) })
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) }) < 0 {
		return ""
	}
	return text
}

// joinLines joins the lines of a cleaned text. Tabs stay, since Plex keeps them.
func joinLines(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' }), " ")
}

// cleanName prepares a name for a tag: one line.
func cleanName(name string) string {
	return strings.Join(strings.Fields(cleanText(name)), " ")
}

func Scalar(text string) store.Value {
	if text == "" {
		return nil
	}
	return store.Value{text}
}

func studio(s *stashapi.Scene) store.Value {
	if s.Studio == nil {
		return nil
	}
	return Scalar(cleanName(s.Studio.Name))
}

func names(list []stashapi.Named) store.Value {
	var v store.Value
	for _, n := range list {
		if name := cleanName(n.Name); name != "" {
			v = append(v, name)
		}
	}
	return v
}

// distinctNames drops names that are equal in Plex.
func distinctNames(list store.Value) store.Value {
	var v store.Value
	seen := make(map[string]bool)
	for _, name := range list {
		if k := TagKey(name); !seen[k] {
			seen[k] = true
			v = append(v, name)
		}
	}
	return v
}

// rating converts Stash's 0–100 to Plex's 0–10.
func rating(r *int) store.Value {
	if r == nil || *r < 0 || *r > 100 {
		return nil
	}
	return number(float64(*r) / 10)
}

// date completes a partial date, since Plex takes only full dates. An invalid date is a problem.
func (d *Desired) date(date string) store.Value {
	date = strings.TrimSpace(date)
	d.DateText = date
	full := date
	switch len(date) {
	case 0:
		return nil
	case len("2006"):
		full += "-01-01"
	case len("2006-01"):
		full += "-01"
	}
	if _, err := time.Parse(time.DateOnly, full); err != nil || strings.HasPrefix(full, "0000") {
		d.Problems = append(d.Problems, Problem{"date", text.Private(strconv.Quote(text.OneLine(date, text.ValueLimit))) + " is not a date: correct it in Stash"})
		return nil
	}
	return store.Value{full}
}
