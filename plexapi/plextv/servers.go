package plextv

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	serversAtMost   = 50
	addressesAtMost = 20 // of one server
)

// A Server is one Plex server that an account may use.
type Server struct {
	Name          string // like Version, on one line of limited length
	MachineID     string
	Version       string
	Owned         bool   // by the account; only the owner may edit
	Present       bool   // plex.tv has heard of it lately
	Token         string // for this server alone; "" if plex.tv gave none that can be used
	HTTPSRequired bool
	Connections   []Connection
}

// A Connection is one address of a server as the server itself sees it.
type Connection struct {
	URI     string // https, with a name of plex.direct
	Address string
	Port    int
	Local   bool // in the network of the server
	Relay   bool // through plex.tv, slow
}

// Servers lists the servers of an account, its own and those that others share with it: at most 50, its own first.
func (c *Client) Servers(ctx context.Context, token string) ([]Server, error) {
	var list []struct {
		Name             string `json:"name"`
		Provides         string `json:"provides"`
		ProductVersion   string `json:"productVersion"`
		ClientIdentifier string `json:"clientIdentifier"`
		AccessToken      string `json:"accessToken"`
		Owned            bool   `json:"owned"`
		Presence         bool   `json:"presence"`
		HTTPSRequired    bool   `json:"httpsRequired"`
		Connections      []struct {
			Address string `json:"address"`
			Port    int    `json:"port"`
			URI     string `json:"uri"`
			Local   bool   `json:"local"`
			Relay   bool   `json:"relay"`
		} `json:"connections"`
	}
	r := request{
		op: "list the servers of the account", method: http.MethodGet, token: token,
		url: listing + "/api/v2/resources?includeHttps=1&includeRelay=1&includeIPv6=1",
	}
	if err := c.do(ctx, r, &list); err != nil {
		return nil, err
	}
	var servers []Server
	secrets := []string{token}
	for _, one := range list {
		if slices.Contains(strings.Split(one.Provides, ","), "server") && machineForm.MatchString(one.ClientIdentifier) {
			s := Server{
				Name: one.Name, MachineID: one.ClientIdentifier, Version: one.ProductVersion, Owned: one.Owned,
				Present: one.Presence, HTTPSRequired: one.HTTPSRequired,
			}
			if isToken(one.AccessToken) {
				s.Token, secrets = one.AccessToken, append(secrets, one.AccessToken)
			}
			for _, conn := range one.Connections[:min(len(one.Connections), addressesAtMost)] {
				s.Connections = append(s.Connections, Connection{conn.URI, conn.Address, conn.Port, conn.Local, conn.Relay})
			}
			servers = append(servers, s)
		}
	}
	slices.SortStableFunc(servers, func(a, b Server) int { return boolean(b.Owned) - boolean(a.Owned) })
	servers = servers[:min(len(servers), serversAtMost)]
	for i := range servers {
		s := &servers[i]
		s.Name, s.Version = shown(s.Name, secrets...), shown(s.Version, secrets...)
		s.Connections = slices.DeleteFunc(s.Connections, func(c Connection) bool { return tells(c.URI, secrets) || tells(c.Address, secrets) })
	}
	return slices.DeleteFunc(servers, func(s Server) bool { return tells(s.MachineID, secrets) }), nil
}

func boolean(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// An Address is where a server may answer.
type Address struct {
	URL   string
	Local bool
	Relay bool
}

// Addresses returns where the server may answer, the best first: local before remote before relay, https before http. Each
// address is tried as plex.direct, which needs a name server that resolves private addresses, and by its number, which
// does not. Addresses that are no http or https URL are left out.
func (s *Server) Addresses() []Address {
	var list []Address
	add := func(text string, c Connection) {
		u, err := url.Parse(text)
		if err != nil || !hostForm.MatchString(u.Hostname()) || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			return
		}
		a := Address{u.Scheme + "://" + u.Host, c.Local, c.Relay}
		if !slices.ContainsFunc(list, func(other Address) bool { return other.URL == a.URL }) {
			list = append(list, a)
		}
	}
	for _, kind := range []func(Connection) bool{
		func(c Connection) bool { return c.Local && !c.Relay },
		func(c Connection) bool { return !c.Local && !c.Relay },
		func(c Connection) bool { return c.Relay },
	} {
		for _, c := range s.Connections {
			if kind(c) {
				add(c.URI, c)
			}
		}
		for _, c := range s.Connections {
			if kind(c) && !c.Relay && !s.HTTPSRequired && c.Port > 0 && c.Port < 1<<16 && c.Address != "" {
				add("http://"+net.JoinHostPort(c.Address, strconv.Itoa(c.Port)), c)
			}
		}
	}
	return list[:min(len(list), addressesAtMost)]
}
