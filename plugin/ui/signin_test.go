package ui_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// confirm confirms the sign-in that waits, as a person does at plex.tv.
func confirm(t *testing.T, tv *plextest.TV) {
	t.Helper()
	codes := tv.Codes()
	if len(codes) != 1 || !tv.Claim(codes[0], accountToken) {
		t.Fatalf("codes that wait: %q", codes)
	}
}

// begin starts a sign-in in a browser that blocks new windows.
func begin(tab *uitest.Tab) {
	tab.Helper()
	tab.Wait(uitest.Button("Sign in with Plex"))
	tab.Eval("window.open = () => null")
	tab.Click(uitest.Button("Sign in with Plex"))
}

func TestSetUpWithSignIn(t *testing.T) {
	w, tv := signing(t, 3)
	tab := w.Tab()
	tab.Open(page)
	tab.Click(uitest.Button("Sign in with Plex"))
	tab.Front()
	tab.Wait(uitest.Link("Open Plex's sign-in page"))
	if popups := tab.Popups(); len(popups) != 1 {
		t.Errorf("windows: %q", popups)
	}
	looks(tab, "setup-signin-pending")
	reload(tab, "/setup?step=connect", uitest.Link("Open Plex's sign-in page"))
	confirm(t, tv)
	tab.Wait(uitest.Button("Use NAS"))
	looks(tab, "setup-server")
	reload(tab, "/setup?step=server", uitest.Button("Use NAS"))
	tab.Click(uitest.Button("Use NAS"))
	tab.Wait(uitest.Text("3 of 3 sample scenes were found in Plex."))
	if got := w.Stash.Settings(stashtest.PluginID); len(got) > 0 {
		t.Errorf("settings: %v", got)
	}
	reload(tab, "/setup?step=libraries", uitest.Button("Continue"))
	tab.Click(uitest.Button("Continue"))
	tab.Click(uitest.Button("Skip the preview"))
	tab.Click(uitest.Button("Sync all scenes"))
	tab.WaitFor(`location.pathname.endsWith("/stash-plex-sync")`, "the overview is not shown")
	w.Idle()
	tab.Clean()
}

func TestSignInWithoutAPopupOrWithACode(t *testing.T) {
	w, tv := signing(t, 1)
	tab := w.Tab()
	tab.Open(page + "/setup")
	begin(tab)
	tab.Wait(uitest.Link("Open Plex's sign-in page"))
	link := `[...document.querySelectorAll("a")].find((a) => a.textContent.includes("sign-in page"))`
	if got := tab.Eval(link + `.href`).(string); !strings.HasPrefix(got, "https://app.plex.tv/auth#?") {
		t.Errorf("link: %s", got)
	}
	if got := tab.Eval(link + `.target + " " + ` + link + `.rel`); got != "_blank noopener noreferrer" {
		t.Errorf("link: %v", got)
	}
	tab.Click(uitest.Button("Cancel"))
	tab.Click(uitest.Button("Use a code instead"))
	tab.Wait(uitest.Selector(".plexsync-code"))
	looks(tab, "setup-signin-code")
	code := tab.Eval(`document.querySelector(".plexsync-code").textContent`).(string)
	if len(code) != 4 || !tv.Claim(code, accountToken) {
		t.Fatalf("code %q", code)
	}
	tab.Wait(uitest.Button("Use NAS"))
}

func TestEachStateOfASignIn(t *testing.T) {
	w, _ := signing(t, 1)
	state := func(name, text, remedy string) string {
		return fmt.Sprintf(`{"state":%q,"text":%q,"remedy":%q,"retry_after":2,"handle":"h","name":"alice"}`, name, text, remedy)
	}
	for _, s := range []struct {
		state, text, remedy string
		over                bool
	}{
		{"expired", "the sign-in took too long", "start the sign-in again", true},
		{"replaced", "another sign-in was started after this one", "finish that one, or start again", true},
		{"refused", "plex.tv no longer accepts the sign-in", "sign in again", true},
		{"clock", "the clock of Stash's computer is wrong", "correct the clock, then start the sign-in again", true},
		{"slow", "plex.tv did not answer in time", "wait; the next look follows by itself", false},
		{"limited", "plex.tv limits the number of requests", "wait a few minutes", false},
		{"unreachable", "Stash's computer cannot reach plex.tv", "check its connection to the internet", false},
		{"odd", "plex.tv gave an unexpected answer", "try again later", false},
	} {
		w.Inject(uitest.Fault{Mode: "pin-poll", Answer: state(s.state, s.text, s.remedy)})
		tab := w.Tab()
		tab.Open(page + "/setup")
		begin(tab)
		tab.Wait(uitest.Text(strings.ToUpper(s.text[:1]) + s.text[1:]))
		tab.Wait(uitest.Text(strings.ToUpper(s.remedy[:1]) + s.remedy[1:]))
		if tab.Has(uitest.Button("Start again")) != s.over || tab.Has(uitest.Button("Cancel")) == s.over {
			t.Errorf("%s: the wrong buttons", s.state)
		}
		looks(tab, "setup-signin-"+s.state)
		w.Heal()
		if s.state != "expired" {
			continue
		}
		tab.Click(uitest.Button("Start again"))
		tab.Wait(uitest.Button("Cancel"))
	}
	w.Inject(uitest.Fault{Mode: "pin-start", Answer: `{"state":"limited","text":"plex.tv limits the number of requests","remedy":"wait a few minutes","retry_after":2,"handle":""}`})
	tab := w.Tab()
	tab.Open(page + "/setup")
	begin(tab)
	tab.Wait(uitest.Button("Start again"))
	looks(tab, "setup-signin-start-failed")
}

// Nothing is asked while the page is hidden, and after it was left.
func TestPollingOfASignInEndsWithThePage(t *testing.T) {
	w, _ := signing(t, 1)
	tab := w.Tab()
	tab.Open(page + "/setup")
	begin(tab)
	tab.Wait(uitest.Button("Cancel"))
	polls := func() (n int) {
		for _, mode := range w.Ops() {
			if mode == "pin-poll" {
				n++
			}
		}
		return n
	}
	quiet := func(when string) {
		t.Helper()
		time.Sleep(300 * time.Millisecond) // one may be on its way
		before := polls()
		time.Sleep(2500 * time.Millisecond)
		if n := polls() - before; n > 0 {
			t.Errorf("%s: %d polls", when, n)
		}
	}
	tab.Hidden(true)
	quiet("hidden")
	w.Forget()
	tab.Hidden(false)
	for end := time.Now().Add(5 * time.Second); polls() == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no poll after the page is shown again")
		}
	}
	tab.Click(uitest.Link("Activity"))
	quiet("left")
}

func TestServersOfAnAccount(t *testing.T) {
	other := plextest.New(uitest.Token)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Stop)
	other.SetMachine("another-machine")
	away := serverOf(t, other, "Cabin")
	away.ClientIdentifier, away.Connections = "machine-that-is-off", away.Connections[:1]
	shared := serverOf(t, other, "A friend's server")
	shared.ClientIdentifier, shared.Owned = "machine-of-a-friend", false
	w, tv := signing(t, 1, serverOf(t, other, "Second"), away, shared)
	tab := w.Tab()
	tab.Open(page + "/setup")
	begin(tab)
	tab.Wait(uitest.Button("Cancel"))
	confirm(t, tv)
	tab.Wait(uitest.Button("Use Second"))
	looks(tab, "setup-servers")
	tab.Click(uitest.Selector("input[id*='" + w.Plex.URL() + "']"))
	tab.Wait(uitest.Button("Use NAS"))
	tab.Click(uitest.Text("Use another address"))
	tab.Fill(uitest.Selector("#plexsync-own"), strings.Replace(w.Plex.URL(), "127.0.0.1", "127.0.0.2", 1))
	tab.Click(uitest.Button("Try it"))
	tab.Wait(uitest.Text("entered"))
	looks(tab, "setup-servers-own")
	w.Inject(uitest.Fault{Mode: "choose-server", Answer: `{"ok":false,"text":"another Plex server answers at this address","changed":false}`, Times: 1})
	tab.Click(uitest.Selector("fieldset.plexsync-picked ~ .plexsync-actions .btn-primary"))
	tab.Wait(uitest.Text("The server was not chosen."))
	looks(tab, "setup-servers-refused")
}

func TestServerThatDoesNotAnswer(t *testing.T) {
	w, tv := signing(t, 1)
	w.Plex.Stop()
	tab := w.Tab()
	tab.Open(page + "/setup?step=server")
	tab.Click(uitest.Button("Sign in again"))
	begin(tab)
	tab.Wait(uitest.Button("Cancel"))
	confirm(t, tv)
	tab.Wait(uitest.Text("No server answers to Stash's computer"))
	if tab.Has(uitest.Button("Use NAS")) {
		t.Error("a server that does not answer can be chosen")
	}
	looks(tab, "setup-server-silent")
	w.Inject(uitest.Fault{Mode: "servers", Answer: `{"state":"ok","text":"this account has no Plex server","remedy":"claim your server in Plex with this account","servers":[]}`})
	tab.Reload()
	tab.Wait(uitest.Text("This account has no Plex server"))
	looks(tab, "setup-server-none")
}

func TestAnotherServerIsAcceptedByName(t *testing.T) {
	w, tv := signing(t, 2)
	w.Stash.SetSettings(stashtest.PluginID, map[string]any{"05plexUrl": w.Plex.URL(), "10plexToken": uitest.Token})
	w.Op("check", nil)
	w.Stash.SetSettings(stashtest.PluginID, map[string]any{})
	w.Plex.SetMachine("the-new-machine")
	tv.SetAccount(accountToken, "alice", serverOf(t, w.Plex, "New NAS"))
	tab := w.Tab()
	tab.Open(page + "/setup")
	begin(tab)
	tab.Wait(uitest.Button("Cancel"))
	confirm(t, tv)
	tab.Click(uitest.Button("Use New NAS"))
	tab.Wait(uitest.Button("Push to New NAS from now on"))
	looks(tab, "setup-server-changed")
	tab.Open(page + "/setup") // it is not forgotten
	tab.Click(uitest.Button("Push to New NAS from now on"))
	tab.Gone(uitest.Button("Push to New NAS from now on"))
	if got := w.Op("run", nil)["server"]; got != "the-new-machine" {
		t.Errorf("server: %v", got)
	}
	looks(tab, "connection-signed-in")
	tab.Click(uitest.Link("Change server or address"))
	tab.Wait(uitest.Button("Use New NAS"))
	looks(tab, "connection-server")
	tab.Back()
	tab.Click(uitest.Button("Sign out"))
	tab.Wait(uitest.Text("Sign out of Plex?"))
	tab.Click(uitest.Selector(".modal .btn-danger")) // it stands still when it can be clicked on
	tab.Wait(uitest.Button("Sign in with Plex"))
	if got := w.Op("account", nil); got["signed_in"] != false {
		t.Errorf("account: %v", got)
	}
}

func TestConnectionOfTheSettings(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	w.Stash.SetSettings(stashtest.PluginID, map[string]any{"05plexUrl": w.Plex.URL(), "10plexToken": uitest.Token, "45excludeTags": "Private"})
	w.Op("check", nil)
	tab := w.Tab()
	tab.Open(page + "/setup")
	tab.Wait(uitest.Button("Move the token out of the settings"))
	if ops := w.Ops(); len(ops) != 2 || !slices.Contains(ops, "account") {
		t.Errorf("operations: %v", ops)
	}
	looks(tab, "connection-settings")
	tab.Click(uitest.Button("Move the token out of the settings"))
	tab.Click(uitest.Selector(".modal .btn-primary"))
	tab.Click(uitest.Button("Empty the two settings"))
	tab.Gone(uitest.Button("Empty the two settings"))
	if got := w.Stash.Settings(stashtest.PluginID); len(got) != 1 || got["45excludeTags"] != "Private" {
		t.Errorf("settings: %v", got)
	}
	if got := w.Op("account", nil); got["source"] != "account" {
		t.Errorf("account: %v", got)
	}
	looks(tab, "connection-adopted")
	w.Inject(uitest.Fault{Mode: "account", Error: "the plugin's own files cannot be read"})
	tab.Reload()
	tab.Wait(uitest.Button("Try again"))
	looks(tab, "connection-failed")
}
