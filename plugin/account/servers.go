package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextv"
)

const (
	tryLimit  = 5 * time.Second // for all addresses together
	tryAtOnce = 16
	ownAtMost = 5   // typed addresses that are remembered
	tryAtMost = 200 // addresses in all
)

// A Found is a server of the account, with how its addresses answer from where Stash runs.
type Found struct {
	MachineID string
	Name      string
	Version   string
	Owned     bool
	Present   bool   // plex.tv has heard of it lately
	Problem   string // why it cannot be chosen; "" if it can
	Addresses []Tried
	Best      string // the address to choose; "" if none answers
}

// A Tried is an address and how it answered.
type Tried struct {
	Address
	OK      bool
	Latency time.Duration
	Problem string // why not; "" if OK
}

// ErrSignedOut means that nobody has signed in.
var ErrSignedOut = errors.New("you are not signed in: sign in first")

// Servers lists the servers of the account and tries all addresses of those that can be chosen, in parallel and without
// any token. own is another address to try, "" for none. The error is one of plextv, ErrSignedOut, or of the data folder.
func (d *Desk) Servers(ctx context.Context, own string) ([]Found, error) {
	a, list, err := d.list(ctx)
	if err != nil {
		return nil, err
	}
	found, tries := make([]Found, len(list)), 0
	for i := range list {
		s := &list[i]
		found[i] = Found{MachineID: s.MachineID, Name: s.Name, Version: s.Version, Owned: s.Owned, Present: s.Present}
		if !s.Owned {
			found[i].Problem = "it is shared with you: only its owner can change titles and pictures, so the owner has to sign in"
			continue
		}
		for _, one := range addressesOf(a, s, own) {
			if tries++; tries <= tryAtMost {
				found[i].Addresses = append(found[i].Addresses, Tried{Address: one})
			}
		}
	}
	d.try(ctx, a.Client, found)
	for i := range found {
		f := &found[i]
		for _, t := range f.Addresses {
			if t.OK && !t.Relay && f.Best == "" {
				f.Best = t.URL
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int { return rank(a) - rank(b) })
	return found, nil
}

// rank sorts servers: first those that answer, last those that cannot be chosen.
func rank(f Found) int {
	switch {
	case f.Best != "":
		return 0
	case f.Problem == "":
		return 1
	}
	return 2
}

// list reads the servers of the account from plex.tv, and notes if it refuses the account's token.
func (d *Desk) list(ctx context.Context) (Account, []plextv.Server, error) {
	a, err := d.load(ctx)
	if err != nil {
		return a, nil, err
	}
	if a.Token == "" {
		return a, nil, ErrSignedOut
	}
	list, err := d.TV(a.Client).Servers(ctx, a.Token)
	for _, s := range list {
		d.secret(s.Token)
	}
	refused := false
	if e, ok := errors.AsType[*plextv.Error](err); ok {
		refused = e.Class == plextv.Refused
	}
	if refused != a.Refused && (err == nil || refused) {
		_, stored := update(ctx, d.Dir, func(now *Account) error {
			if now.Token == a.Token {
				now.Refused = refused
			}
			return nil
		})
		err = errors.Join(err, stored)
	}
	return a, list, err
}

// addressesOf returns the addresses of a server, the best first: those that a person of this account typed, then those that
// plex.tv knows.
func addressesOf(a Account, s *plextv.Server, own string) []Address {
	var list []Address
	add := func(one Address) {
		if one.URL != "" && !slices.ContainsFunc(list, func(o Address) bool { return same(o.URL, one.URL) }) {
			list = append(list, one)
		}
	}
	add(Address{URL: own, Own: true})
	if a.Server != nil && a.Server.MachineID == s.MachineID && !a.Server.Apart {
		for _, one := range a.Server.Addresses {
			if one.Own && len(list) < ownAtMost {
				add(one)
			}
		}
	}
	for _, one := range s.Addresses() {
		add(Address{URL: one.URL, Local: one.Local, Relay: one.Relay})
	}
	return list
}

// try tries the addresses of all servers at once.
func (d *Desk) try(ctx context.Context, client string, found []Found) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	var all sync.WaitGroup
	slots := make(chan struct{}, tryAtOnce)
	for i := range found {
		for j := range found[i].Addresses {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				d.tryOne(ctx, client, &found[i].Addresses[j], found[i].MachineID)
			})
		}
	}
	all.Wait()
}

// tryOne asks an address which server it is. It sends no token.
func (d *Desk) tryOne(ctx context.Context, client string, t *Tried, machine string) {
	began := d.Now()
	id, err := d.identity(ctx, client, t.URL)
	t.Latency = d.Now().Sub(began)
	switch {
	case err != nil && ctx.Err() != nil:
		t.Problem = "no answer within " + tryLimit.String()
	case err != nil:
		t.Problem = err.Error()
	case id.MachineIdentifier != machine:
		t.Problem = "another Plex server answers there"
	default:
		t.OK = true
	}
}

func (d *Desk) identity(ctx context.Context, client, address string) (plexapi.Identity, error) {
	plex, err := d.Plex(plexapi.Config{URL: address, ClientIdentifier: client, ProductVersion: d.Version, Timeout: tryLimit, InsecureTLS: d.InsecureTLS})
	if err != nil {
		return plexapi.Identity{}, err
	}
	return plex.Identity(ctx)
}

// A ChoiceError says why a server or an address cannot be chosen, which may be what Plex answered.
type ChoiceError struct{ Text string }

func (e *ChoiceError) Error() string { return e.Text }

// Choose makes a server of the account the one to push to, at one of its addresses or at one that a person has typed. It
// stores them only after the address has named the server's identifier without a token, and the server has accepted its
// token. Only who has signed in may type an address, since the server's identifier is no secret and any host could name it:
// handle is that of the sign-in, and other callers need none. The error is a *ChoiceError, one of plextv, ErrSignedOut, or
// of the data folder.
func (d *Desk) Choose(ctx context.Context, machine, address, handle string) (Server, error) {
	a, list, err := d.list(ctx)
	if err != nil {
		return Server{}, err
	}
	i := slices.IndexFunc(list, func(s plextv.Server) bool { return s.MachineID == machine })
	switch {
	case i < 0:
		return Server{}, &ChoiceError{"this server does not belong to the account " + a.Name + ": if it was claimed by another account, sign in with that one"}
	case !list[i].Owned:
		return Server{}, &ChoiceError{fmt.Sprintf("the server %q is shared with you: only its owner can change titles and pictures, so the owner has to sign in", list[i].Name)}
	}
	known := addressesOf(a, &list[i], "")
	own := !slices.ContainsFunc(known, func(one Address) bool { return same(one.URL, address) })
	switch {
	case list[i].Token == "":
		return Server{}, &ChoiceError{fmt.Sprintf("plex.tv gave no token for the server %q: try again later, or set \"Plex address\" and \"Plex token\" by hand", list[i].Name)}
	case own && (handle == "" || handle != a.Completed):
		return Server{}, &ChoiceError{"plex.tv does not know this address of the server, and only who has just signed in may type one: sign in again, then enter it"}
	case own:
		known = append([]Address{{URL: address, Own: true}}, known...)
	}
	s := Server{MachineID: machine, Name: list[i].Name, Token: list[i].Token, URL: address, Addresses: known}
	if err := d.confirm(ctx, a.Client, s, "sign in with the account that owns the server"); err != nil {
		return Server{}, err
	}
	_, err = update(ctx, d.Dir, func(now *Account) error {
		if now.Token != a.Token {
			return &ChoiceError{"somebody has signed in or out meanwhile: choose the server again"}
		}
		now.Server = &s
		return nil
	})
	return s, err
}

// confirm checks that the address leads to the server, then that the server accepts the token. hint is what to do if not; ""
// if the token is that of the settings.
func (d *Desk) confirm(ctx context.Context, client string, s Server, hint string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*tryLimit)
	defer cancel()
	id, err := d.identity(ctx, client, s.URL)
	if err != nil {
		return &ChoiceError{err.Error()}
	}
	if id.MachineIdentifier != s.MachineID {
		return &ChoiceError{fmt.Sprintf("another Plex server answers at this address, not %q: nothing was sent to it and nothing was changed", s.Name)}
	}
	plex, err := d.Plex(plexapi.Config{URL: s.URL, Token: s.Token, MachineID: s.MachineID, TokenHint: hint, ClientIdentifier: client, ProductVersion: d.Version, Timeout: tryLimit, InsecureTLS: d.InsecureTLS})
	if err == nil {
		_, err = plex.Sections(ctx)
	}
	if err != nil {
		return &ChoiceError{err.Error()}
	}
	return nil
}

// Adopt moves an address and a token of the settings into account.json, after the server has accepted them. The settings
// can then be emptied. name is that of the server, if it is known.
func (d *Desk) Adopt(ctx context.Context, address, token, name string) (Server, error) {
	a, err := d.load(ctx)
	if err != nil {
		return Server{}, err
	}
	id, err := d.identity(ctx, a.Client, address)
	if err != nil {
		return Server{}, &ChoiceError{err.Error()}
	}
	s := Server{MachineID: id.MachineIdentifier, Name: name, Token: token, URL: address, Addresses: []Address{{URL: address, Own: true}}, Apart: true}
	if err := d.confirm(ctx, a.Client, s, ""); err != nil {
		return Server{}, err
	}
	_, err = update(ctx, d.Dir, func(now *Account) error {
		now.Client, now.Server = a.Client, &s
		return nil
	})
	return s, err
}
