package stashlog

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Hide replaces secrets in a text, in all of their forms. It has to happen before the text is cut: of a secret
// that was cut, what is left is not known any more.
func Hide(text string, secrets ...string) string {
	var all []string
	for _, secret := range secrets {
		all = addForms(all, secret)
	}
	return hide(text, all)
}

func hide(text string, forms []string) string {
	for _, form := range forms {
		text = strings.ReplaceAll(text, form, "***")
	}
	return text
}

// addForms adds the ways in which a secret may be written: as it is, in a URL, between quotes, and in base 64.
func addForms(forms []string, secret string) []string {
	if len(secret) < secretAtLeast {
		return forms
	}
	between := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	list := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), between(strconv.Quote(secret))}
	if text, err := json.Marshal(secret); err == nil {
		list = append(list, between(string(text)))
	}
	for _, encoding := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		list = append(list, encoding.EncodeToString([]byte(secret)))
	}
	for _, form := range list {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	// The longest first: a secret that begins with another one would leave its end behind.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}
