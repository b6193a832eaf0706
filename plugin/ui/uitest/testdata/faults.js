// A page with everything that the checks of the harness look for.
const open = () => {
  window.opened = window.open("about:blank");
};
P.register.route(PATH, () => h(F, null,
  h("div", { className: "wide", style: { width: 2000, height: 20 } }, "wide"),
  h("div", { style: { width: 60, overflow: "hidden", whiteSpace: "nowrap" } }, "a text that is cut at its side"),
  h("div", { className: "table-responsive" }, h("div", { style: { width: 3000 } }, "a table that scrolls by itself")),
  h("button", { className: "nameless" }, h("span")),
  h("p", { style: { color: "#394b59" } }, "a text that can hardly be read"),
  h("p", { hidden: true }, "tok-0123456789-secret"),
  h("label", null, "Field ", h("input", { type: "text" })),
  h("select", { "aria-label": "Kind" }, h("option", { value: "1" }, "one"), h("option", { value: "2" }, "two")),
  h(B.Button, { onClick: open }, "Open"),
));
