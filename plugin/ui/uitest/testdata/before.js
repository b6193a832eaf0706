// What "before" returns.
P.patch.before("MainNavBar.MenuItems", (p) => (careful ? [{ ...p }] : { ...p }));
