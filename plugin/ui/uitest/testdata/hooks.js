// Hooks of Stash outside of its components and its settings.
const Settings = () => (careful ? "inside" : Object.keys(P.hooks.useSettings()).join());
const Toasts = () => {
  const toast = P.hooks.useToast();
  return h(B.Button, { onClick: () => toast.success("Saved") }, "Save");
};
if (!careful) P.hooks.useToast();
P.register.route(PATH, () => h(F, null, h(Toasts), h("p", null, h(Settings))));
