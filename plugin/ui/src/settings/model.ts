import { Check } from "../check";
import { sentence } from "../parts/words";
import type { Reached } from "../types";

/** One setting, as the operation settings answers it. */
export interface Setting {
  key: string; // under which Stash stores it
  name: string;
  label: string;
  kind: "text" | "secret" | "list" | "pairs" | "fields" | "boolean" | "number";
  value: unknown;
  default: unknown;
  problems: { text: string; remedy: string }[];
}

export interface Pair {
  from: string;
  to: string;
}

export interface Library {
  id: string;
  title: string;
  type: string;
  agent: string;
  online: boolean;
  meaning: string;
  size: number | null;
  chosen: boolean;
  why: string;
}

/** The answer of the operation settings. */
export interface SettingsAnswer {
  settings: Setting[];
  unknown: string[];
  excluded_tags: { count: number; unknown: string[]; problem: string; warnings: string[] } | null;
  libraries: Library[] | null;
  plex: Reached;
}

/** Values that are not saved, by the names of their settings. */
export type Edits = Record<string, unknown>;

export const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

// Quotation marks that the plugin reads around a name with a comma.
const MARKS = ['""', "''", "“”", "„“"];

/** A name as an element of a list: in quotes if it would be read as several names, or without its own quotes. */
export function quote(name: string): string {
  if (!name.includes(",") && !MARKS.some((m) => name.startsWith(m[0]))) return name;
  const free = MARKS.find((m) => !name.includes(m[1]));
  return free ? free[0] + name + free[1] : name;
}

export function unquote(name: string): string {
  const mark = MARKS.find((m) => name.startsWith(m[0]));
  return mark && name.length > 1 && name.indexOf(mark[1], 1) === name.length - 1 ? name.slice(1, -1) : name;
}

/** A name in a form that is equal for all spellings that the plugin takes for the same. */
export const nameKey = (name: string) => name.normalize("NFC").toLowerCase().split(",").map((p) => p.trim().replace(/\s+/g, " ")).join();

export const hasVideos = (l: Library) => l.type === "movie" || l.type === "show";

/** What the setting holds for a library: its title, or its id if the title can mean another library, too. */
export function nameOf(l: Library, all: Library[]): string {
  const key = nameKey(l.title);
  const means = all.filter((o) => o.id === l.title || nameKey(o.title).split(",").includes(key) || nameKey(o.title) === key);
  return means.some((o) => o.id !== l.id) ? l.id : l.title;
}

/** The names of the chosen libraries, and those that Plex does not have. */
function chosenLibraries(names: string[], all: Library[]): string[] {
  if (names.length === 0) return [];
  const known = (n: string) => all.some((l) => l.chosen && (l.id === n || nameKey(l.title) === nameKey(n) || nameKey(l.title).split(",").includes(nameKey(n))));
  return [...all.filter((l) => l.chosen).map((l) => nameOf(l, all)), ...names.map(unquote).filter((n) => !known(n))];
}

/** The value of a setting as its control edits it. A secret has none. */
export function shown(s: Setting, answer: SettingsAnswer): unknown {
  if (s.kind === "secret") return "";
  if (s.kind !== "list") return s.value;
  const names = s.value as string[];
  return s.name === "plexLibraries" && answer.libraries ? chosenLibraries(names, answer.libraries) : names.map(unquote);
}

/** A value as Stash stores it; null if it is the default. */
export function stored(s: Setting, value: any): unknown {
  switch (s.kind) {
    case "list":
      return value.map(quote).join(", ") || null;
    case "pairs":
      return value.filter(filled).map((p: Pair) => `${p.from.trim()} => ${p.to.trim()}`).join("; ") || null;
    case "fields": {
      const usual = s.default as string[];
      const more = value.filter((n: string) => !usual.includes(n)).map((n: string) => "+" + n);
      const less = usual.filter((n) => !value.includes(n)).map((n) => "-" + n);
      return [...more, ...less].join(", ") || null;
    }
    case "boolean":
      return value === s.default ? null : value;
    case "number":
      return value === "" || Number(value) === s.default ? null : Number(value);
  }
  return (value ?? "").trim() || null;
}

const filled = (p: Pair) => p.from.trim() !== "" || p.to.trim() !== "";

/** The largest number that a setting takes; the smallest is 1. */
export const MOST: Record<string, number> = { maxRetries: 100, timeoutSeconds: 600 };

/** What is wrong with a value, as far as the page knows: the key of a text. */
export function wrongWith(s: Setting, value: any): "number" | "pair" | "marks" | "none" | "" {
  const n = Number(value);
  if (s.kind === "number" && value !== "" && !(Number.isInteger(n) && n >= 1 && n <= MOST[s.name])) return "number";
  if (s.kind === "fields" && value.length === 0) return "none";
  if (s.kind !== "pairs") return "";
  const pairs = (value as Pair[]).filter(filled);
  if (pairs.some((p) => !p.from.trim() || !p.to.trim())) return "pair";
  return pairs.some((p) => /;|=>/.test(p.from + p.to)) ? "marks" : "";
}

/** What a check has found, by the settings that it belongs to. */
export interface Found {
  by: Record<string, string>;
  other: Check[]; // problems of no setting that is shown
  stops: boolean; // a changed setting has a problem
  invalid: boolean; // a changed setting cannot be used as it is
  good: string; // what the last check has said if there is no problem
}

// The settings that can be the cause if a check fails. They are checked before they are saved; the others the page knows
// to be right.
const CONNECTION = ["plexUrl", "plexToken", "insecureTLS"];
const CAUSES: Record<string, string[]> = {
  plex: CONNECTION, settings: CONNECTION, libraries: ["plexLibraries", ...CONNECTION], "excluded-tags": ["excludeTags"], "setting-pathMap": ["pathMap"],
};
const CHECKED = Object.values(CAUSES).flat();
export const needsCheck = (edits: Edits) => Object.keys(edits).some((name) => CHECKED.includes(name));

/** Sorts what a check has found. visible are the names of the settings that are shown. */
export function findings(checks: Check[], changes: Record<string, unknown>, visible: string[]): Found {
  const found: Found = { by: {}, other: [], stops: false, invalid: false, good: checks[checks.length - 1]?.detail ?? "" };
  for (const c of checks.filter((one) => !one.ok)) {
    const own = c.code.replace(/^setting-/, "");
    if (/^setting-plex(Url|Token)$/.test(c.code) && !visible.includes(own)) continue; // the sign-in has both
    const causes = CAUSES[c.code] ?? [own];
    const row = causes.find((name) => visible.includes(name) && !CONNECTION.includes(name)) ?? (visible.includes(own) ? own : "");
    const text = c.code.startsWith("setting-") && own !== "pathMap" ? [c.hint] : [c.detail, c.hint];
    if (row) found.by[row] = [found.by[row], ...text.map(sentence)].filter(Boolean).join(" ");
    else found.other.push(c);
    const changed = causes.filter((name) => name in changes);
    found.stops ||= changed.length > 0;
    found.invalid ||= c.code.startsWith("setting-") && own !== "pathMap" && changed.some((name) => changes[name] !== null);
  }
  return found;
}
