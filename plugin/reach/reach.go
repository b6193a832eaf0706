// Package reach remembers when Plex last answered, and what it says about itself.
package reach

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A Memory is what is known of the Plex server since it was first asked.
type Memory struct {
	Machine   string        `json:"machine"` // identifier of the server that last answered
	Version   string        `json:"version"`
	Name      string        `json:"name"`       // "" if it is unknown
	AskedName string        `json:"asked_name"` // identifier of the server that was asked for its name
	Latency   time.Duration `json:"latency"`    // of the last probe
	SuccessAt time.Time     `json:"success_at"` // when Plex last answered; zero: never
	FailureAt time.Time     `json:"failure_at"` // when it last did not; zero: never
	Failure   string        `json:"failure"`
}

// Reachable reports whether Plex answered the last request; known is false if there was none.
func (m Memory) Reachable() (yes, known bool) {
	return m.SuccessAt.After(m.FailureAt), !m.SuccessAt.IsZero() || !m.FailureAt.IsZero()
}

// key is the key of table meta that holds the memory as JSON.
const key = "plex_contact"

// Read returns what is known. A value that cannot be read counts as nothing.
func Read(ctx context.Context, db *store.Store) (m Memory, err error) {
	text, _, err := db.Meta(ctx, key)
	if err != nil || text == "" || json.Unmarshal([]byte(text), &m) != nil {
		return Memory{}, err
	}
	return m, nil
}

// Note stores what a client has seen. Of a server whose name is unknown it asks the name, once, or each time if again is
// true, but not after the end of ctx. It writes nothing if the client has sent nothing.
func Note(ctx context.Context, db *store.Store, plex *plexapi.Client, again bool) error {
	c := plex.Contact()
	if c.SuccessAt.IsZero() && c.FailureAt.IsZero() {
		return nil
	}
	kept := context.WithoutCancel(ctx)
	m, err := Read(kept, db)
	if err != nil {
		return err
	}
	if machine := store.OneLine(c.MachineIdentifier); machine != "" {
		if m.Machine != machine {
			m = Memory{Machine: machine}
		}
		m.Version, m.Latency = c.Version, c.Latency
		switch {
		case c.Name != "": // the client has asked already
			m.AskedName, m.Name = m.Machine, c.Name
		case (m.AskedName != m.Machine || again) && ctx.Err() == nil:
			m.AskedName = m.Machine
			if name, err := plex.Name(ctx); err == nil { // else the page shows the address alone
				m.Name = name
			}
		}
	}
	if !c.SuccessAt.IsZero() {
		m.SuccessAt = c.SuccessAt
	}
	if !c.FailureAt.IsZero() {
		m.FailureAt, m.Failure = c.FailureAt, store.OneLine(c.Failure.Error())
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("cannot remember when Plex answered: %w", err)
	}
	return db.SetMeta(kept, time.Now(), key, string(text))
}
