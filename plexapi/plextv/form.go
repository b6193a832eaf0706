package plextv

import (
	"regexp"
	"strings"
	"unicode"
)

// What plex.tv sends is shown to people and to programs, so that it is limited like any text of strangers.

const nameLimit = 100 // runes

var (
	codeForm    = regexp.MustCompile(`^[0-9A-Za-z]{4,64}$`)
	machineForm = regexp.MustCompile(`^[0-9A-Za-z._-]{1,100}$`)
	hostForm    = regexp.MustCompile(`^[0-9A-Za-z._:-]{1,253}$`)
)

// isToken reports whether a text can be a token: it fits into a header, and is too long to occur in words.
func isToken(text string) bool {
	return len(text) >= 8 && len(text) <= 4096 && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// shown returns a text on one line of limited length; "…" if it contains one of the secrets.
func shown(text string, secrets ...string) string {
	if tells(text, secrets) {
		return "…"
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }), " ")
	if runes := []rune(text); len(runes) > nameLimit {
		return string(runes[:nameLimit-1]) + "…"
	}
	return text
}

// tells reports whether a text contains one of the secrets, in any case: names of hosts are compared without it.
func tells(text string, secrets []string) bool {
	text = strings.ToLower(text)
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, strings.ToLower(secret)) {
			return true
		}
	}
	return false
}
