package queue

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/reach"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// PlexState is what is known of the Plex server without asking it.
type PlexState struct {
	Reachable     *bool      `json:"reachable"` // whether the last request was answered; null if there was none
	LastSuccessAt *time.Time `json:"last_success_at"`
	LastFailureAt *time.Time `json:"last_failure_at"`
	LastError     string     `json:"last_error"`
	Address       string     `json:"address"` // of the settings, without secrets
	Name          string     `json:"name"`    // "" if it is unknown
	Version       string     `json:"version"`
	MachineID     string     `json:"machine_id"` // of the server that answered last
	Server        string     `json:"server"`     // the machine id of the server that scenes are pushed to
	LatencyMS     *int64     `json:"latency_ms"` // of the last probe
	Libraries     []Library  `json:"libraries"`
	Others        []string   `json:"others"` // if it did not answer the last request: further addresses that the sign-in knows
}

// Library is one library in the index.
type Library struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Files     int        `json:"files"`
	Capped    bool       `json:"capped"` // there are more than 10,000 files
	IndexedAt *time.Time `json:"indexed_at"`
}

// librariesShown is how many libraries an overview lists at most.
const librariesShown = 50

// plexState reads what is known of the Plex server.
func plexState(ctx context.Context, d *desk.Desk) (PlexState, error) {
	p := PlexState{Address: settings.WithoutSecrets(d.Where.URL), Libraries: []Library{}, Others: []string{}}
	m, err := reach.Read(ctx, d.Store)
	if err != nil {
		return p, err
	}
	p.LastSuccessAt, p.LastFailureAt, p.LastError = desk.When(m.SuccessAt), desk.When(m.FailureAt), m.Failure
	p.Name, p.Version, p.MachineID = m.Name, m.Version, m.Machine
	if yes, known := m.Reachable(); known {
		if p.Reachable = &yes; !yes {
			p.Others = append(p.Others, d.Where.Others...)
		}
	}
	if m.Latency > 0 {
		ms := m.Latency.Milliseconds()
		p.LatencyMS = &ms
	}
	if p.Server, _, err = d.Store.Meta(ctx, store.KeyServer); err != nil {
		return p, err
	}
	index, err := d.Index(ctx)
	if err != nil {
		return p, err
	}
	readings, err := index.States(ctx, p.Server)
	if err != nil {
		return p, err
	}
	for _, r := range readings[:min(len(readings), librariesShown)] {
		files, err := index.CountFiles(ctx, p.Server, r.Section)
		if err != nil {
			return p, err
		}
		p.Libraries = append(p.Libraries, Library{r.Section, r.Title, files.N, files.Capped, desk.When(r.CompleteAt)})
	}
	return p, nil
}
