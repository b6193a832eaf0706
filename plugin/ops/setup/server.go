package setup

import (
	"context"
	"errors"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// AcceptReport says to which server scenes are pushed from now on.
type AcceptReport struct {
	Server Server `json:"server"`
	Before string `json:"before"` // the machine identifier until now; "" if there was none
}

// Server is a Plex server.
type Server struct {
	ID      string `json:"id"`
	Name    string `json:"name"` // "" if it is unknown
	Version string `json:"version"`
}

// ServerOf returns the server with an identity and a name, which are cut: they may be those of any server.
func ServerOf(id plexapi.Identity, name string) *Server {
	return &Server{
		ID: text.OneLine(id.MachineIdentifier, text.Limit), Name: text.OneLine(name, text.ValueLimit), Version: text.OneLine(id.Version, text.ValueLimit),
	}
}

func acceptServer(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	id, err := args.Text("server")
	switch {
	case err != nil:
		return nil, err
	case id == "":
		return nil, errors.New("args.server is missing; it must be the machine identifier of the Plex server")
	case d.SettingsErr != nil:
		return nil, d.SettingsErr
	}
	ctx, cancel := context.WithTimeout(ctx, desk.InspectLimit)
	defer cancel()
	plex, err := d.Plex(ctx)
	if err != nil {
		return nil, err
	}
	found, _, err := plex.Probe(ctx) // the token is accepted, too
	if err != nil {
		return nil, err
	}
	if found.MachineIdentifier != id {
		return nil, fmt.Errorf("the Plex server at the saved address is %s, not %s: run check again", text.OneLine(found.MachineIdentifier, text.ValueLimit), desk.Shown(id))
	}
	name, _ := plex.Name(ctx) // it is only shown
	r := AcceptReport{Server: *ServerOf(found, name)}
	if r.Before, _, err = d.Store.Meta(ctx, store.KeyServer); err != nil || r.Before == id {
		return r, err
	}
	return r, d.Store.SetMeta(ctx, d.Now(), store.KeyServer, id)
}
