// Places that Stash renders twice.
const entry = h("p", { className: "entry" }, "Tool");
P.patch.before("SettingsToolsSection", (p) =>
  careful && P.React.Children.count(p.children) < 2 ? [p] : [{ ...p, children: h(F, null, p.children, entry) }]);
const item = careful ? h("span", { className: "nav-utility own-item" }, "★") : h("span", { className: "nav-utility own-item" }, h(Asks));
P.patch.before("MainNavBar.UtilityItems", (p) => [{ ...p, children: h(F, null, item, p.children) }]);
