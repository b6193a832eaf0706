package stashlog

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestPrivateTextsAreShownOrRedacted(t *testing.T) {
	path := Private("/videos/a b.mp4")
	for _, c := range []struct{ name, text, plain, redacted string }{
		{"nothing private", "2 synced", "2 synced", "2 synced"},
		{"in the middle", "no item for " + path + " yet", "no item for /videos/a b.mp4 yet", "no item for " + token("/videos/a b.mp4") + " yet"},
		{"twice", path + path, "/videos/a b.mp4/videos/a b.mp4", token("/videos/a b.mp4") + token("/videos/a b.mp4")},
		{"cut", path[:len(path)-7], "/videos/a b", token("/videos/a b")},
		{"an end without a beginning", "a" + string(privateEnd) + "b", "ab", "ab"},
		{"marked twice", Private(path), "/videos/a b.mp4", token("/videos/a b.mp4")},
		{"nothing", Private(""), "", token("")},
	} {
		if got := Plain(c.text); got != c.plain {
			t.Errorf("%s: Plain = %q, want %q", c.name, got, c.plain)
		}
		if got := Redact(c.text); got != c.redacted {
			t.Errorf("%s: Redact = %q, want %q", c.name, got, c.redacted)
		}
	}
}

func TestPrivateTextsAreWrittenOnlyOnceTheUserAllowsIt(t *testing.T) {
	line := func(w *Writer, out *bytes.Buffer) string {
		out.Reset()
		log := w.Logger(true)
		title, path := Private("My \"title\""), Private("/v/my file.mp4")
		log.Info().Str("title", title).Strs("paths", []string{path}).Err(errors.New("no " + path)).Msg("about " + title)
		return out.String()
	}
	var out bytes.Buffer
	w := New(&out, nil)
	if got := line(w, &out); strings.Contains(got, "title\\") || strings.Contains(got, "my file") || strings.Count(got, "[") < 4 {
		t.Errorf("before the user was asked: %q", got)
	}
	w.Reveal(true)
	if got, want := line(w, &out), "\x01i\x02about My \"title\" title=\"My \\\"title\\\"\" paths=[\"/v/my file.mp4\"] error=\"no /v/my file.mp4\"\n"; got != want {
		t.Errorf("revealed: %q, want %q", got, want)
	}
}
