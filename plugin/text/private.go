package text

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Two noncharacters, which Unicode reserves for use inside a program, enclose the private part of a text: a
// title, a path or anything else that describes the user's videos. A marked text may be stored, but the marks
// never leave the program: whatever shows the text removes them or replaces what they enclose.
const (
	privateBegin = "\uFDD0"
	privateEnd   = "\uFDD1"
)

var unmark = strings.NewReplacer(privateBegin, "", privateEnd, "")

// Private marks s as private. Mark a text after all other changes to it, and call Plain or Redact on the result
// before any other change.
func Private(s string) string {
	return privateBegin + Plain(s) + privateEnd
}

// Plain returns s with its private parts readable.
func Plain(s string) string {
	if !strings.ContainsAny(s, privateBegin+privateEnd) {
		return s
	}
	return unmark.Replace(s)
}

// Redact replaces each private part of s with a short token. The same part always has the same token, so that
// lines about one scene can be matched. If s was cut inside a private part, the rest of s is private.
func Redact(s string) string {
	var b strings.Builder
	for {
		open, rest, found := strings.Cut(s, privateBegin)
		b.WriteString(strings.ReplaceAll(open, privateEnd, ""))
		if !found {
			return b.String()
		}
		secret, after, _ := strings.Cut(rest, privateEnd)
		b.WriteString(token(Plain(secret)))
		s = after
	}
}

// token returns the token of a private text.
func token(s string) string {
	sum := sha256.Sum256([]byte("stash-plex-sync " + s))
	return "[" + hex.EncodeToString(sum[:4]) + "]"
}
