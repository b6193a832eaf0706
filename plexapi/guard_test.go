package plexapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// A token that belongs to one server is sent to no other, not even one that takes over the address during a run.
func TestTokenGoesOnlyToItsServer(t *testing.T) {
	plex := plextest.New("token-of-one-server")
	plex.AddSection("Videos", "movie")
	if err := plex.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plex.Stop)
	c, err := New(Config{URL: plex.URL(), Token: "token-of-one-server", ClientIdentifier: "c", MachineID: plex.Machine()})
	if err != nil {
		t.Fatal(err)
	}
	paths := func() (list []string) {
		for _, r := range plex.Requests() {
			list = append(list, r.Path)
		}
		return list
	}
	for range 2 {
		if _, err := c.Sections(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(paths(), " "); got != "/identity /library/sections /library/sections" {
		t.Errorf("requests %s", got)
	}
	before := len(paths())
	plex.Stop()
	if _, err := c.Sections(t.Context()); err == nil {
		t.Error("a request to a stopped server succeeded")
	}
	plex.SetMachine("another-server")
	if err := plex.Restart(); err != nil {
		t.Fatal(err)
	}
	_, err = c.Sections(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Class != Unauthorized || !strings.Contains(err.Error(), "another Plex server") {
		t.Errorf("another server: %v", err)
	}
	if got := strings.Join(paths()[before:], " "); got != "/identity" {
		t.Errorf("the other server got %s", got)
	}
	if _, _, err := c.Probe(t.Context()); err == nil {
		t.Error("a probe of another server succeeded")
	}
}

// Another server that takes over the address while no request is on its way gets no token on the connection that Go makes
// by itself.
func TestNewConnectionGetsNoTokenBeforeItsServerIsKnown(t *testing.T) {
	plex := plextest.New("token-of-one-server")
	plex.AddSection("Videos", "movie")
	if err := plex.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plex.Stop)
	c, err := New(Config{URL: plex.URL(), Token: "token-of-one-server", ClientIdentifier: "c", MachineID: plex.Machine()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sections(t.Context()); err != nil {
		t.Fatal(err)
	}
	plex.Stop()
	machine := plex.Machine()
	plex.SetMachine("another-server")
	if err := plex.Restart(); err != nil {
		t.Fatal(err)
	}
	plex.Forget()
	_, err = c.Sections(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Class != Unauthorized || !strings.HasPrefix(err.Error(), "cannot list the libraries: another Plex server") {
		t.Errorf("another server: %v", err)
	}
	if n := plex.Count("", "/library"); n != 0 {
		t.Errorf("another server got the token %d times", n)
	}
	plex.SetMachine(machine)
	if _, err := c.Sections(t.Context()); err != nil {
		t.Errorf("the server is back: %v", err)
	}
}
