import type { Breaker, Paused, Pulse, QueueState, Reason, Time } from "../../types";

export interface Coverage {
  scenes: number | null; // null if Stash does not answer
  in_plex: number;
  up_to_date: number;
  pending: number;
  not_found: number;
  dead: number;
  restored: number;
  left_out: { total: number; by_reason: Record<string, number> };
  never_pushed: number | null;
  deleted: number;
}

export interface PlexState {
  reachable: boolean | null;
  last_success_at: Time;
  last_failure_at: Time;
  last_error: string;
  address: string;
  name: string;
  version: string;
  latency_ms: number | null;
  libraries: { id: string; title: string; files: number; capped: boolean; indexed_at: Time }[];
  others: string[];
}

export interface Outage {
  started_at: Time;
  ended_at: Time;
  cause: string;
}

/** What happened between two midnights UTC. */
export interface Day {
  date: string;
  pushed: number;
  failed: number;
  dead: number;
  down_ms: number;
}

/** The answer of the operation overview, as far as it is not in Pulse. */
export interface Summary {
  stopped: Reason | null;
  paused: Paused | null;
  run: Pulse["run"];
  queue: QueueState;
  breaker: Breaker;
  coverage: Coverage;
  plex: PlexState;
  outages: Outage[];
  days: Day[];
}
