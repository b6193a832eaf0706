package ui_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

const accountToken = "acc-0123456789-secret"

// unset returns a world in which nobody has said where Plex is.
func unset(t *testing.T, n int) *uitest.World {
	t.Helper()
	w := uitest.NewWorld(t, n)
	w.Stash.SetSettings(stashtest.PluginID, map[string]any{})
	return w
}

// looks checks a state of the page at both widths, and that it tells no token.
func looks(tab *uitest.Tab, name string) {
	tab.Helper()
	tab.Looks(name)
	tab.Clean()
	if strings.Contains(tab.Document(), accountToken) {
		tab.Error("the token of the account is in the page")
	}
}

// reload checks that a step of the set-up is still there after a reload.
func reload(tab *uitest.Tab, path string, e uitest.Element) {
	tab.Helper()
	if got := tab.Path(); got != page+path {
		tab.Errorf("the address is %s, want %s", got, page+path)
	}
	tab.Reload()
	tab.Wait(e)
}

func TestSetUpWithAddressAndToken(t *testing.T) {
	w := unset(t, 4)
	for id := range 4 {
		w.Stash.Change(id+1, func(s *stashtest.Scene) { s.Title = "<i>Scene</i> with a long title that is not cut at its end" })
	}
	tab := w.Tab()
	tab.Open(page)
	tab.Wait(uitest.Button("Sign in with Plex"))
	looks(tab, "setup-connect")
	tab.Click(uitest.Button("Enter address and token"))
	tab.Wait(uitest.Text("Plex token"))
	reload(tab, "/setup?step=connect&how=token", uitest.Text("Plex token"))
	enter := func(address, token string) {
		t.Helper()
		tab.Fill(uitest.Selector("#plexsync-url"), address)
		tab.Fill(uitest.Selector("#plexsync-token"), token)
		tab.Click(uitest.Button("Check and save"))
	}
	enter("nonsense", "")
	tab.Wait(uitest.Selector("#plexsync-token-problem svg"))
	looks(tab, "setup-token-invalid")
	enter(w.Plex.URL(), "wrong-token-of-somebody")
	tab.Wait(uitest.Selector("#plexsync-token-problem svg"))
	tab.Gone(uitest.Selector("#plexsync-url-problem svg"))
	looks(tab, "setup-token-refused")
	w.Plex.Stop()
	enter(w.Plex.URL(), uitest.Token)
	tab.Wait(uitest.Selector("#plexsync-url-problem svg"))
	tab.Fill(uitest.Selector("#plexsync-token"), "") // Clean looks into fields, too
	looks(tab, "setup-plex-off")
	if err := w.Plex.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := w.Stash.Settings(stashtest.PluginID); len(got) > 0 {
		t.Errorf("saved before the check succeeded: %v", got)
	}
	enter(w.Plex.URL(), uitest.Token)
	tab.Wait(uitest.Text("4 of 4 sample scenes were found in Plex."))
	if got := w.Stash.Settings(stashtest.PluginID); got["05plexUrl"] != w.Plex.URL() || got["10plexToken"] != uitest.Token {
		t.Errorf("saved: %v", got)
	}
	looks(tab, "setup-libraries")
	reload(tab, "/setup?step=libraries&how=token", uitest.Button("Continue"))
	tab.Click(uitest.Button("Continue"))
	tab.Wait(uitest.Button("Preview changes"))
	looks(tab, "setup-preview")
	reload(tab, "/setup?step=preview&how=token", uitest.Button("Preview changes"))
	tab.Click(uitest.Button("Preview changes"))
	tab.Wait(uitest.Button("Preview again"))
	tab.Wait(uitest.Text("Would change"))
	tab.Wait(uitest.Text("title"))
	looks(tab, "setup-previewed")
	tab.Click(uitest.Button("Continue"))
	tab.Wait(uitest.Text("all 4 scenes"))
	looks(tab, "setup-start")
	reload(tab, "/setup?step=start&how=token", uitest.Button("Sync all scenes"))
	tab.Click(uitest.Button("Sync all scenes"))
	tab.WaitFor(`location.pathname.endsWith("/stash-plex-sync")`, "the overview is not shown")
	w.Idle()
	if got := w.Tasks(); !slices.Equal(got, []string{"preview", "sync-all"}) {
		t.Errorf("tasks: %v", got)
	}
	tab.Clean()
}

func TestSetUpForLaterEditsQueuesNothing(t *testing.T) {
	w := uitest.NewWorld(t, 2)
	tab := w.Tab()
	tab.Open(page + "/setup?step=start")
	tab.Wait(uitest.Button("Push only later edits"))
	if ops := w.Ops(); len(ops) != 2 || !slices.Contains(ops, "run") || !slices.Contains(ops, "overview") {
		t.Errorf("operations: %v", ops)
	}
	tab.Click(uitest.Button("Push only later edits"))
	tab.WaitFor(`location.pathname.endsWith("/stash-plex-sync")`, "the overview is not shown")
	if got := w.Tasks(); len(got) > 0 {
		t.Errorf("tasks: %v", got)
	}
}

func TestLibrariesAreChosen(t *testing.T) {
	w := uitest.NewWorld(t, 3)
	w.Plex.AddSection("<b>Clips</b>, and a long name that goes on and on without an end", "movie")
	tab := w.Tab()
	tab.Open(page + "/setup?step=libraries")
	tab.Wait(uitest.Text("3 of 3 sample scenes were found in Plex."))
	tab.Wait(uitest.Text("<b>Clips</b>, and a long name"))
	tab.Click(uitest.Selector("#plexsync-library-" + w.Section))
	tab.Click(uitest.Button("Save and look again"))
	tab.Wait(uitest.Text("0 of 3 sample scenes were found in Plex."))
	if got := w.Stash.Settings(stashtest.PluginID)["15plexLibraries"]; got != "2" {
		t.Errorf("saved: %v", got)
	}
	tab.Click(uitest.Text("Show the 3 scenes"))
	looks(tab, "setup-libraries-few")
	tab.Click(uitest.Selector("#plexsync-library-2"))
	tab.Wait(uitest.Text("Choose at least one library."))
	tab.Click(uitest.Selector("#plexsync-library-2"))
	tab.Click(uitest.Selector("#plexsync-library-" + w.Section))
	tab.Click(uitest.Button("Save and look again"))
	tab.Wait(uitest.Text("3 of 3 sample scenes were found in Plex."))
	if got, is := w.Stash.Settings(stashtest.PluginID)["15plexLibraries"]; is {
		t.Errorf("all libraries were saved as %v", got)
	}
	w.Plex.Stop()
	tab.Click(uitest.Button("Look again"))
	tab.Wait(uitest.Text("Plex does not answer."))
	looks(tab, "setup-libraries-off")
}

// signing gives a world without settings a plex.tv of its own, with an account that owns the world's Plex.
func signing(t *testing.T, n int, more ...plextest.TVServer) (*uitest.World, *plextest.TV) {
	t.Helper()
	tv := plextest.NewTV()
	net, err := tv.Start(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.Stop)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, net.Authority(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTPS_PROXY", net.URL())
	t.Setenv("SSL_CERT_FILE", authority)
	w := unset(t, n)
	tv.SetAccount(accountToken, "alice", append(more, serverOf(t, w.Plex, "NAS"))...)
	return w, tv
}

// serverOf describes a Plex as plex.tv does: by an address of a container that does not answer, and by the right one.
func serverOf(t *testing.T, plex *plextest.Server, name string) plextest.TVServer {
	t.Helper()
	at, err := url.Parse(plex.URL())
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(at.Port())
	return plextest.TVServer{
		Name: name, Provides: "server", ProductVersion: "1.41.0.8994-f2c27da23", ClientIdentifier: plex.Machine(), AccessToken: uitest.Token, Owned: true, Presence: true,
		Connections: []plextest.TVConnection{
			{Address: "127.0.0.1", Port: 1, URI: "https://127-0-0-1.abc.plex.direct:1", Local: true},
			{Address: "127.0.0.1", Port: port, URI: "https://not-a-name.invalid:32400", Local: true},
		},
	}
}
