//go:build killpoints

package store

import "github.com/stash-plex-sync/stash-plex-sync/store/internal/killpoints"

func init() { driverName = killpoints.Wrap(driverName) }
