// A request to Plex.
const Look = () => {
  const [text, setText] = P.React.useState("looking");
  P.React.useEffect(() => {
    const asked = careful ? op("overview") : fetch(plex + "/identity");
    asked.then(() => setText("reached"), (e) => setText("blocked: " + e.message));
  }, []);
  return h("p", null, text);
};
P.register.route(PATH, Look);
