// A script that runs twice, as with two copies of a plugin.
if (!careful || !window.ownMarker) {
  window.ownMarker = true;
  P.register.route(PATH, () => h("p", { className: "own-page" }, "the page"));
}
