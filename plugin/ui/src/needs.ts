import { ID } from "./host";
import type { Pulse } from "./types";

// How many things need a person, as the page knew it last. The icon in Stash's bar shows it without asking the plugin.

const KEY = ID + ".needs";
const CHANGED = ID + "-needs";

interface Needs {
  n: number;
  at: number; // when it was known, in milliseconds
}

let own: Needs = { n: 0, at: 0 }; // what this window knows, for a browser that refuses to store anything

export function readNeeds(): Needs {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "");
    return { n: Number(stored.n) || 0, at: Number(stored.at) || 0 };
  } catch {
    return own;
  }
}

export function writeNeeds(n: number) {
  own = { n, at: Date.now() };
  try {
    localStorage.setItem(KEY, JSON.stringify(own));
  } catch {
    // Other windows do not learn it.
  }
  window.dispatchEvent(new Event(CHANGED));
}

/**
 * Dead letters, and what keeps everything from being pushed. A pause needs nobody: a person has chosen it. Nor does a Plex
 * that is off: it is tried again.
 */
export const needsOf = (p: Pulse) => p.queue.dead + (!p.configured || p.problem || (p.stopped && p.reachable !== false) ? 1 : 0);

/** Calls a function when the number changes, in this tab or another one. */
export function onNeeds(f: () => void): () => void {
  window.addEventListener("storage", f);
  window.addEventListener(CHANGED, f);
  return () => {
    window.removeEventListener("storage", f);
    window.removeEventListener(CHANGED, f);
  };
}
