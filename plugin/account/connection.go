package account

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Connection is where Plex is and the token for it. Both are from the settings or both from the sign-in, never mixed.
type Connection struct {
	URL       string
	Token     string
	MachineID string // the token may go only to the server with this identifier; "": to whoever answers at URL
	SignedIn  bool   // it comes from the sign-in
}

// ErrNone means that neither the settings nor a sign-in say where Plex is.
var ErrNone = errors.New("Plex is not set up: sign in, or set \"Plex address\" (plexUrl) and \"Plex token\" (plexToken)") //nolint:staticcheck // a sentence for the user

// Connect returns the connection to use. The settings win if they have both an address and a token. An address without a
// token selects among the addresses of the sign-in; its token goes to no other.
func Connect(address, token string, a Account) (Connection, error) {
	switch {
	case address != "" && token != "":
		return Connection{URL: address, Token: token}, nil
	case a.Server == nil && address == "" && token == "":
		return Connection{}, ErrNone
	case a.Server == nil && address == "":
		return Connection{}, errors.New(`"Plex address" (plexUrl) is not set`)
	case a.Server == nil:
		return Connection{}, errors.New(`"Plex token" (plexToken) is not set`)
	case token != "":
		return Connection{}, errors.New(`"Plex token" (plexToken) is set and "Plex address" (plexUrl) is not: set both, or neither to use the sign-in`)
	}
	c := Connection{URL: a.Server.URL, Token: a.Server.Token, MachineID: a.Server.MachineID, SignedIn: true}
	if address == "" {
		return c, nil
	}
	i := slices.IndexFunc(a.Server.Addresses, func(one Address) bool { return same(one.URL, address) })
	if i < 0 {
		return Connection{}, fmt.Errorf(`"Plex address" (plexUrl) is not an address of the server %q that you signed in to: clear it, choose the server again with this address, or set "Plex token" (plexToken)`, a.Server.Name)
	}
	c.URL = a.Server.Addresses[i].URL
	return c, nil
}

// same reports whether two addresses lead to the same place.
func same(one, other string) bool {
	a, errA := url.Parse(strings.TrimSpace(one))
	b, errB := url.Parse(strings.TrimSpace(other))
	return errA == nil && errB == nil && a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) &&
		strings.Trim(a.Path, "/") == strings.Trim(b.Path, "/")
}
