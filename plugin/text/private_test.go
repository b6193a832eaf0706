package text

import "testing"

func TestPrivateTextsAreShownOrRedacted(t *testing.T) {
	path := Private("/videos/a b.mp4")
	for _, c := range []struct{ name, text, plain, redacted string }{
		{"nothing private", "2 synced", "2 synced", "2 synced"},
		{"in the middle", "no item for " + path + " yet", "no item for /videos/a b.mp4 yet", "no item for " + token("/videos/a b.mp4") + " yet"},
		{"twice", path + path, "/videos/a b.mp4/videos/a b.mp4", token("/videos/a b.mp4") + token("/videos/a b.mp4")},
		{"cut", path[:len(path)-7], "/videos/a b", token("/videos/a b")},
		{"an end without a beginning", "a" + privateEnd + "b", "ab", "ab"},
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
