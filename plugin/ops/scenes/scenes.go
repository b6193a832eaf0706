// Package scenes holds the operations of the page about one scene: what is in Stash and in Plex, and which Plex item shows
// it. OPERATIONS.md describes each of them.
package scenes

import "github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"

// Operations returns the operations about one scene by their names.
func Operations() map[string]desk.Operation {
	return map[string]desk.Operation{
		"candidates": {Do: candidates, Args: []string{"scene_id", "text"}},
		"forget":     {Do: forget, Args: []string{"scene_id"}},
		"link":       {Do: link, Args: []string{"scene_id", "rating_key", "path"}},
		"pictures":   {Do: pictures, Args: []string{"scene_id", "rating_key"}},
		"scene":      {Do: scene, Args: []string{"scene_id"}},
	}
}
