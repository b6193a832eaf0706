import type { PlexFile } from "../../parts/find";
import type { Reason, Time } from "../../types";

/** A row of the operations jobs and dead-letters. */
export interface Item {
  scene_id: number;
  title: string;
  trigger: string;
  attempts: number;
  misses: number;
  class: string;
  enqueued_at: Time;
  reason: Reason | null;
  state?: "due" | "waiting"; // of a job
  due_at?: Time;
  died_at?: Time; // of a dead letter
  candidates?: PlexFile[];
  candidates_left?: number;
}

/** The answer of jobs or dead-letters. */
export interface List {
  items: Item[];
  next: string;
  counts: { matching: number; capped: boolean; search_capped: boolean };
  max_attempts?: number;
  max_misses?: number;
}

/** What an action changes: the rows of some scenes in a list, or all rows of a part of it. */
export interface Target {
  list: "jobs" | "dead-letters";
  scene_ids?: number[];
  state?: string;
  class?: string;
}

export type Mode = "retry" | "postpone" | "remove";

/** The answer of an operation that changes rows. */
export interface Changed {
  changed: number;
  missing: number;
  next: string;
  run_follows: boolean;
  stopped?: string;
}
