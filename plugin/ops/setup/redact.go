package setup

import (
	"cmp"
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A redactor removes from a text for strangers what describes the user's videos or where the servers are. Texts that are
// marked as private become tokens; what is not marked is recognised by its form, or because the user's settings or Plex's
// libraries contain it.
type redactor struct{ owned []*regexp.Regexp }

// ownedAtLeast is how long a text of the user's must be to be looked for: shorter ones occur in words.
const ownedAtLeast = 3

// redactorOf returns one that knows the names and addresses of this installation.
func redactorOf(ctx context.Context, d *desk.Desk) (redactor, error) {
	server, _, err := d.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return redactor{}, err
	}
	index, err := d.Index(ctx)
	if err != nil {
		return redactor{}, err
	}
	states, err := index.States(ctx, server)
	if err != nil {
		return redactor{}, err
	}
	s := &d.Settings
	owned := slices.Concat([]string{server, d.Store.Dir(), s.PlexToken, d.Where.Token, d.Where.Server, s.Fields.ContentRating}, s.Libraries, s.ExcludeTags, s.Unknown)
	for _, address := range []string{s.PlexURL, d.Where.URL} {
		if u, err := url.Parse(address); err == nil {
			owned = append(owned, address, u.Host, u.Hostname(), strings.Trim(u.Path, "/"))
		}
	}
	for _, pair := range s.PathMap {
		owned = append(owned, pair.From, pair.To)
	}
	for _, section := range states {
		owned = append(owned, section.Title)
	}
	return newRedactor(owned), nil
}

func newRedactor(owned []string) redactor {
	slices.SortStableFunc(owned, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may be a part of another
	var r redactor
	for _, name := range owned {
		name, _ = text.Unquote(strings.TrimSpace(name))
		if len(name) >= ownedAtLeast {
			r.owned = append(r.owned, regexp.MustCompile("(?i)"+regexp.QuoteMeta(name)))
		}
	}
	return r
}

var (
	quotation = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
	// forms are what addresses, names of hosts and files, paths and identifiers look like.
	forms = []struct {
		pattern *regexp.Regexp
		text    string
	}{
		{regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"<>]+`), "[address]"},
		{regexp.MustCompile(`\blookup \S+(?: on \S+)?`), "lookup [address]:"},
		{regexp.MustCompile(`\bvalid for .*, not \S+`), "valid for [address], not [address]"},
		{regexp.MustCompile(`\[[0-9a-fA-F.]*:[0-9a-zA-Z:.%]*\](?::\d+)?`), "[address]"},
		{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?`), "[address]"},
		{regexp.MustCompile(`\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,}:[0-9a-fA-F]{1,4}\b`), "[address]"},
		{regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9_.-]*:\d{2,5}\b`), "[address]"},
		{regexp.MustCompile(`(?:[A-Za-z]:[\\/]|\\\\)[^;"]*`), "[path]"},
		{regexp.MustCompile(`(^|[\s(=,:'])/[^;"]*`), "${1}[path]"},
		{regexp.MustCompile(`\b[A-Za-z0-9_*-]+(?:\.[A-Za-z0-9_-]+)*\.[A-Za-z][A-Za-z0-9]+\b`), "[name]"},
		{regexp.MustCompile(`\b[0-9a-fA-F]{32,}\b`), "[id]"},
	}
	// requests are what was asked of Plex, which says nothing about the user.
	requests = regexp.MustCompile(`\b(?:GET|PUT|POST) /[0-9a-z:,…/]*`)
)

// ours are quotations that the program makes: settings are added to them.
var ours = []string{
	"Process queue", "Sync all scenes", "Sync recent scenes", "Check connection", "Preview changes", "Queue status", "Retry dead letters", "Clear dead letters",
	"Clear queue", "Restore Plex metadata", "Rebuild Plex index", "Matching",
}

// redact returns a text that may be shown to strangers, on one line and cut.
func (r redactor) redact(s string) string {
	s = text.OneLine(text.Redact(s), 0)
	for _, name := range r.owned {
		s = name.ReplaceAllString(s, "[…]")
	}
	if all := quotation.FindAllString(s, -1); len(all) > 0 && (len(all[len(all)-1]) == 1 || !strings.HasSuffix(all[len(all)-1], `"`)) {
		before, _, _ := strings.Cut(s, `"`) // where names begin and end is unknown
		s = before + `"[…]"`
	}
	s = quotation.ReplaceAllStringFunc(s, func(quoted string) string {
		inner := strings.Trim(quoted, `"`)
		if slices.Contains(ours, inner) || slices.ContainsFunc(settings.Page, func(row struct{ Key, Name string }) bool { return row.Name == inner }) {
			return quoted
		}
		return `"[…]"`
	})
	kept := requests.FindAllString(s, -1)
	s = requests.ReplaceAllString(s, "\x00")
	for _, form := range forms {
		s = form.pattern.ReplaceAllString(s, form.text)
	}
	for _, request := range kept {
		s = strings.Replace(s, "\x00", request, 1)
	}
	return text.ClipBytes(text.OneLine(s, text.Limit), lineBytes)
}
