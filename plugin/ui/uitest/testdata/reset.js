// A request that is on its way when a scan ends.
const SLOW = gql`query Slow { version { version } }`;
const Reads = () => {
  const [text, setText] = P.React.useState("reading");
  P.React.useEffect(() => {
    const asked = careful ? op("overview") : client().query({ query: SLOW, fetchPolicy: "no-cache" });
    asked.then(() => setText("read"), (e) => setText("rejected: " + e.message));
  }, []);
  return h("p", null, text);
};
P.register.route(PATH, Reads);
