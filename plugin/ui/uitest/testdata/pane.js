// A pane of the scene page.
P.patch.before("ScenePage.Tabs", (p) => [{ ...p, children: h(F, null, p.children, h(B.Nav.Item, null, h(B.Nav.Link, { eventKey: "own-panel" }, "Plex"))) }]);
const when = careful ? { mountOnEnter: true, unmountOnExit: true } : {};
P.patch.before("ScenePage.TabContent", (p) => [{ ...p, children: h(F, null, p.children, h(B.Tab.Pane, { eventKey: "own-panel", ...when }, h(Asks))) }]);
