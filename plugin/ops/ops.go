// Package ops lists the operations of the page: what it shows, and what a person does there. OPERATIONS.md describes each
// of them. Operations that read change nothing, and no operation waits for a run.
package ops

import (
	"maps"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/queue"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/scenes"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/setup"
)

// All returns the operations by their names, which are values of args.mode.
func All() map[string]desk.Operation {
	all := make(map[string]desk.Operation)
	for _, some := range parts() {
		maps.Copy(all, some)
	}
	return all
}

// parts returns the operations of each package.
func parts() []map[string]desk.Operation {
	return []map[string]desk.Operation{queue.Operations(), plays.Operations(), scenes.Operations(), setup.Operations()}
}
