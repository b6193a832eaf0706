import { words as wordsText } from "../text/words";
import type { Reason } from "../types";

const { causes, triggers, fields, rules } = wordsText;

/** Why a scene waits or needs a look, in a few words. */
export const causeOf = (class_: string, reason?: Reason | null) => causes[reason?.code ?? ""] ?? causes[class_] ?? class_.replace(/_/g, " ");

/** Why a scene was queued. */
export const triggerOf = (trigger: string) => triggers[trigger] ?? trigger;

/** How an item was found, to follow "Matched". */
export const ruleOf = (rule: string) => rules[rule] ?? rule;

/** The names of fields, as one text. */
export const fieldsOf = (names: string[]) => names.map((n) => fields[n] ?? n).join(", ");

/** A number that stops at a limit of the plugin. */
export const counted = (n: number, capped?: boolean) => n.toLocaleString() + (capped && n >= 10000 ? "+" : "");

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** A size of a file as people read it. */
export function sizeOf(bytes: number): string {
  let i = 0;
  for (; bytes >= 1000 && i < UNITS.length - 1; i++) bytes /= 1000;
  return bytes.toLocaleString(undefined, { style: "unit", unit: UNITS[i], maximumFractionDigits: i > 2 ? 1 : 0 } as object);
}

/** A text of the plugin as a sentence. */
export const sentence = (text: string) => text && text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
