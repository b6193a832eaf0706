package main

// pagesReports covers the stored reports of the three tasks, and the restore that names one of them.
func (g *golden) pagesReports() {
	g.Helper()
	for _, args := range [][]any{{"preview"}, {"gaps"}, {"restore", "dry_run", true}} {
		c, err := g.call(g.context(), arguments(args[0].(string), append(args[1:], "task", "yes")))
		g.must(err)
		if c.Error != "" {
			g.Errorf("%v: %s", args, c.Error)
		}
	}
	g.want("page-reports", "reports")
	g.want("page-report", "report", "kind", "gaps", "limit", 2)
	g.want("page-report-preview", "report", "kind", "preview", "rows", "would_change", "limit", 1)
	g.want("page-report-reason", "report", "kind", "preview", "rows", "not_found", "limit", 1)
	g.want("page-report-restore", "report", "kind", "restore", "limit", 1)
	g.want("page-report-bad", "report", "kind", "all")
	g.want("page-report-none", "report", "id", 1)
	g.want("gaps-as-operation", "gaps")
	g.want("restore-dry-run", "restore", "scene_id", plain, "dry_run", true)
	g.want("restore-unconfirmed", "restore", "confirm", 1)
}
