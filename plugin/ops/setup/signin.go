package setup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// AccountReport is where Plex is and who has signed in. It holds no token.
type AccountReport struct {
	Source    string        `json:"source"` // settings, account, none
	Address   string        `json:"address"`
	Problem   string        `json:"problem"` // why there is no connection; "" if there is one
	SignedIn  bool          `json:"signed_in"`
	Name      string        `json:"name"`    // of the account
	Refused   bool          `json:"refused"` // plex.tv no longer accepts the sign-in
	Pending   bool          `json:"pending"` // a sign-in waits to be confirmed
	Server    *ServerChoice `json:"server"`
	CanAdopt  bool          `json:"can_adopt"`  // adopt-settings would move the settings into the account
	CanEmpty  bool          `json:"can_empty"`  // the settings only repeat what the account has
	IsExposed bool          `json:"is_exposed"` // other users of the machine can read the tokens
}

// ServerChoice is the chosen server.
type ServerChoice struct {
	MachineID string   `json:"machine_id"`
	Name      string   `json:"name"`
	Address   string   `json:"address"`
	Others    []string `json:"others"` // further addresses at which it may answer
}

// accountNow answers from the files alone.
func accountNow(_ context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	a, err := account.Load(d.Account.Dir)
	if _, damaged := errors.AsType[*account.DamagedError](err); err != nil && !damaged {
		return nil, err
	}
	r := AccountReport{
		Source: "none", SignedIn: a.Token != "", Name: a.Name, Refused: a.Refused, IsExposed: account.Risk(d.Account.Dir) != "",
		Pending: a.Pin != nil && d.Now().Before(a.Pin.Until),
	}
	if err != nil {
		r.Problem = err.Error()
	}
	switch c, err := account.Connect(d.Settings, d.Unsigned, a); {
	case err != nil && r.Problem == "":
		r.Problem = err.Error()
	case err != nil:
	case c.URL == "": // Stash did not tell the settings
		r.Problem = fmt.Sprint(d.SettingsErr)
	case c.SignedIn:
		r.Source, r.Address = "account", settings.WithoutSecrets(c.URL)
	default:
		r.Source, r.Address = "settings", settings.WithoutSecrets(c.URL)
		r.CanAdopt, r.CanEmpty = a.Server == nil, a.Server != nil
	}
	if s := a.Server; s != nil {
		r.Server = &ServerChoice{MachineID: s.MachineID, Name: s.Name, Address: settings.WithoutSecrets(s.URL), Others: []string{}}
		for _, one := range s.Addresses {
			if one.URL != s.URL {
				r.Server.Others = append(r.Server.Others, settings.WithoutSecrets(one.URL))
			}
		}
	}
	return r, nil
}

// SignInReport is how far a sign-in has come.
type SignInReport struct {
	State      string `json:"state"`
	Text       string `json:"text"`
	Remedy     string `json:"remedy"`
	RetryAfter int    `json:"retry_after"` // seconds before the next poll
	Handle     string `json:"handle"`      // for pin-poll
	Link       string `json:"link"`
	Code       string `json:"code"`
	Expires    int    `json:"expires"` // seconds from now
	Name       string `json:"name"`    // of the account, once claimed
}

// pollEvery is how often a page polls, in seconds.
const pollEvery = 2

func signInReport(s account.State, handle string) SignInReport {
	return SignInReport{
		State: s.State, Text: s.Text, Remedy: s.Remedy, Handle: handle, Name: s.Name,
		RetryAfter: max(pollEvery, int(s.RetryAfter/time.Second)),
	}
}

func pinStart(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	short, err := args.Yes("short")
	if err != nil {
		return nil, err
	}
	started, err := d.Account.Start(ctx, !short)
	if s, ok := account.StateOf(err); ok {
		return signInReport(s, ""), nil
	}
	if err != nil {
		return nil, err
	}
	r := signInReport(account.StateNamed(account.Pending), started.Handle)
	r.Link, r.Code, r.Expires = started.Link, started.Code, int(started.Expires/time.Second)
	return r, nil
}

func pinPoll(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	handle, err := args.Text("handle")
	if err != nil {
		return nil, err
	}
	if handle == "" {
		return nil, errors.New("args.handle is missing; pin-start returns it")
	}
	s, err := d.Account.Poll(ctx, handle)
	if err != nil {
		return nil, err
	}
	return signInReport(s, handle), nil
}

func signOut(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	if err := account.SignOut(ctx, d.Account.Dir); err != nil {
		return nil, err
	}
	return accountNow(ctx, d, args)
}

// ServersReport lists the servers of the account.
type ServersReport struct {
	State   string        `json:"state"` // ok, signed_out, or a state of a sign-in
	Text    string        `json:"text"`
	Remedy  string        `json:"remedy"`
	Servers []ServerFound `json:"servers"`
}

// ServerFound is a server of the account.
type ServerFound struct {
	MachineID string         `json:"machine_id"`
	Name      string         `json:"name"`
	Version   string         `json:"version"`
	Owned     bool           `json:"owned"`
	Present   bool           `json:"present"`
	Problem   string         `json:"problem"`
	Best      string         `json:"best"` // the address to choose; "" if none answers
	Addresses []AddressTried `json:"addresses"`
}

// AddressTried is an address of a server, as it answers to where Stash runs.
type AddressTried struct {
	Address   string `json:"address"`
	Local     bool   `json:"local"`
	Relay     bool   `json:"relay"`
	Own       bool   `json:"own"`
	OK        bool   `json:"ok"`
	LatencyMS int64  `json:"latency_ms"`
	Problem   string `json:"problem"`
}

func servers(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	own, err := address(args, "address")
	if err != nil {
		return nil, err
	}
	r := ServersReport{State: "ok", Servers: []ServerFound{}}
	found, err := d.Account.Servers(ctx, own)
	if s, ok := account.StateOf(err); ok {
		r.State, r.Text, r.Remedy = s.State, s.Text, s.Remedy
		return r, nil
	}
	switch {
	case errors.Is(err, account.ErrSignedOut):
		r.State, r.Text, r.Remedy = "signed_out", "nobody is signed in", "sign in first"
		return r, nil
	case err != nil:
		return nil, err
	}
	for _, f := range found {
		one := ServerFound{
			MachineID: f.MachineID, Name: f.Name, Version: f.Version, Owned: f.Owned, Present: f.Present, Problem: f.Problem,
			Best: f.Best, Addresses: []AddressTried{},
		}
		for _, t := range f.Addresses {
			one.Addresses = append(one.Addresses, AddressTried{t.URL, t.Local, t.Relay, t.Own, t.OK, t.Latency.Milliseconds(), t.Problem})
		}
		r.Servers = append(r.Servers, one)
	}
	switch {
	case len(r.Servers) == 0:
		r.Text, r.Remedy = "this account has no Plex server", "claim your server in Plex with this account, or sign in with the account that owns it"
	case r.Servers[0].Best == "":
		r.Text, r.Remedy = "no server answers to Stash's computer", "enter the address of Plex as seen from Stash, such as http://192.168.1.5:32400"
	}
	return r, nil
}

// address returns an address of Plex as the settings accept it; "" if it is absent.
func address(args desk.Args, name string) (string, error) {
	given, err := args.Text(name)
	if err != nil || given == "" {
		return "", err
	}
	return settings.Address(given)
}

// ChoiceReport is what became of a choice of a server.
type ChoiceReport struct {
	OK      bool           `json:"ok"`
	Text    string         `json:"text"`    // why not, or what is left to do
	Changed bool           `json:"changed"` // scenes were pushed to another server: accept-server comes first
	Account *AccountReport `json:"account"`
}

func chooseServer(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	machine, err := args.Text("machine_id")
	if err != nil {
		return nil, err
	}
	address, err := address(args, "address")
	if err != nil {
		return nil, err
	}
	if machine == "" || address == "" {
		return nil, errors.New("args.machine_id and args.address are needed; the operation \"servers\" lists both")
	}
	handle, err := args.Text("handle")
	if err != nil {
		return nil, err
	}
	s, err := d.Account.Choose(ctx, machine, address, handle)
	return choice(ctx, d, s, err)
}

func adoptSettings(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	switch {
	case d.Silent():
		return nil, d.SettingsErr
	case d.Settings.PlexURL == "" || d.Settings.PlexToken == "":
		return ChoiceReport{Text: "the settings hold no address and token to move"}, nil
	}
	s, err := d.Account.Adopt(ctx, d.Settings.PlexURL, d.Settings.PlexToken, "")
	return choice(ctx, d, s, err)
}

// choice reports the choice of a server. Whatever Plex or plex.tv answered is the reason why it failed.
func choice(ctx context.Context, d *desk.Desk, s account.Server, err error) (any, error) {
	_, refused := errors.AsType[*account.ChoiceError](err)
	state, tv := account.StateOf(err)
	switch {
	case tv:
		return ChoiceReport{Text: state.Text + "; " + state.Remedy}, nil
	case refused, errors.Is(err, account.ErrSignedOut):
		return ChoiceReport{Text: err.Error()}, nil
	case err != nil:
		return nil, err
	}
	now, err := accountNow(ctx, d, nil)
	if err != nil {
		return nil, err
	}
	report := now.(AccountReport)
	r := ChoiceReport{OK: true, Account: &report}
	before, _, err := d.Store.Meta(ctx, store.KeyServer)
	if r.Changed = before != "" && before != s.MachineID; r.Changed {
		r.Text = "scenes were pushed to another Plex server until now: nothing is pushed to this one before you accept it, on the plugin's page or with the task \"Check connection\""
	}
	return r, err
}
