package plays

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Whose lists Plex accounts by name or id. Their plays are imported; with an empty list nothing is.
type Whose []string

// Owner stands for the owner of the server in a Whose.
const Owner = "on"

// IsOwner reports whether only the plays of the owner are imported.
func (w Whose) IsOwner() bool { return len(w) == 1 && strings.EqualFold(w[0], Owner) }

// resolved is what Plex said about its accounts when it was last asked.
type resolved struct {
	Whose    []string       `json:"whose"`
	Accounts []int          `json:"accounts"` // that Whose names
	Names    map[int]string `json:"names"`
}

// Names returns the names of the accounts of a server as they are known without asking Plex.
func Names(ctx context.Context, db *store.Store, server string) (map[int]string, error) {
	stored, _, err := db.Meta(ctx, keyAccounts+server)
	var known resolved
	_ = json.Unmarshal([]byte(stored), &known) // without them the numbers are shown
	return known.Names, err
}

// accounts returns the ids of the chosen accounts, or why they are not known. Nothing is imported for anybody as long as one
// is not known. Plex is asked when the setting has changed, and once a day; for the owner alone only with ask.
func (p *Puller) accounts(ctx context.Context, ask bool) (ids []int, why string, err error) {
	if p.Whose.IsOwner() && !ask {
		return []int{plexapi.OwnerAccount}, "", nil
	}
	stored, at, err := p.Store.Meta(ctx, keyAccounts+p.Server)
	if err != nil {
		return nil, "", err
	}
	var known resolved
	now := time.Now()
	if !ask && json.Unmarshal([]byte(stored), &known) == nil && slices.Equal(known.Whose, p.Whose) && !at.After(now) && now.Sub(at) < farEvery {
		return known.Accounts, "", nil
	}
	var list []plexapi.Account
	err = p.ask(ctx, func(ctx context.Context) (err error) {
		list, err = p.Plex.Accounts(ctx)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if ids, why = Resolve(p.Whose, list); p.Whose.IsOwner() {
		ids = []int{plexapi.OwnerAccount}
	} else if why != "" {
		return nil, why, nil
	}
	known = resolved{p.Whose, ids, make(map[int]string)}
	for _, a := range list {
		known.Names[int(a.ID)] = text.OneLine(a.Name, text.ValueLimit)
	}
	value, err := json.Marshal(known)
	if err != nil {
		return nil, "", err
	}
	return ids, "", p.Store.SetMeta(ctx, now, keyAccounts+p.Server, string(value))
}

// Resolve returns the ids of accounts by their names or ids, in order, or why one is not known.
func Resolve(whose Whose, list []plexapi.Account) (ids []int, why string) {
	for _, name := range whose {
		var fit []int
		for _, a := range list {
			if strings.EqualFold(a.Name, name) || strconv.FormatInt(a.ID, 10) == name || strings.EqualFold(name, Owner) && a.ID == plexapi.OwnerAccount {
				fit = append(fit, int(a.ID))
			}
		}
		switch len(fit) {
		case 1:
			ids = append(ids, fit[0])
		case 0:
			return nil, fmt.Sprintf("no plays are imported: Plex has no account \"%s\"; its accounts are %s. Correct \"Import plays\" (plays)", text.Private(text.OneLine(name, text.ValueLimit)), names(list))
		default:
			return nil, fmt.Sprintf("no plays are imported: several Plex accounts are named \"%s\"; write the id instead: %s. Correct \"Import plays\" (plays)", text.Private(text.OneLine(name, text.ValueLimit)), names(list))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), ""
}

// names lists accounts with their ids.
func names(list []plexapi.Account) string {
	const most = 20
	var words []string
	for _, a := range list[:min(len(list), most)] {
		words = append(words, fmt.Sprintf("%s (%d)", text.Private(text.OneLine(cmp.Or(a.Name, "no name"), text.ValueLimit)), a.ID))
	}
	if len(list) > most {
		words = append(words, "…")
	}
	return strings.Join(words, ", ")
}
