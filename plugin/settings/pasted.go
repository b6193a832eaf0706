package settings

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// labelled matches a token after its name, as in an address, a header, or Plex's own Preferences.xml.
var labelled = regexp.MustCompile(`(?i)(?:x-plex-token|plexonlinetoken|authtoken)["']?\s*[=:]\s*["']?([^&#\s"'<>;,]*)`)

// named matches any other name before a value, as in "token=…" or "plex:…".
var named = regexp.MustCompile(`^[A-Za-z_-]+[=:][^=]`)

// tokenIn returns the token in a pasted text, which may be quoted, start with "X-Plex-Token=", or be a whole address.
func tokenIn(pasted string) string {
	if m := labelled.FindStringSubmatch(pasted); m != nil {
		return m[1]
	}
	for _, pair := range [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"„", "“"}, {"<", ">"}} {
		rest, opened := strings.CutPrefix(pasted, pair[0])
		if inner, closed := strings.CutSuffix(rest, pair[1]); opened && closed {
			return strings.TrimSpace(inner)
		}
	}
	return pasted
}

func (p *parser) token(name string) string {
	const onlyToken = "enter only the X-Plex-Token (the README says where to find it)"
	text := tokenIn(p.text(name))
	_, object := p.raw[name].(map[string]any)
	switch {
	case object:
		p.problem(name, "", "it is not a text; enter it on the settings page")
	case text == "":
		p.problem(name, "", notSet+"; enter the token of the server's owner")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		p.problem(name, "", "it contains spaces or other characters that no token has; copy it again")
	case strings.HasPrefix(strings.ToLower(text), "claim-"):
		p.problem(name, "", "it is a claim, which adds a new server to an account, not a token; "+onlyToken)
	case strings.Contains(text, "://"):
		p.problem(name, "", "it is an address without a token; put that into "+Label("plexUrl")+", and "+onlyToken)
	case named.MatchString(text) || strings.Trim(text, "\"'`") != text:
		p.problem(name, "", "it contains more than the token; "+onlyToken)
	default:
		return text
	}
	return ""
}

// missingColon splits an address without "://" into a scheme and the rest. The scheme is http unless the address
// begins with one that lacks its colon.
func missingColon(address string) (scheme, rest string) {
	for _, s := range []string{"https", "http"} {
		if len(address) > len(s) && strings.EqualFold(address[:len(s)], s) {
			after := strings.TrimPrefix(address[len(s):], ";")
			if rest, ok := strings.CutPrefix(after, "//"); ok && rest != "" {
				return s + "://", rest
			}
		}
	}
	return "http://", address
}

// withoutBrackets returns the corrected form of an address of IPv6 without brackets; "" if it is none.
func withoutBrackets(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "http", address
	}
	host, path, _ := strings.Cut(rest, "/")
	host = strings.TrimSuffix(host, ":32400") // too long for a part of the address itself
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
		return ""
	}
	u := url.URL{Scheme: scheme, Host: "[" + host + "]:32400", Path: serverPath("/" + path)}
	return u.String()
}

// portAsPath matches a port after the slash.
var portAsPath = regexp.MustCompile(`^/+:(\d{1,5})(?:/|$)`)

// misplacedPort returns how to correct an address whose port is in the wrong place, or "".
func misplacedPort(u *url.URL) string {
	host := strings.TrimSuffix(u.Host, ":")
	if m := portAsPath.FindStringSubmatch(u.Path); m != nil && u.Port() == "" {
		return "the port belongs before the slash: enter " + u.Scheme + "://" + host + ":" + m[1]
	}
	if host != u.Host {
		return "the port after the colon is missing; Plex's default is 32400: enter " + u.Scheme + "://" + u.Host + "32400"
	}
	return ""
}

// pages matches the end of an address that was copied from a browser: Plex's web page, or an XML answer of Plex.
var pages = regexp.MustCompile(`/(?:(?:web/)?index\.html|web|identity|library(?:/(?:sections|metadata|onDeck|recentlyAdded)(?:/.*)?)?|status/sessions)/*$`)

// serverPath returns the path of an address without the end that pages matches.
func serverPath(path string) string {
	for {
		short := strings.TrimRight(pages.ReplaceAllString(path, ""), "/")
		if short == path {
			return path
		}
		path = short
	}
}
