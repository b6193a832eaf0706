// The answers of the operations about one scene.

import type { Play } from "../views/plays/types";
import type { Paused, Reached, Reason, Time } from "../types";

export type Value = string | string[] | null;

export interface Field {
  field: string;
  pushed: boolean;
  stash: Value;
  plex: Value;
  sent?: Value;
  confirmed?: Value;
  normalized?: Value;
  refused?: Value;
  original?: Value;
  locked_before?: boolean;
  locked: boolean | null;
  locked_by_us: boolean;
  kept?: boolean;
  would: "none" | "write" | "lock" | "unlock" | "restore" | "keep" | "leave";
  note?: string;
}

export interface Item {
  rating_key: string;
  library: string;
  path: string;
  rule: string;
  pushed_at: Time;
  restored: boolean;
  absent: boolean;
  fields: Field[];
}

export interface Attempt {
  id: number;
  at: Time;
  outcome: string;
  fields: string[];
  took_ms: number;
  reason: Reason | null;
}

/** The answer of the operation scene. */
export interface Scene {
  scene_id: number;
  title: string;
  state: "synced" | "queued" | "waiting" | "dead" | "skipped" | "unknown";
  job: { due_at: Time; attempts: number; misses: number; unfinished: number; last_error_class: string; last_error: string; last_reason: Reason | null } | null;
  dead_letter: { class: string; error: string; died_at: Time; reason?: Reason } | null;
  paused: Paused | null;
  server: string;
  missing: boolean;
  chosen: string;
  stash: Reached;
  plex: Reached;
  why_not: Reason | null;
  items: Item[];
  attempts: Attempt[];
  plays: Play[];
}

/** The answer of the operation sync-scene. */
export interface Pushed extends Record<"synced" | "unchanged" | "retrying" | "waiting" | "dead" | "gone" | "skipped", number> {
  stopped: string;
  reason?: Reason;
  queued?: boolean;
}

/** The answer of link and of forget. */
export interface Linked {
  run_follows: boolean;
  stopped?: string;
}

/** The answer of restore, and of its dry run. */
export interface Restored {
  restored: number;
  failed: number;
  problems: { reason: string }[];
  report?: number;
  stopped: string;
}

/** The rows of a stored dry run of a restore. */
export interface RestoreReport {
  rows: {
    kind: string;
    details: { rating_key: string; changes?: { field: string; from: string; to: string }[]; unlock?: string[]; kept?: { field: string; why: string }[]; reason?: string };
  }[];
}

interface Picture {
  url: string | null;
  why: string;
}

/** The answer of the operation pictures. */
export type Pictures = Record<"cover" | "poster" | "background", Picture | null>;
