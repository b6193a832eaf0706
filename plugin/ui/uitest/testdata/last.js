// The last argument of "instead" and "after".
P.patch.instead("StringSetting", function (props, next) {
  const go = careful ? arguments[arguments.length - 1] : next;
  return go({ ...props, heading: "Patched " + props.heading });
});
P.patch.after("PluginSettings", function (props, result) {
  return h(F, null, h("p", null, "above the settings"), careful ? arguments[arguments.length - 1] : result);
});
