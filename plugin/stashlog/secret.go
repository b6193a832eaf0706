package stashlog

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Hide replaces secrets in a text, in all of their forms. Call it before the text is cut: the rest of a secret that was
// cut is not recognized.
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

// addForms adds the forms of a secret: plain, in a URL, in quotes, and in base64.
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
	// The longest first: if a secret begins with another one, replacing that first would leave its end.
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}
