import { OWN } from "./api";
import { client, gql } from "./host";

/** A job of Stash's queue. */
export interface Job {
  id: string;
  status: "READY" | "RUNNING" | "STOPPING" | "FINISHED" | "CANCELLED" | "FAILED";
  description: string;
  progress: number | null;
  error?: string | null;
}

const JOBS = gql`
  query PlexSyncJobs {
    jobQueue {
      id
      status
      description
      progress
    }
  }
`;
const EVENTS = gql`
  subscription PlexSyncJobEvents {
    jobsSubscribe {
      type
      job {
        id
        status
        description
        progress
        error
      }
    }
  }
`;

// Stash's names of the tasks that a click in Settings > Tasks starts.
const TASKS =
  /^Running plugin task: (Stash Plex Sync: .*|Preview changes|Sync all scenes|Sync recent scenes|Process queue|Compare Stash and Plex|Retry dead letters|Rebuild Plex index|Clear dead letters|Clear queue|Restore Plex metadata|Import plays|Undo imported plays|Check connection|Queue status)$/;

/** Whether a job is one of the plugin's. Stash does not say which plugin a job belongs to, only its description. */
export const isOwn = (job: Job) => TASKS.test(job.description);

/** The name of an own job as people know it. */
export function nameOf(job: Job): string {
  const name = job.description.replace("Running plugin task: ", "").replace(OWN, "");
  return name[0].toUpperCase() + name.slice(1);
}

type Listener = (job: Job, over: boolean) => void;
const listeners = new Set<Listener>();
let subscription: { unsubscribe(): void } | undefined;
let retry: number | undefined;

function subscribe() {
  // Without events the page is as current as its last answer, and its buttons still work.
  const lost = () => {
    subscription = undefined;
    retry = window.setTimeout(subscribe, 60000);
  };
  clearTimeout(retry);
  subscription ??= client()
    .subscribe({ query: EVENTS })
    .subscribe({
      next: (r: any) => {
        const event = r.data?.jobsSubscribe;
        if (event && isOwn(event.job)) for (const tell of [...listeners]) tell(event.job, event.type === "REMOVE");
      },
      error: lost,
      complete: lost,
    });
}

/**
 * Calls a function for each change of an own job, over being its end, until the returned function is called. All
 * listeners share one subscription, which uses the websocket that Stash has open anyway.
 */
export function onJob(f: Listener): () => void {
  listeners.add(f);
  subscribe();
  return () => {
    listeners.delete(f);
    if (listeners.size === 0) {
      clearTimeout(retry);
      subscription?.unsubscribe();
      subscription = undefined;
    }
  };
}

/** The jobs in Stash's queue now; null if Stash does not answer. */
async function queue(): Promise<Job[] | null> {
  try {
    const r: any = await client().query({ query: JOBS, fetchPolicy: "no-cache" });
    return r.data.jobQueue ?? [];
  } catch {
    return null; // the end of a scan resets Stash's store and rejects queries; events of the jobs still come
  }
}

/** The own jobs in Stash's queue now; null if Stash does not answer. */
export const ownJobs = async () => (await queue())?.filter(isOwn) ?? null;

/** The name of the job that Stash works on now, of whatever kind; "" if there is none. */
export async function jobAtWork(): Promise<string> {
  const job = (await queue())?.find((j) => j.status !== "READY");
  return job ? (isOwn(job) ? nameOf(job) : job.description) : "";
}
