import type { Reached, Time } from "../../types";

export interface Account {
  source: "settings" | "account" | "none";
  address: string;
  problem: string;
  signed_in: boolean;
  name: string;
  refused: boolean;
  pending: boolean;
  server: { machine_id: string; name: string; address: string; others: string[] } | null;
  can_adopt: boolean;
  can_empty: boolean;
  is_exposed: boolean;
}

export interface SignInState {
  state: "pending" | "claimed" | "expired" | "replaced" | "refused" | "clock" | "slow" | "limited" | "unreachable" | "odd";
  text: string;
  remedy: string;
  retry_after: number;
  handle: string;
  link: string;
  code: string;
  expires: number;
  name: string;
}

export interface Tried {
  address: string;
  local: boolean;
  relay: boolean;
  own: boolean;
  ok: boolean;
  latency_ms: number;
  problem: string;
}

export interface Server {
  machine_id: string;
  name: string;
  version: string;
  owned: boolean;
  present: boolean;
  problem: string;
  best: string;
  addresses: Tried[];
}

export interface Servers {
  state: string;
  text: string;
  remedy: string;
  servers: Server[];
}

export interface Choice {
  ok: boolean;
  text: string;
  changed: boolean;
}

export interface Check {
  name: string;
  ok: boolean;
  detail: string;
  hint: string;
  code: string;
  reason: { code: string; remedy: string } | null;
}

export interface CheckAnswer {
  checks: Check[];
  server: { id: string; name: string } | null;
  known_server: string;
}

export interface Library {
  id: string;
  title: string;
  type: string;
  online: boolean;
  meaning: string;
  size: number | null;
  chosen: boolean;
  why: string;
}

export interface Libraries {
  libraries: Library[] | null;
  plex: Reached;
  looked: number;
  matched: number;
  samples: { scene_id: number; path: string; rule: string; why?: string }[];
  problem: Check | null;
}

export interface PreviewReport {
  state: "none" | "running" | "done" | "stopped";
  stopped: string;
  finished_at: Time;
  counts: Record<string, number>;
  rows: { scene_id: number; title: string; details: { items?: { changes?: { field: string; from: unknown; to: unknown }[] }[] } }[];
}
