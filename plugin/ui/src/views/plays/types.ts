import { playsText as say } from "../../text/plays";
import type { Reached, Reason, Time } from "../../types";

export interface Account {
  id: number;
  name: string;
  since?: Time;
}

/** How many plays of an account in a library are in a state. */
export interface Count {
  account: number;
  account_name: string;
  library: string;
  library_name: string;
  state: string;
  linked: boolean;
  plays: number;
  first: Time;
  last: Time;
}

export interface Play {
  viewed_at: Time;
  account: number;
  account_name: string;
  library_name: string;
  scene_id: number;
  title: string;
  state: string;
  attempts: number;
  due_at: Time;
  reason: Reason | null;
}

/** The answer of the operation plays. */
export interface Plays {
  on: boolean;
  whose: string[];
  accounts: Account[];
  why: string;
  last_pull_at: Time;
  counts: Count[];
  items: Play[];
  next: string;
}

/** The answer of the operation pull. */
export interface Pulled extends Record<"noted" | "written" | "skipped" | "refused" | "resumed", number> {
  idle: string;
  stopped: string;
  reason: Reason | null;
}

/** The answer of the operation accounts. */
export interface Accounts {
  plex: Reached;
  accounts: Account[];
}

/** The number of the owner of a Plex server. */
export const OWNER = 1;

export const nameOf = (a: { id: number; name: string }) => a.name || (a.id === OWNER ? say.theOwner : say.account(a.id));

export const sum = (counts: Count[]) => counts.reduce((total, c) => total + c.plays, 0);

/** Counts by their account and library. */
export function groups(counts: Count[]): Count[][] {
  const by = new Map<string, Count[]>();
  for (const c of counts) {
    const key = `${c.account}/${c.library}`;
    by.set(key, [...(by.get(key) ?? []), c]);
  }
  return [...by.values()];
}

/** The first and the last time of counts. */
export function span(counts: Count[]): [Time, Time] {
  const times = (pick: (c: Count) => Time) => counts.map(pick).filter((t): t is string => !!t).sort((a, b) => Date.parse(a) - Date.parse(b));
  const last = times((c) => c.last);
  return [times((c) => c.first)[0] ?? null, last[last.length - 1] ?? null];
}

export const placeOf = (c: Count) => say.inLibrary(nameOf({ id: c.account, name: c.account_name }), c.library_name || say.library(c.library));
