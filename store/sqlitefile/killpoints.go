//go:build killpoints

package sqlitefile

import "github.com/stash-plex-sync/stash-plex-sync/store/internal/killpoints"

func init() { driverName = killpoints.Wrap(driverName) }
