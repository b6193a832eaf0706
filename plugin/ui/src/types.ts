// The answers of the operations, as plugin/OPERATIONS.md describes them. Times are RFC 3339, or null.

export type Time = string | null;

export interface Reason {
  code: string;
  params: Record<string, string>;
  text: string;
  remedy: string;
}

export interface RunReport {
  what: string;
  asked_by: string;
  since: Time;
  step: "" | "listing" | "reading" | "pushing" | "restoring";
  done: number;
  total: number;
  scene_id: number;
  title: string;
  waits_for: "" | "job" | "plex" | "probe";
  waits_until: Time;
}

export interface Paused {
  at: Time;
  by: string;
  until: Time;
}

export interface QueueState {
  due: number;
  waiting: number;
  dead: number;
  capped: boolean;
  next_due_at: Time;
  dead_by_class: Record<string, number>;
}

export interface Breaker {
  state: "closed" | "open" | "half_open";
  consecutive_failures: number;
  opened_at: Time;
  probe_at: Time;
  last_error: string;
}

/** The answer of the operation run. */
export interface Pulse {
  version: string;
  run: RunReport | null;
  revision: number;
  other_revision: number;
  configured: boolean;
  problem: string;
  stopped: Reason | null;
  paused: Paused | null;
  queue: QueueState;
  breaker: Breaker;
  reachable: boolean | null;
  last_error: string;
  name: string;
  server: string;
}

/** Whether an operation that asks Plex or Stash got an answer. */
export interface Reached {
  reachable: boolean;
  why: string;
  reason: Reason | null;
}
