package account

import (
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// listed returns the servers of an account, which the lab's account has.
func (l *lab) listed(servers ...plextest.TVServer) []Found {
	l.Helper()
	l.tv.SetAccount(accountToken, "alice", servers...)
	found, err := l.Servers(l.Context(), "")
	if err != nil {
		l.Fatal(err)
	}
	return found
}

// at describes a server at an address.
func at(name, machine, address string) plextest.TVServer {
	return plextest.TVServer{
		Name: name, Provides: "server", ClientIdentifier: machine, AccessToken: serverToken, Owned: true,
		Connections: []plextest.TVConnection{{URI: address, Local: true}},
	}
}

func TestAccountWithoutAServer(t *testing.T) {
	l := newLab(t)
	l.signIn()
	if found := l.listed(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestTwoServersOfOneName(t *testing.T) {
	l := newLab(t)
	l.signIn()
	other := plextest.New("another-server-token-0123")
	other.SetMachine("other-machine")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Stop)
	found := l.listed(at("Plex", l.plex.Machine(), l.plex.URL()), at("Plex", "other-machine", other.URL()))
	if len(found) != 2 || found[0].Best != l.plex.URL() || found[1].Best != other.URL() || found[0].MachineID == found[1].MachineID {
		t.Errorf("%+v", found)
	}
}

// A certificate that does not fit is the reason why an address cannot be used, unless the settings accept any.
func TestCertificateOfPlexThatDoesNotFit(t *testing.T) {
	l := newLab(t)
	l.signIn()
	secure := httptest.NewTLSServer(l.plex)
	t.Cleanup(secure.Close)
	server := at("NAS", l.plex.Machine(), secure.URL)
	f := l.listed(server)[0]
	if f.Best != "" || !strings.Contains(f.Addresses[0].Problem, "certificate") {
		t.Errorf("%+v", f)
	}
	if _, err := l.Choose(t.Context(), f.MachineID, secure.URL, ""); err == nil || !strings.Contains(err.Error(), "certificate") || l.chosen().Server != nil {
		t.Errorf("chosen: %v", err)
	}
	l.InsecureTLS = true
	if f = l.listed(server)[0]; f.Best != secure.URL {
		t.Errorf("with insecureTLS: %+v", f)
	}
	if _, err := l.Choose(t.Context(), f.MachineID, secure.URL, ""); err != nil {
		t.Errorf("with insecureTLS: %v", err)
	}
}

// Addresses that never answer, as those of a container do, cost five seconds together.
func TestAddressesThatNeverAnswerAreGivenUpTogether(t *testing.T) {
	l := newLab(t)
	l.signIn()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections stay in the backlog
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	server := at("NAS", l.plex.Machine(), "http://"+silent.Addr().String())
	for _, path := range []string{"1", "2", "3"} { // other names of the same silence
		server.Connections = append(server.Connections, plextest.TVConnection{URI: "http://127.0.0." + path + ":" + strings.Split(silent.Addr().String(), ":")[1], Local: true})
	}
	server.Connections = append(server.Connections, plextest.TVConnection{URI: l.plex.URL()})
	began := time.Now()
	f := l.listed(server)[0]
	if took := time.Since(began); took > 2*tryLimit {
		t.Errorf("took %v", took)
	}
	if f.Best != l.plex.URL() || f.Addresses[0].OK || f.Addresses[0].Problem == "" {
		t.Errorf("%+v", f)
	}
}

// A relay is never preselected, and can be chosen.
func TestRelayIsNotPreselected(t *testing.T) {
	l := newLab(t)
	l.signIn()
	server := at("NAS", l.plex.Machine(), l.plex.URL())
	server.Connections[0].Relay, server.Connections[0].Local = true, false
	f := l.listed(server)[0]
	if f.Best != "" || !f.Addresses[0].OK {
		t.Errorf("%+v", f)
	}
	if _, err := l.Choose(t.Context(), f.MachineID, l.plex.URL(), ""); err != nil {
		t.Error(err)
	}
}
