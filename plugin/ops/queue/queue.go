// Package queue holds the operations of the page about the queue: how things stand, what is queued, what happened lately,
// and what a person changes there. OPERATIONS.md describes each of them.
package queue

import "github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"

// Operations returns the operations about the queue by their names.
func Operations() map[string]desk.Operation {
	return map[string]desk.Operation{
		"activity":     {Do: activity, Args: []string{"outcome", "scene_id", "before", "limit"}},
		"dead-letters": {Do: deadLetters, Args: []string{"class", "text", "sort", "cursor", "limit"}},
		"jobs":         {Do: jobs, Args: []string{"state", "class", "text", "sort", "cursor", "limit"}},
		"overview":     {Do: overview, Args: []string{"days"}},
		"pause":        {Do: pauseAll, Args: []string{"minutes", "by"}},
		"postpone":     {Do: postpone, Args: []string{"minutes", "scene_ids", "list", "state", "class", "cursor"}},
		"remove":       {Do: remove, Args: []string{"scene_ids", "list", "state", "class", "cursor", "confirm"}},
		"report":       {Do: reportRows, Args: []string{"id", "kind", "rows", "cursor", "limit"}},
		"reports":      {Do: reports},
		"resume":       {Do: resume},
		"retry":        {Do: retryRows, Args: []string{"scene_ids", "list", "state", "class", "cursor"}},
		"run":          {Do: showRun},
		"sync-scenes":  {Do: syncScenes, Args: []string{"scene_ids"}},
		"wake":         {Do: wake},
	}
}
