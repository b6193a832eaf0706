// Parts of Bootstrap that keep the colours of a light page, and words that cannot be read.
const Naive = () => h(F, null,
  h(B.Alert, { variant: "warning", className: "look" }, "Alert"),
  h(B.ListGroup, null, h(B.ListGroup.Item, { className: "look" }, "Item")),
  h("div", { className: "progress look" }, " "),
  h("p", { className: "faint text-secondary" }, "Secondary"),
  h("p", { className: "faint text-dark" }, "Dark"));
const Careful = () => h(F, null,
  h(B.Card, { className: "look" }, "Card"),
  h(B.Modal.Body, { className: "look" }, "Modal"),
  h("p", { className: "faint text-muted" }, "Muted"));
P.register.route(PATH, careful ? Careful : Naive);
