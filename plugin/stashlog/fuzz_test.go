package stashlog

import (
	"errors"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// asToken turns any text into a possible secret: 8 to 40 letters, digits and signs.
func asToken(text string) string {
	const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/=%&<>\"\\"
	var b strings.Builder
	for i := 0; i < len(text) && i < 40; i++ {
		b.WriteByte(signs[int(text[i])%len(signs)])
	}
	for b.Len() < 8 {
		b.WriteString("S3")
	}
	return b.String()
}

// checkLine fails unless a write is one valid line in Stash's frame.
func checkLine(t *testing.T, line, secret string) {
	t.Helper()
	framed := regexp.MustCompile("^\x01([tdiwe]\x02[^\x00-\x1f\x7f]*|p\x02[01]\\.[0-9]{4})\n$")
	if !framed.MatchString(line) || !utf8.ValidString(line) || len(line) >= 4096 {
		t.Errorf("a line of %d bytes: %q", len(line), line)
	}
	text := strings.TrimSuffix(line[min(3, len(line)):], "\n")
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("\u2028\u2029\uFDD0\uFDD1", r) }) {
		t.Errorf("a line with what ends or hides a part of it: %q", line)
	}
	// As some encoders of JSON write them.
	unescaped := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">", `\"`, `"`, `\\`, `\`).Replace(text)
	if strings.Contains(text, secret) || strings.Contains(unescaped, secret) {
		t.Errorf("a line contains %q: %q", secret, line)
	}
}

// For any event and field: Stash reads its own frames, one short line each, without the secret in any of its forms and
// without private texts.
func FuzzLines(f *testing.F) {
	f.Add(int8(1), "", "hello", "field", 0.5)
	f.Add(int8(4), "tok\"en\\&<x>", "\x1b[31m\x01p\x020.5\n\u2028\uFDD0\xff", "a=b \"c\"\r\n", math.NaN())
	f.Add(int8(2), "FabGHIJEK", "m", "f", 0.1) // of signs that JSON may escape
	f.Add(int8(5), "abc", strings.Repeat("ä", 3000), strings.Repeat("\x00", 300), math.Inf(1))
	f.Add(int8(-1), "%41%42", `{"level":"error","message":7}`, "[1]", -1.0)
	f.Fuzz(func(t *testing.T, level int8, seed, message, field string, progress float64) {
		secret := asToken(seed)
		out := &lines{}
		w := New(out, nil)
		w.AddSecret(secret)
		for _, reveal := range []bool{false, true} {
			w.Reveal(reveal)
			log := w.Logger(true)
			title := "Private title " + strconv.Itoa(int(level))
			log.WithLevel(zerolog.Level(uint8(level)%8)-1).Str("text", field+secret+field).Str("title", text.Private(title)).Strs("list", []string{secret, field, text.Private(title)}).
				Err(errors.New(field+url.QueryEscape(secret)+text.Private(field + title)[:len("\uFDD0"+field)+3])).Str("quoted", strconv.Quote(secret)).
				Interface("any", map[string]any{"k": secret + field}).Msg(message + url.PathEscape(secret) + text.Private(message+title))
			w.WriteLevel(zerolog.Level(level), []byte(message+secret)) // which is no event
			w.WriteLevel(zerolog.Level(level), []byte(field))
			w.Progress(progress)
			w.Progress(progress / 2)
			for _, line := range out.calls {
				checkLine(t, line, secret)
				if !reveal && strings.Contains(line, "title ") && !strings.Contains(message+field, "title ") {
					t.Errorf("a line contains a title: %q", line)
				}
			}
		}
		last := ""
		for _, line := range out.calls {
			if strings.HasPrefix(line, "\x01p") && line <= last {
				t.Errorf("progress goes from %q to %q", last, line)
			} else if strings.HasPrefix(line, "\x01p") {
				last = line
			}
		}
		if n := len(out.calls); n < 6 || n > 8 {
			t.Errorf("%d lines", n)
		}
	})
}
