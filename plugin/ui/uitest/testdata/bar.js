// An exception in the bar.
P.patch.before("MainNavBar.UtilityItems", (p) => [{ ...p, children: h(F, null, guard(h(Boom)), p.children) }]);
