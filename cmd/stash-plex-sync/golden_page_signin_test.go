package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// signsIn signs in and out.
func (g *golden) signsIn() {
	g.Helper()
	tv := plextest.NewTV()
	net, err := tv.Start(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	g.must(err)
	defer net.Stop()
	authority := filepath.Join(g.TempDir(), "authority.pem")
	g.must(os.WriteFile(authority, net.Authority(), 0o600))
	g.Setenv("HTTPS_PROXY", net.URL())
	g.Setenv("SSL_CERT_FILE", authority)
	s := signing{world: g.world, tv: tv, net: net}
	server := s.server()
	server.Connections = server.Connections[1:]
	tv.SetAccount(accountToken, "alice", server)

	g.want("page-account", "account")
	g.want("page-adopt-settings", "adopt-settings")
	g.stash.SetSettings("stash-plex-sync", map[string]any{})
	g.want("page-servers-signed-out", "servers")
	c, err := g.call(g.context(), arguments("pin-start", nil))
	g.must(err)
	g.compare("page-pin-start", c)
	handle := between(string(c.Output), `"handle":"`, `"`)
	g.want("page-pin-poll", "pin-poll", "handle", handle)
	tv.Claim(tv.Codes()[0], accountToken)
	g.want("page-pin-poll-claimed", "pin-poll", "handle", handle)
	g.want("page-servers", "servers")
	g.want("page-choose-server", "choose-server", "machine_id", g.plex.Machine(), "address", g.plex.URL())
	g.want("page-choose-server-unknown", "choose-server", "machine_id", "unknown", "address", g.plex.URL())
	tv.Inject(plextest.TVFault{Status: 429})
	g.want("page-pin-start-limited", "pin-start")
	g.want("page-sign-out", "sign-out")
	g.settings(nil)
}

// between returns what stands between two texts in another.
func between(text, begin, end string) string {
	_, rest, _ := strings.Cut(text, begin)
	found, _, _ := strings.Cut(rest, end)
	return found
}
