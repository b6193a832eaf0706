import { ApolloClient, HttpLink, InMemoryCache, from, gql, split } from "@apollo/client";
import { onError } from "@apollo/client/link/error";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { getMainDefinition } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";

// base is the path of Stash's root, which differs from "/" behind a proxy with a path prefix.
export const base = document.querySelector("base")?.getAttribute("href") ?? "/";
const url = new URL(base + "graphql", location.origin);

const ended = onError(({ networkError }) => {
  if ((networkError as any)?.statusCode === 401) {
    location.href = base + "login?returnURL=" + encodeURIComponent(location.href);
  }
});

const isSubscription = ({ query }: { query: any }) => {
  const main = getMainDefinition(query);
  return main.kind === "OperationDefinition" && main.operation === "subscription";
};

const socket = new GraphQLWsLink(
  createClient({ url: url.href.replace(/^http/, "ws"), retryAttempts: Infinity, shouldRetry: () => true }),
);

export const client = new ApolloClient({
  link: from([ended, split(isSubscription, socket, new HttpLink({ uri: url.href }))]),
  cache: new InMemoryCache(),
});

// The end of a scan resets the store: a query that waits for its answer is rejected then.
client.subscribe({ query: gql`subscription ScanCompleteSubscribe { scanCompleteSubscribe }` }).subscribe({
  next: () => void client.resetStore(),
});

const job = "id status subTasks description progress addTime error";

// GQL holds the documents that the host page needs and those that plugins may take from it.
export const GQL = {
  ConfigurationDocument: gql`query Configuration { configuration { interface { language } plugins } }`,
  ConfigurePluginDocument: gql`mutation ConfigurePlugin($plugin_id: ID!, $input: Map!) { configurePlugin(plugin_id: $plugin_id, input: $input) }`,
  FindJobDocument: gql`query FindJob($input: FindJobInput!) { findJob(input: $input) { ${job} } }`,
  FindSceneDocument: gql`query FindScene($id: ID!) { findScene(id: $id) { id title details date organized rating100 files { path basename } paths { screenshot } } }`,
  FindScenesDocument: gql`query FindScenes($filter: FindFilterType) { findScenes(filter: $filter) { count scenes { id title files { path basename } paths { screenshot } } } }`,
  JobQueueDocument: gql`query JobQueue { jobQueue { ${job} } }`,
  JobsSubscribeDocument: gql`subscription JobsSubscribe { jobsSubscribe { type job { ${job} } } }`,
  PluginsDocument: gql`query Plugins { plugins { id name description version url enabled requires settings { name display_name description type } paths { javascript css } } }`,
  SetPluginsEnabledDocument: gql`mutation SetPluginsEnabled($enabledMap: BoolMap!) { setPluginsEnabled(enabledMap: $enabledMap) }`,
  StopJobDocument: gql`mutation StopJob($job_id: ID!) { stopJob(job_id: $job_id) }`,
};
