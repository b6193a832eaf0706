package account

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
)

// A Connection is where Plex is and the token for it. Both are from the settings or both from the sign-in, never mixed.
type Connection struct {
	URL       string
	Token     string
	MachineID string // the token may go only to the server with this identifier; "": to whoever answers at URL
	SignedIn  bool   // it comes from the sign-in
	Client    string // the identifier that signed in; "" without a sign-in
	Server    string // the name of the server; "" without a sign-in
	// Others are further addresses at which the server may answer, without slow ones. TokenHint is what a person does about
	// a token that the server refuses. Both are empty without a sign-in.
	Others    []string
	TokenHint string
}

// The settings of a connection.
const (
	addressKey = "plexUrl"
	tokenKey   = "plexToken"
)

// Connect returns the connection to use. invalid is the error of the settings; Connect returns it without the problems that
// the sign-in solves. Settings with an address and a token win as a pair. An address alone selects among the addresses of
// the sign-in, whose token goes to no other.
func Connect(set settings.Settings, invalid error, a Account) (Connection, error) {
	c := Connection{URL: set.PlexURL, Token: set.PlexToken}
	problems := settings.ProblemsOf(invalid)
	of := func(key string) *settings.Problem {
		if i := slices.IndexFunc(problems, func(p settings.Problem) bool { return p.Setting == key }); i >= 0 {
			return &problems[i]
		}
		return nil
	}
	address, token := of(addressKey), of(tokenKey)
	switch {
	case invalid != nil && len(problems) == 0: // Stash did not answer
		return c, invalid
	case a.Server == nil, token == nil && address == nil:
		return c, invalid
	case token == nil || !token.Unset(): // a token alone, or one that cannot be used
		return c, invalid
	case address != nil && !address.Unset():
		return c, invalid
	}
	c = Connection{URL: a.Server.URL, Token: a.Server.Token, MachineID: a.Server.MachineID, SignedIn: true, Client: a.Client, Server: a.Server.Name, TokenHint: "sign in again, then choose the server"}
	rest := slices.DeleteFunc(slices.Clone(problems), func(p settings.Problem) bool { return p.Setting == addressKey || p.Setting == tokenKey })
	if address == nil {
		i := slices.IndexFunc(a.Server.Addresses, func(one Address) bool { return same(one.URL, set.PlexURL) })
		if i < 0 {
			return Connection{}, &settings.Error{Problems: append(rest, settings.Problem{Setting: addressKey, Value: set.PlexURL, Remedy: fmt.Sprintf(
				"it is not an address of the server %q that you signed in to; clear it, choose that server again with this address, or set %s too", a.Server.Name, settings.Label(tokenKey),
			)})}
		}
		c.URL = a.Server.Addresses[i].URL
	}
	for _, one := range a.Server.Addresses {
		if !one.Relay && !same(one.URL, c.URL) {
			c.Others = append(c.Others, settings.WithoutSecrets(one.URL))
		}
	}
	if len(rest) > 0 {
		return c, &settings.Error{Problems: rest}
	}
	return c, nil
}

// same reports whether two addresses lead to the same place.
func same(one, other string) bool {
	a, errA := url.Parse(strings.TrimSpace(one))
	b, errB := url.Parse(strings.TrimSpace(other))
	return errA == nil && errB == nil && a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) && a.User == nil && b.User == nil &&
		strings.Trim(a.Path, "/") == strings.Trim(b.Path, "/")
}
