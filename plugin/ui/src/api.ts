import { client, configurationDocument, gql, ID } from "./host";
import { text } from "./text/common";

/** Why an operation has no answer. */
export class Failure extends Error {
  constructor(
    /** disabled: the plugin is switched off in Stash. silent: Stash itself does not answer. crashed: no answer came. */
    readonly kind: "disabled" | "silent" | "crashed" | "refused",
    readonly title: string,
    readonly text: string,
    /** What was seen of it. */
    readonly why = "",
  ) {
    super(kind === "refused" ? text : `${title}. ${text}` + (why && ` (${why})`)); // a toast has no title
  }
}

const OPERATION = gql`
  mutation PlexSyncOperation($id: ID!, $args: Map) {
    runPluginOperation(plugin_id: $id, args: $args)
  }
`;
const TASK = gql`
  mutation PlexSyncTask($id: ID!, $name: String, $description: String, $args: Map) {
    runPluginTask(plugin_id: $id, task_name: $name, description: $description, args_map: $args)
  }
`;
const STOP = gql`
  mutation PlexSyncStop($id: ID!) {
    stopJob(job_id: $id)
  }
`;
const ENABLE = gql`
  mutation PlexSyncEnable($on: BoolMap!) {
    setPluginsEnabled(enabledMap: $on)
  }
`;
const SETTINGS = gql`
  query PlexSyncSettings($ids: [ID!]) {
    configuration {
      plugins(include: $ids)
    }
  }
`;
const CONFIGURE = gql`
  mutation PlexSyncConfigure($id: ID!, $input: Map!) {
    configurePlugin(plugin_id: $id, input: $input)
  }
`;

/** Whether an error only says that the page gave up waiting for the answer. */
export const isAbort = (e: unknown) => (e as Error)?.name === "AbortError";

function failureOf(e: any): Failure {
  const message = String(e?.message ?? e);
  if (/plugin .* is disabled/.test(message)) return new Failure("disabled", ...text.failure.disabled);
  if (e?.networkError) return new Failure("silent", ...text.failure.silent, message);
  if (/internal system error/i.test(message)) return new Failure("crashed", ...text.failure.missing);
  return new Failure("refused", text.failure.title, message);
}

async function mutate(mutation: any, variables: object, signal?: AbortSignal, more?: object): Promise<any> {
  try {
    const context = signal && { fetchOptions: { signal } };
    return (await client().mutate({ mutation, variables, fetchPolicy: "no-cache", context, ...more })).data;
  } catch (e) {
    throw signal?.aborted ? new DOMException("", "AbortError") : failureOf(e);
  }
}

/**
 * Calls an operation of the plugin. An aborted one ends its process, so only reading operations get a signal. A missing
 * answer is a Failure, since that is how Stash shows a plugin that has crashed.
 */
export async function operation<T>(mode: string, args?: object, signal?: AbortSignal): Promise<T> {
  const data = await mutate(OPERATION, { id: ID, args: { ...args, mode } }, signal);
  const answer = data?.runPluginOperation;
  if (answer === null || typeof answer !== "object" || Object.keys(answer).length === 0) {
    throw new Failure("crashed", ...text.failure.crashed);
  }
  return answer as T;
}

/** The beginning of the descriptions of all tasks that the page starts. */
export const OWN = "Stash Plex Sync: ";

/**
 * Queues a task of the plugin and returns the id of Stash's job. The description of "Process queue" is the one that the
 * plugin itself uses, so that it counts as a run that others need not ask for.
 */
export async function task(name: string, args?: object): Promise<string> {
  const description = OWN + name[0].toLowerCase() + name.slice(1);
  return (await mutate(TASK, { id: ID, name, description, args: { ...args, task: "yes" } })).runPluginTask;
}

export const stopJob = (id: string) => mutate(STOP, { id });

export const enablePlugin = () => mutate(ENABLE, { on: { [ID]: true } });

/** Reads the stored settings of the plugin, by their keys. They include the token. */
export async function storedSettings(): Promise<Record<string, unknown>> {
  try {
    const r = await client().query({ query: SETTINGS, variables: { ids: [ID] }, fetchPolicy: "no-cache" });
    return (r.data as any).configuration.plugins[ID] ?? {};
  } catch (e) {
    throw failureOf(e);
  }
}

/** The stored settings with changes, by their keys. null removes one. */
export async function settingsWith(changed: Record<string, unknown>): Promise<Record<string, unknown>> {
  const bare = (key: string) => key.replace(/^\d+/, "");
  const names = Object.keys(changed).map(bare);
  const kept = Object.entries(await storedSettings()).filter(([key]) => !names.includes(bare(key))); // a key may lack its number
  return Object.fromEntries([...kept, ...Object.entries(changed).filter(([, value]) => value !== null)]);
}

/** Saves changed settings. Stash replaces all of them at once, so they are read again right before. null removes one. */
export async function saveSettings(changed: Record<string, unknown>): Promise<void> {
  const input = await settingsWith(changed);
  const shown = configurationDocument();
  // An open Settings page would otherwise write back what it has read before.
  await mutate(CONFIGURE, { id: ID, input }, undefined, { refetchQueries: shown && [shown] });
}
