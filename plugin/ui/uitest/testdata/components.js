// A component that exists only after a chunk has been loaded.
const Careful = () => {
  const loading = P.hooks.useLoadComponents([P.loadableComponents.Settings]);
  return loading ? h("p", null, "loading") : h(P.components.Setting, { heading: "a setting" });
};
P.register.route(PATH, () => (careful ? h(Careful) : h(Guard, null, h(P.components.Setting, { heading: "a setting" }))));
