package main

func (g *golden) pagesOverview() {
	g.Helper()
	g.want("page-overview", "overview", "days", 2)
	g.want("page-overview-bad", "overview", "days", 401)
}
