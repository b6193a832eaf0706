package main

// pagesLists calls the operations that list jobs and dead letters.
func (g *golden) pagesLists() {
	g.Helper()
	g.want("page-jobs", "jobs", "sort", "attempts", "limit", 1)
	g.want("page-jobs-class", "jobs", "class", "not_found", "state", "waiting")
	g.want("page-jobs-text", "jobs", "text", "clip")
	g.want("page-jobs-bad", "jobs", "cursor", "x")
	g.want("page-dead-letters", "dead-letters", "class", "rejected", "sort", "attempts", "limit", 1)
}

// listChanges calls the operations that change rows of these lists.
func (g *golden) listChanges() {
	g.Helper()
	g.bulk("Last but one", plain, absent, failing)
	g.sql(`UPDATE job SET due_at = due_at + 60000, attempts = 1, last_error_class = 'temporary', last_error = 'Plex answered 500'`)
	g.want("page-postpone", "postpone", "scene_ids", []any{plain, 4711}, "minutes", 5)
	g.want("page-postpone-bad", "postpone", "list", "jobs", "minutes", 60)
	g.want("page-retry", "retry", "list", "jobs", "state", "waiting", "class", "temporary")
	g.want("page-remove", "remove", "scene_ids", []any{absent, failing})
	g.want("page-remove-list", "remove", "list", "jobs", "state", "due")
	g.want("page-remove-stale", "remove", "list", "jobs", "confirm", "1700000000/3/jobs//")
}
