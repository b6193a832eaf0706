package account

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextv"
)

// pinLasts is how long a sign-in may take at most.
const pinLasts = 30 * time.Minute

// A Desk signs people in. It writes nothing but account.json.
type Desk struct {
	Dir     string                                // the data folder
	Client  func(context.Context) (string, error) // the client identifier of the queue, for the first sign-in
	Version string
	Now     func() time.Time
	TV      func(client string) *plextv.Client // nil: plex.tv
	Plex    func(plexapi.Config) (*plexapi.Client, error)
	// InsecureTLS is the setting: any certificate of Plex is accepted, never another one of plex.tv.
	InsecureTLS bool
	Secret      func(token string) // is told each token that arrives, before anything is shown; may be nil
}

func (d *Desk) secret(token string) {
	if d.Secret != nil {
		d.Secret(token)
	}
}

// NewDesk returns a Desk for a data folder.
func NewDesk(dir, version string, client func(context.Context) (string, error)) *Desk {
	return &Desk{
		Dir: dir, Client: client, Version: version, Now: time.Now, Plex: plexapi.New,
		TV: func(client string) *plextv.Client {
			return plextv.New(plextv.Config{ClientIdentifier: client, Version: version})
		},
	}
}

// The states of a sign-in.
const (
	Pending     = "pending"     // the person has not confirmed yet
	Claimed     = "claimed"     // signed in
	Expired     = "expired"     // took too long
	Replaced    = "replaced"    // somebody else has started another sign-in
	Refused     = "refused"     // plex.tv refuses the account's token
	Slow        = "slow"        // plex.tv did not answer in time
	Limited     = "limited"     // too many requests
	Unreachable = "unreachable" // no way to plex.tv
	Clock       = "clock"       // our clock is wrong
	Odd         = "odd"         // plex.tv answered something unexpected
)

// A State is how far a sign-in has come, with a sentence and what to do next.
type State struct {
	State      string
	Text       string
	Remedy     string
	RetryAfter time.Duration // before the next poll; 0: as usual
	Name       string        // of the account, once claimed
}

// texts are the sentence and the remedy of each state.
var texts = map[string][2]string{
	Pending:     {"waiting for you to confirm the sign-in at Plex", "open the link, sign in, and confirm"},
	Claimed:     {"you are signed in", "choose the server"},
	Expired:     {"the sign-in took too long", "start the sign-in again"},
	Replaced:    {"another sign-in was started after this one", "finish that one, or start again"},
	Refused:     {"plex.tv no longer accepts the sign-in", "sign in again"},
	Slow:        {"plex.tv did not answer in time", "wait; the next look follows by itself"},
	Limited:     {"plex.tv limits the number of requests", "wait a few minutes"},
	Unreachable: {"Stash's computer cannot reach plex.tv", "check its connection to the internet and the proxy in HTTPS_PROXY, or set \"Plex address\" and \"Plex token\" by hand"},
	Clock:       {"the clock of Stash's computer is wrong", "correct the clock, then start the sign-in again"},
	Odd:         {"plex.tv gave an unexpected answer", "try again later, or set \"Plex address\" and \"Plex token\" by hand"},
}

// StateNamed returns a state with its texts.
func StateNamed(state string) State {
	t := texts[state]
	return State{State: state, Text: t[0], Remedy: t[1]}
}

// StateOf returns the state that a failure of plex.tv means; ok is false if err is another error.
func StateOf(err error) (s State, ok bool) {
	e, ok := errors.AsType[*plextv.Error](err)
	if !ok {
		return State{}, false
	}
	s = StateNamed(map[plextv.Class]string{
		plextv.Unreachable: Unreachable, plextv.Slow: Slow, plextv.Clock: Clock, plextv.Limited: Limited,
		plextv.Refused: Refused, plextv.Expired: Expired, plextv.Odd: Odd,
	}[e.Class])
	s.RetryAfter = e.RetryAfter
	if e.Class == plextv.Odd || e.Class == plextv.Unreachable {
		s.Text = e.Error()
	}
	return s, true
}

// A Started is a sign-in that a person has to confirm.
type Started struct {
	Handle  string // for Poll
	Link    string // the page on which the person confirms
	Code    string // to be typed there, if it is a short one
	Expires time.Duration
}

// Start starts a sign-in and ends the one before. A strong one has a link that contains the code; the code of another one
// is short, for a person who types it at plex.tv/link. Its error is one of plextv or of the data folder.
func (d *Desk) Start(ctx context.Context, strong bool) (Started, error) {
	a, err := d.load(ctx)
	if err != nil {
		return Started{}, err
	}
	tv := d.TV(a.Client)
	p, err := tv.NewPin(ctx, strong)
	if err != nil {
		return Started{}, err
	}
	lasts := min(p.Expires, pinLasts)
	if lasts <= 0 {
		lasts = pinLasts
	}
	s := Started{Handle: rand.Text(), Link: plextv.LinkPage, Code: p.Code, Expires: lasts}
	if strong {
		s.Link = tv.SignInPage(p)
	}
	_, err = update(ctx, d.Dir, func(now *Account) error {
		now.Client, now.Pin = a.Client, &Pin{ID: p.ID, Handle: s.Handle, Until: d.Now().Add(lasts)}
		return nil
	})
	return s, err
}

// load reads the account, and takes over the identifier that Plex knows already. Nothing is written to the account.
func (d *Desk) load(ctx context.Context) (Account, error) {
	a, err := Load(d.Dir)
	if _, damaged := errors.AsType[*DamagedError](err); damaged {
		err = nil
	}
	if err == nil && a.Client == "" {
		a.Client, err = d.Client(ctx)
	}
	return a, err
}

// Poll looks whether the person has confirmed, and stores the account's token if so. Polling again after that says so
// again. The error is one of the data folder: what plex.tv answers is in the state.
func (d *Desk) Poll(ctx context.Context, handle string) (State, error) {
	a, err := d.load(ctx)
	switch {
	case err != nil:
		return State{}, err
	case handle != "" && handle == a.Completed:
		return claimed(a), nil
	case a.Pin == nil || handle != a.Pin.Handle:
		return StateNamed(Replaced), nil
	case !d.Now().Before(a.Pin.Until):
		return StateNamed(Expired), d.drop(ctx, handle)
	}
	tv := d.TV(a.Client)
	p, err := tv.Poll(ctx, a.Pin.ID)
	if s, ok := StateOf(err); ok {
		if s.State == Expired {
			err = d.drop(ctx, handle)
			return s, err
		}
		return s, nil
	}
	if err != nil {
		return State{}, err
	}
	if p.Token == "" {
		return StateNamed(Pending), nil
	}
	d.secret(p.Token)
	who, err := tv.Account(ctx, p.Token)
	if e, ok := errors.AsType[*plextv.Error](err); ok && e.Class == plextv.Refused {
		return StateNamed(Refused), d.drop(ctx, handle)
	}
	// After any other failure the name stays unknown: the token was handed out, and says nothing worse of itself.
	late := false
	a, err = update(ctx, d.Dir, func(now *Account) error {
		if late = now.Pin == nil || now.Pin.Handle != handle; !late {
			if now.Server != nil && (who.Name == "" || who.Name != now.Name) {
				now.Server.Apart = true
			}
			now.Token, now.Name, now.Refused, now.Pin, now.Completed = p.Token, who.Name, false, nil, handle
		}
		return nil
	})
	switch {
	case err != nil:
		return State{}, err
	case late && a.Completed != handle:
		return StateNamed(Replaced), nil
	}
	return claimed(a), nil
}

func claimed(a Account) State {
	s := StateNamed(Claimed)
	s.Name = a.Name
	return s
}

// drop ends the sign-in with a handle.
func (d *Desk) drop(ctx context.Context, handle string) error {
	_, err := update(ctx, d.Dir, func(now *Account) error {
		if now.Pin != nil && now.Pin.Handle == handle {
			now.Pin = nil
		}
		return nil
	})
	return err
}
