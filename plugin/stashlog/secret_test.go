package stashlog

import (
	"strings"
	"testing"
)

func TestSecretIsHiddenInAllItsForms(t *testing.T) {
	const secret = `k"1\2&<3>%2F+4/=`
	for form, text := range map[string]string{
		"itself": secret, "in a query": "k%221%5C2%26%3C3%3E%252F%2B4%2F%3D", "in a path": "k%221%5C2&%3C3%3E%252F+4%2F=",
		"in quotes": `k\"1\\2&<3>%2F+4/=`, "in JSON": `k\"1\\2\u0026\u003c3\u003e%2F+4/=`,
		"in base 64": "ayIxXDImPDM+JTJGKzQvPQ==", "in base 64 of URLs": "ayIxXDImPDM-JTJGKzQvPQ",
	} {
		if got := strings.TrimRight(Hide("a "+text, secret), "="); got != "a ***" {
			t.Errorf("%s: %q", form, got)
		}
	}
	if got := Hide("an abc", "abc", ""); got != "an abc" {
		t.Errorf("a text too short for a secret: %q", got)
	}
}
