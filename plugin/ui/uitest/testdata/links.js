// The path of the own route.
P.register.route(careful ? PATH : "/plugin/" + ID, () => h("p", null, "the page"));
P.patch.before("MainNavBar.MenuItems", (p) => [{ ...p, children: h(F, null, p.children, h(P.libraries.ReactRouterDOM.Link, { to: careful ? PATH : "/plugin/" + ID }, "Own page")) }]);
