// What the scripts of the tests have in common. Each is written twice: in the naive way that suggests itself, and in the
// careful way that works, which the constant "careful" selects.
const P = window.PluginApi, h = P.React.createElement, F = P.React.Fragment, B = P.libraries.Bootstrap, gql = P.libraries.Apollo.gql;
const ID = "stash-plex-sync", PATH = "/plugins/" + ID;
const client = () => P.utils.StashService.getClient();
const OP = gql`mutation Op($id: ID!, $args: Map) { runPluginOperation(plugin_id: $id, args: $args) }`;
const op = (mode, signal) =>
  client().mutate({ mutation: OP, variables: { id: ID, args: { mode } }, fetchPolicy: "no-cache", context: signal ? { fetchOptions: { signal } } : undefined }).then((r) => r.data.runPluginOperation);
class Guard extends P.React.Component {
  constructor(props) {
    super(props);
    this.state = {};
  }
  static getDerivedStateFromError(error) {
    return { error };
  }
  render() {
    return this.state.error ? h("p", null, "guarded: " + this.state.error.message) : this.props.children;
  }
}
const guard = (element) => (careful ? h(Guard, null, element) : element);
const Boom = () => {
  throw new Error("boom");
};
// Asks calls an operation when it is mounted, and shows the answer.
const Asks = () => {
  const [text, setText] = P.React.useState("asking");
  P.React.useEffect(() => {
    const aborted = new AbortController();
    op("overview", aborted.signal).then((a) => setText("answered " + (a === null ? "null" : typeof a)), (e) => aborted.signal.aborted || setText("failed: " + e.message));
    return () => aborted.abort();
  }, []);
  return h("p", { className: "asks" }, text);
};
