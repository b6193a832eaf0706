package main

// pages calls the operations of the page after the first run. Each answer is an example in plugin/OPERATIONS.md.
func (g *golden) pages() {
	g.Helper()
	g.want("page-activity", "activity", "limit", 2)
	g.want("page-activity-failed", "activity", "outcome", "retry")
	g.want("page-activity-bad", "activity", "limit", 1000)
	g.pagesOverview()
	g.pagesScene()
	g.pagesCandidates()
	g.pagesLists()
}
