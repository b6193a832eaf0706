package stashlog

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Two characters that Unicode keeps free for use inside a program enclose what is private in a text: a
// title, a path, or anything else that says what the user's videos are. They may be stored with a text, and
// never leave the program: what shows a text removes them, or puts a token in place of what they enclose.
const (
	privateBegin = '\uFDD0'
	privateEnd   = '\uFDD1'
)

// Private marks a text as private. It has to be the last thing done to the text, and Plain or Redact the
// first thing done to whatever it became a part of.
func Private(text string) string {
	return string(privateBegin) + Plain(text) + string(privateEnd)
}

// Plain shows what is private in a text as it is.
func Plain(text string) string {
	if !strings.ContainsAny(text, "\uFDD0\uFDD1") {
		return text
	}
	return strings.NewReplacer(string(privateBegin), "", string(privateEnd), "").Replace(text)
}

// Redact puts a short token in place of everything private: the same for the same text, always, so that the
// lines about one scene can be told to belong together. Where a text was cut, its end is private too.
func Redact(text string) string {
	var b strings.Builder
	for {
		open, rest, found := strings.Cut(text, string(privateBegin))
		b.WriteString(strings.ReplaceAll(open, string(privateEnd), ""))
		if !found {
			return b.String()
		}
		secret, after, _ := strings.Cut(rest, string(privateEnd))
		b.WriteString(token(Plain(secret)))
		text = after
	}
}

// token stands for a private text.
func token(text string) string {
	sum := sha256.Sum256([]byte("stash-plex-sync " + text))
	return "[" + hex.EncodeToString(sum[:4]) + "]"
}

// Reveal says whether what is private may be written as it is. Until it was called nothing private is: the
// user's choice is not known yet.
func (w *Writer) Reveal(reveal bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reveal = reveal
}

// Shown is a text as it may be shown: what is private in it plain or redacted, as Reveal says.
func (w *Writer) Shown(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shown(text)
}

func (w *Writer) shown(text string) string {
	if w.reveal {
		return Plain(text)
	}
	return Redact(text)
}
