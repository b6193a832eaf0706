// Package settings reads the settings of the plugin as Stash stores them, and explains the invalid ones.
package settings

import (
	"cmp"
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
	DefaultMaxRetries = 5
	DefaultTimeout    = 30 * time.Second
	MostRetries       = 100
	LongestTimeout    = 600 * time.Second
)

// TokenAtLeast is how long a token must be to be looked for in other settings: shorter ones occur in words.
const TokenAtLeast = 8

// Settings are the user's choices on Stash's settings page.
type Settings struct {
	PlexURL       string
	PlexToken     string
	Libraries     []string // parts of names, or ids; empty: all libraries of movies
	PathMap       []match.PathPair
	Fields        merge.Fields
	KeepPlexEdits bool
	OnlyOrganized bool
	ExcludeTags   []string // parts of names, which may contain commas: see text.Spans
	SkipMissing   bool
	ScanPlex      bool
	MaxRetries    int
	Timeout       time.Duration
	InsecureTLS   bool
	DebugLog      bool
	RedactLogs    bool
	Plays         []string // names or ids of Plex accounts, or the word "on" for the owner; empty: nobody's plays
	Unknown       []string // keys of no setting, probably misspelt
}

// A Problem is one setting that cannot be used.
type Problem struct {
	Setting string
	Value   string // as it was set; never the token
	Remedy  string
}

// notSet begins the remedy of a required setting that is not set.
const notSet = "it is not set"

// Unset reports whether the problem is that a required setting is not set.
func (p Problem) Unset() bool { return strings.HasPrefix(p.Remedy, notSet) }

// String names the setting, its value and what to do.
func (p Problem) String() string {
	if rest, unset := strings.CutPrefix(p.Remedy, notSet); unset {
		return Label(p.Setting) + " is not set" + rest
	}
	if p.Value == "" {
		return Label(p.Setting) + ": " + p.Remedy
	}
	return fmt.Sprintf("%s is %s: %s", Label(p.Setting), p.Quoted(), p.Remedy)
}

// Quoted returns the value for a message. A pathMap is private: it names the user's folders.
func (p Problem) Quoted() string {
	quoted := strconv.Quote(p.Value)
	if p.Setting == "pathMap" {
		return text.Private(quoted)
	}
	return quoted
}

// Error reports all invalid settings in one message.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	list := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p.String()
	}
	return "correct Settings > Plugins > Stash Plex Sync: " + text.Join(list...)
}

// Names returns the names of the invalid settings.
func (e *Error) Names() []string {
	list := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p.Setting
	}
	return list
}

// Parse reads the settings as Stash stores them, by keys with or without a number in front. Unset, 0 and "" mean the
// default. Types are read leniently, since people edit Stash's configuration by hand. An *Error reports all problems at
// once; the settings without a problem are returned nevertheless.
func Parse(stored map[string]any) (Settings, error) {
	p := parser{raw: unnumbered(stored)}
	s := p.read()
	p.misspelt(stored)
	for _, key := range slices.Sorted(maps.Keys(stored)) {
		if !slices.Contains(p.known, Unnumbered(key)) && key != "enabled" {
			s.Unknown = append(s.Unknown, key)
		}
	}
	if len(p.problems) > 0 {
		return s, &Error{p.problems}
	}
	return s, nil
}

type parser struct {
	raw      map[string]any // by keys without numbers
	known    []string
	problems []Problem
}

// read reads every setting and records the invalid ones.
func (p *parser) read() Settings {
	s := Settings{
		PlexURL:       p.address("plexUrl"),
		PlexToken:     p.token("plexToken"),
		Libraries:     p.names("plexLibraries"),
		PathMap:       p.pathMap("pathMap"),
		KeepPlexEdits: p.truth("keepPlexEdits"),
		OnlyOrganized: p.truth("onlyOrganized"),
		ExcludeTags:   p.names("excludeTags"),
		SkipMissing:   p.truth("skipMissing"),
		ScanPlex:      p.truth("scanPlex"),
		MaxRetries:    p.number("maxRetries", DefaultMaxRetries, MostRetries),
		Timeout:       time.Duration(p.number("timeoutSeconds", int(DefaultTimeout/time.Second), int(LongestTimeout/time.Second))) * time.Second,
		InsecureTLS:   p.truth("insecureTLS"),
		DebugLog:      p.truth("debugLog"),
		RedactLogs:    p.truth("redactLogs"),
		Plays:         p.plays("plays"),
	}
	var err error
	s.Fields, err = merge.ParseFields(p.text("fields"))
	s.Fields.ContentRating = p.text("contentRating")
	if err != nil {
		p.problem("fields", p.text("fields"), err.Error())
	} else if s.Fields.Empty() {
		p.problem("fields", p.text("fields"), "this leaves nothing to push; name at least one field")
	}
	return s
}

// problem records an invalid setting, without the token even if that was put into this setting.
func (p *parser) problem(setting, value, remedy string) {
	pasted := p.text("plexToken")
	for _, token := range []string{pasted, tokenIn(pasted)} {
		if len(token) >= TokenAtLeast {
			hide := strings.NewReplacer(token, "***", strings.ToLower(token), "***") // messages show names of fields in lower case
			value, remedy = hide.Replace(value), hide.Replace(remedy)
		}
	}
	p.problems = append(p.problems, Problem{setting, text.OneLine(value, text.ValueLimit), text.OneLine(remedy, text.Limit)})
}

// text returns a setting as text, with a list joined by commas.
func (p *parser) text(name string) string {
	if !slices.Contains(p.known, name) {
		p.known = append(p.known, name)
	}
	if list, ok := p.raw[name].([]any); ok {
		return strings.Join(trimmed(list), ",")
	}
	return TextOf(p.raw[name])
}

// list returns the parts into which split divides a setting, or the elements of one that is a list already.
func (p *parser) list(name string, split func(string) []string) []string {
	text := p.text(name)
	if list, ok := p.raw[name].([]any); ok {
		return trimmed(list)
	}
	return trimmed(split(text))
}

// TextOf returns a value of Stash's configuration as text; "" if it is not set.
func TextOf(value any) string {
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
		if text := TextOf(e); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func (p *parser) truth(name string) bool {
	text := p.text(name)
	switch strings.ToLower(text) {
	case "", "false", "no", "off", "0":
		return false
	case "true", "yes", "on", "1":
		return true
	}
	p.problem(name, text, "set it to on or off")
	return false
}

func (p *parser) number(name string, unset, most int) int {
	text := p.text(name)
	if text == "" {
		return unset
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || n != float64(int(n)) || n < 0 || n > float64(most):
		p.problem(name, text, fmt.Sprintf("enter an integer from 1 to %d (0 or empty means %d)", most, unset))
		return unset
	case n == 0:
		return unset
	}
	return int(n)
}

// address reads plexUrl. An address pasted from a browser is cut to the server's part.
func (p *parser) address(name string) string {
	const example = "enter the address of Plex as seen from Stash, such as http://192.168.1.5:32400"
	text := p.text(name)
	u, err := url.Parse(text)
	value, remedy := WithoutSecrets(text), ""
	switch {
	case text == "":
		remedy = notSet + "; " + example
	case strings.Contains(strings.ToLower(text), "x-plex-token"):
		value, remedy = "", "it contains a token; put that into "+Label("plexToken")+", and "+example
	case likeToken(text):
		value, remedy = "", "it is not an address; if it is the token, put it into "+Label("plexToken")+", and "+example
	case withoutBrackets(text) != "":
		remedy = "an IPv6 address needs brackets: enter " + withoutBrackets(text)
	case !strings.Contains(text, "://"):
		remedy = example
		scheme, rest := missingColon(text)
		if full, err := url.Parse(scheme + rest); err == nil && full.User == nil && full.Hostname() != "" && !strings.HasSuffix(full.Host, ":") {
			remedy = "enter " + WithoutSecrets(scheme+rest)
			if rest == text {
				remedy = "enter http://" + value + " (or https://)"
			}
			remedy = cmp.Or(misplacedPort(full), remedy)
		}
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		remedy = example
	case u.User != nil:
		remedy = "a user name and password are not supported; " + example
	case strings.EqualFold(u.Hostname(), "app.plex.tv"):
		remedy = "this is Plex's web site, not your server; " + example
	default:
		if remedy = misplacedPort(u); remedy == "" {
			return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: serverPath(u.Path)}).String()
		}
	}
	p.problem(name, value, remedy)
	return ""
}

// Address returns an address of Plex in the form that the setting plexUrl gets. The error says what is wrong with it.
func Address(given string) (string, error) {
	p := parser{raw: map[string]any{"plexUrl": given}}
	address := p.address("plexUrl")
	if len(p.problems) > 0 {
		return "", errors.New("this address cannot be used: " + p.problems[0].Remedy)
	}
	return address, nil
}

// likeToken reports whether a text looks like one of Plex's two kinds of tokens: twenty letters and digits,
// or a JSON Web Token. A host name of that length only loses its place in the message.
func likeToken(text string) bool {
	other := func(r rune) bool {
		return r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}
	return strings.HasPrefix(text, "eyJ") || len(text) >= 20 && strings.IndexFunc(text, other) < 0
}

// WithoutSecrets returns an address without user, password, query and fragment.
func WithoutSecrets(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	if strings.Contains(text, "@") { // the end of the password is unknown
		return "…"
	}
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	return text
}

// pairsListed is how many invalid pairs are reported one by one.
const pairsListed = 5

// pathMap reads "stash prefix => plex prefix; …".
func (p *parser) pathMap(name string) []match.PathPair {
	var pairs []match.PathPair
	bad := 0
	for _, part := range p.list(name, func(text string) []string { return strings.Split(text, ";") }) {
		from, to, ok := strings.Cut(part, "=>")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !ok || from == "" || to == "" || strings.Contains(to, "=>") {
			if bad++; bad <= pairsListed {
				p.problem(name, part, "enter each pair as: path in Stash => path in Plex, with ; between pairs")
			}
			continue
		}
		pairs = append(pairs, match.PathPair{From: pathform.Normal(from), To: pathform.Normal(to)})
	}
	if bad > pairsListed {
		p.problem(name, "", text.Count(bad-pairsListed, "more pair is invalid", "more pairs are invalid"))
	}
	return pairs
}

// ProblemsOf returns the problems of an *Error.
func ProblemsOf(err error) []Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Problems
	}
	return nil
}
