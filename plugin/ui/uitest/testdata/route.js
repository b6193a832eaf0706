// An exception in the own route.
P.register.route(PATH, () => guard(h(Boom)));
