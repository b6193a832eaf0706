package uitest

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// hello is a page with a table, a button that calls an operation, and an entry in the bar.
const hello = `(() => {
	const P = window.PluginApi, h = P.React.createElement, B = P.libraries.Bootstrap;
	const client = () => P.utils.StashService.getClient();
	const OP = P.libraries.Apollo.gql` + "`mutation Op($id: ID!, $args: Map) { runPluginOperation(plugin_id: $id, args: $args) }`" + `;
	function Page() {
		const [text, setText] = P.React.useState("not asked");
		const ask = () => client().mutate({ mutation: OP, variables: { id: "stash-plex-sync", args: { mode: "overview" } }, fetchPolicy: "no-cache" })
			.then((r) => setText(r.data.runPluginOperation === null ? "null" : "answer: " + r.data.runPluginOperation.sentence), (e) => setText("error: " + e.message));
		return h("div", { className: "container" }, h("h2", null, "Plex Sync"),
			h(B.Card, { className: "p-3" }, h("p", { className: "text-muted" }, text), h("div", null, h(B.Button, { size: "sm", onClick: ask }, "Ask"))));
	}
	P.register.route("/plugins/stash-plex-sync", Page);
	P.patch.before("MainNavBar.UtilityItems", (p) => [{ ...p, children: h(P.React.Fragment, null, h(P.libraries.ReactRouterDOM.NavLink, { className: "nav-utility", to: "/plugins/stash-plex-sync" },
		h(B.Button, { className: "minimal d-flex align-items-center h-100", title: "Plex Sync" }, h(P.components.Icon, { icon: P.libraries.FontAwesomeSolid.faArrowsRotate }))), p.children) }]);
})();`

func TestPageOpens(t *testing.T) {
	w := NewWorld(t, 3)
	w.Script(hello)
	tab := w.Tab()
	tab.Open("/plugins/stash-plex-sync")
	tab.Wait(Text("not asked"))
	tab.Click(Button("Ask"))
	tab.Wait(Text("answer: "))
	if got := w.Ops(); len(got) != 1 || got[0] != "overview" {
		t.Errorf("operations: %v", got)
	}
	tab.Shot("page-1280")
	tab.Fits()
	tab.Accessible(".main")
	tab.Clean()
	tab.Size(390)
	tab.Shot("page-390")
	tab.Fits()
}
