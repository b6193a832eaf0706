package plugin

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

// Defaults of the settings.
const (
	defaultMaxRetries = 5
	defaultTimeout    = 30 * time.Second
	mostRetries       = 100
	longestTimeout    = 600 * time.Second
)

// tokenAtLeast is how long a token must be to be looked for in other settings: shorter ones occur in words.
const tokenAtLeast = 8

// Settings is what the user chose on Stash's settings page.
type Settings struct {
	PlexURL       string
	PlexToken     string
	Libraries     []string // names or ids; empty: all libraries of movies
	PathMap       []match.PathPair
	Fields        merge.Fields
	KeepPlexEdits bool
	OnlyOrganized bool
	ExcludeTags   []string // names
	SkipMissing   bool
	ScanPlex      bool
	MaxRetries    int
	Timeout       time.Duration
	InsecureTLS   bool
	DebugLog      bool
	RedactLogs    bool
	Unknown       []string // settings that nobody knows, likely misspelt
}

// A SettingProblem is one setting that cannot be used.
type SettingProblem struct {
	Setting string
	Value   string // as it was set; never the token
	Remedy  string
}

// quoted is the value as it is told. A pathMap tells where the user's videos are.
func (p SettingProblem) quoted() string {
	quoted := strconv.Quote(p.Value)
	if p.Setting == "pathMap" {
		return text.Private(quoted)
	}
	return quoted
}

// SettingsError is everything that is wrong with the settings, in one message.
type SettingsError struct{ Problems []SettingProblem }

func (e *SettingsError) Error() string {
	list := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		if list[i] = p.Setting + ": " + p.Remedy; p.Value != "" {
			list[i] = fmt.Sprintf("%s is %s: %s", p.Setting, p.quoted(), p.Remedy)
		}
	}
	return "the settings of Stash Plex Sync need attention (Settings > Plugins): " + strings.Join(list, "; ")
}

// ParseSettings reads what Stash stores. Unset, 0 and "" mean the default; types are taken leniently,
// since people edit Stash's configuration by hand. All problems are reported at once, as *SettingsError;
// whatever is right is in the Settings all the same.
func ParseSettings(raw map[string]any) (Settings, error) {
	p := settingsParser{raw: raw}
	s := p.read()
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if !slices.Contains(p.known, key) && key != "enabled" {
			s.Unknown = append(s.Unknown, key)
		}
	}
	if len(p.problems) > 0 {
		return s, &SettingsError{p.problems}
	}
	return s, nil
}

type settingsParser struct {
	raw      map[string]any
	known    []string
	problems []SettingProblem
}

// read reads every setting and notes what cannot be used.
func (p *settingsParser) read() Settings {
	s := Settings{
		PlexURL:       p.address("plexUrl"),
		PlexToken:     p.token("plexToken"),
		Libraries:     p.list("plexLibraries", ","),
		PathMap:       p.pathMap("pathMap"),
		KeepPlexEdits: p.truth("keepPlexEdits"),
		OnlyOrganized: p.truth("onlyOrganized"),
		ExcludeTags:   p.list("excludeTags", ","),
		SkipMissing:   p.truth("skipMissing"),
		ScanPlex:      p.truth("scanPlex"),
		MaxRetries:    p.number("maxRetries", defaultMaxRetries, mostRetries),
		Timeout:       time.Duration(p.number("timeoutSeconds", int(defaultTimeout/time.Second), int(longestTimeout/time.Second))) * time.Second,
		InsecureTLS:   p.truth("insecureTLS"),
		DebugLog:      p.truth("debugLog"),
		RedactLogs:    p.truth("redactLogs"),
	}
	var err error
	s.Fields, err = merge.ParseFields(p.text("fields"))
	s.Fields.ContentRating = p.text("contentRating")
	if err != nil {
		p.problem("fields", p.text("fields"), err.Error())
	} else if s.Fields.Empty() {
		p.problem("fields", p.text("fields"), "that leaves nothing to push: name at least one field")
	}
	return s
}

// problem notes a setting that cannot be used, without the token even if that was put into this setting.
func (p *settingsParser) problem(setting, value, remedy string) {
	if token := p.text("plexToken"); len(token) >= tokenAtLeast {
		hide := strings.NewReplacer(token, "***", strings.ToLower(token), "***") // names of fields are told in lower case
		value, remedy = hide.Replace(value), hide.Replace(remedy)
	}
	p.problems = append(p.problems, SettingProblem{setting, text.OneLine(value, text.ValueLimit), text.OneLine(remedy, text.Limit)})
}

// text returns a setting as text; lists are joined as people would write them.
func (p *settingsParser) text(name string) string {
	if !slices.Contains(p.known, name) {
		p.known = append(p.known, name)
	}
	if list, ok := p.raw[name].([]any); ok {
		return strings.Join(trimmed(list), ",")
	}
	return textOf(p.raw[name])
}

// list returns the parts of a setting, or the elements of one that is a list already.
func (p *settingsParser) list(name, separator string) []string {
	text := p.text(name)
	if list, ok := p.raw[name].([]any); ok {
		return trimmed(list)
	}
	return trimmed(strings.Split(text, separator))
}

func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.TrimSpace(fmt.Sprint(value))
}

// trimmed returns the texts of a list, without those that are empty.
func trimmed[T any](list []T) []string {
	var texts []string
	for _, e := range list {
		if text := textOf(e); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func (p *settingsParser) truth(name string) bool {
	text := p.text(name)
	switch strings.ToLower(text) {
	case "", "false", "no", "off", "0":
		return false
	case "true", "yes", "on", "1":
		return true
	}
	p.problem(name, text, "it must be on or off")
	return false
}

func (p *settingsParser) number(name string, unset, most int) int {
	text := p.text(name)
	if text == "" {
		return unset
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || n != float64(int(n)) || n < 0 || n > float64(most):
		p.problem(name, text, fmt.Sprintf("it must be a whole number from 1 to %d (0 or empty means %d)", most, unset))
		return unset
	case n == 0:
		return unset
	}
	return int(n)
}

// address reads plexUrl. What people paste from a browser's address line is cut to the server's part.
func (p *settingsParser) address(name string) string {
	const example = "write the address of Plex as Stash reaches it, such as http://192.168.1.5:32400"
	text := p.text(name)
	u, err := url.Parse(text)
	value, remedy := withoutSecrets(text), ""
	switch {
	case text == "":
		remedy = "it is not set: " + example
	case strings.Contains(strings.ToLower(text), "x-plex-token"):
		value, remedy = "", "it holds a token: put that into plexToken, and "+example
	case likeToken(text):
		value, remedy = "", "it is no address; if it is the token, put that into plexToken, and "+example
	case !strings.Contains(text, "://"):
		remedy = example
		if full, err := url.Parse("http://" + text); err == nil && full.User == nil && full.Hostname() != "" && !strings.HasSuffix(full.Host, ":") {
			remedy = "write http://" + value + " (or https://)"
		}
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		remedy = example
	case u.User != nil:
		remedy = "a user name and password are not supported: " + example
	case strings.EqualFold(u.Hostname(), "app.plex.tv"):
		remedy = "that is Plex's web site, not your server: " + example
	default:
		path := strings.TrimRight(u.Path, "/")
		path = strings.TrimSuffix(strings.TrimSuffix(path, "/index.html"), "/web")
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(path, "/")}).String()
	}
	p.problem(name, value, remedy)
	return ""
}

// likeToken reports whether a text looks like one of Plex's two kinds of tokens: twenty letters and digits,
// or a JSON Web Token. A host without a domain may be as long; nothing is lost but its name in the message.
func likeToken(text string) bool {
	other := func(r rune) bool {
		return r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}
	return strings.HasPrefix(text, "eyJ") || len(text) >= 20 && strings.IndexFunc(text, other) < 0
}

// withoutSecrets is an address without user, password, query and fragment.
func withoutSecrets(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	if strings.Contains(text, "@") { // where a password ends cannot be told
		return "…"
	}
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	return text
}

func (p *settingsParser) token(name string) string {
	text := p.text(name)
	_, object := p.raw[name].(map[string]any)
	switch {
	case object:
		p.problem(name, "", "it must be a text: type it in on the settings page")
		return ""
	case text == "":
		p.problem(name, "", "it is not set: put in the X-Plex-Token of the server's owner (the README says where to find it)")
	case strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r > unicode.MaxASCII }) >= 0:
		p.problem(name, "", "it holds spaces or characters that no token has: copy it again")
		return ""
	}
	return text
}

// pairsTold is how many pairs are told one by one that are none.
const pairsTold = 5

// pathMap reads "stash prefix => plex prefix; …".
func (p *settingsParser) pathMap(name string) []match.PathPair {
	var pairs []match.PathPair
	bad := 0
	for _, part := range p.list(name, ";") {
		from, to, ok := strings.Cut(part, "=>")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !ok || from == "" || to == "" || strings.Contains(to, "=>") {
			if bad++; bad <= pairsTold {
				p.problem(name, part, "write each pair as: path in Stash => path in Plex, pairs separated by ;")
			}
			continue
		}
		pairs = append(pairs, match.PathPair{From: pathform.Normal(from), To: pathform.Normal(to)})
	}
	if bad > pairsTold {
		p.problem(name, "", fmt.Sprintf("%d more pairs are none", bad-pairsTold))
	}
	return pairs
}

// problemsOf lists what is wrong, for "Check connection".
func problemsOf(err error) []SettingProblem {
	if e, ok := errors.AsType[*SettingsError](err); ok {
		return e.Problems
	}
	return nil
}
