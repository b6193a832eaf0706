// The events of the queue, and starting and stopping a task.
const EVENTS = gql`subscription Events { jobsSubscribe { type job { id status progress description error } } }`;
const TASK = gql`mutation Task($id: ID!, $name: String, $args: Map) { runPluginTask(plugin_id: $id, task_name: $name, args_map: $args) }`;
const STOP = gql`mutation Stop($id: ID!) { stopJob(job_id: $id) }`;
const Events = () => {
  const [seen, setSeen] = P.React.useState([]);
  const job = P.React.useRef();
  P.React.useEffect(() => {
    const events = client().subscribe({ query: EVENTS }).subscribe({
      next: ({ data: { jobsSubscribe: e } }) => setSeen((old) => (e.job.progress > 0 && e.type === "UPDATE" ? old : [...old, e.type + " " + e.job.status])),
    });
    return () => events.unsubscribe();
  }, []);
  const start = () => {
    setSeen([]);
    client().mutate({ mutation: TASK, variables: { id: ID, name: "Sync all scenes", args: {} } }).then((r) => (job.current = r.data.runPluginTask));
  };
  const stop = () => client().mutate({ mutation: STOP, variables: { id: job.current } });
  return h(F, null, h(B.Button, { onClick: start }, "Start"), h(B.Button, { onClick: stop }, "Stop"), h("p", null, seen.join(", ")));
};
P.register.route(PATH, Events);
