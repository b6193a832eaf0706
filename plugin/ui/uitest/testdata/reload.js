// A script that an update has replaced.
P.register.route(PATH, () => h("p", null, "version " + version));
