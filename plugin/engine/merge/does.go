package merge

import (
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// What a plan does with a field.
const (
	Nothing  = "none"
	Writes   = "write"   // sets or clears a value, adds or removes names of a list
	Restores = "restore" // puts the value and the lock back that Plex had before our first write
	Locks    = "lock"    // only locks the field: Plex shows the desired value already
	Unlocks  = "unlock"
	Keeps    = "keep"  // a person edited it in Plex
	Leaves   = "leave" // Plex has refused this value before
)

// Does returns what the plan does with a field by Plex's name, a picture included.
func (p *Plan) Does(plex string) string {
	name := SettingName(plex)
	changes := slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Field == name })
	_, refused := p.Base.Rejected[plex]
	switch {
	case p.restored[plex]:
		return Restores
	case changes:
		return Writes
	case slices.Contains(p.Edit.Lock, plex):
		return Locks
	case slices.Contains(p.Edit.Unlock, plex):
		return Unlocks
	case slices.Contains(p.Kept, plex):
		return Keeps
	case refused:
		return Leaves
	}
	return Nothing
}

// A Row is what a person may know about a Plex field.
type Row struct {
	Name string // in the settings
	Plex string // Plex's name of the field and its lock
	List bool   // its value is a list of names
	Lock bool   // Plex can lock it

	Picture bool // its value is the address of the picture that Plex shows
}

// Rows returns the fields in display order, each field of Plex once. Items of the type lack some of them.
func Rows(t plexapi.ItemType) []Row {
	var rows []Row
	for _, f := range table {
		if !Lacks(t, f.Plex) && !slices.ContainsFunc(rows, func(r Row) bool { return r.Plex == f.Plex }) {
			rows = append(rows, Row{f.Name, f.Plex, f.kind == tagsKind, f.kind != ratingKind, f.kind == pictureKind})
		}
	}
	return rows
}

// Pushed reports whether a Plex field is one of those that are pushed.
func (f Fields) Pushed(plex string) bool {
	return slices.ContainsFunc(table, func(row field) bool {
		return row.Plex == plex && (row.own && f.ContentRating != "" || f.Has(row.Name))
	})
}
