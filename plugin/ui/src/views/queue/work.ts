import { operation } from "../../api";
import { useRef, useState, useToast } from "../../host";
import { useLive } from "../../live";
import { useMounted } from "../../parts/act";
import { queue as queueText } from "../../text/queue";
import type { Changed, Mode, Target } from "./types";

const say = queueText;

/** Changes rows of the queue, a whole list in as many calls as it takes. */
export interface Work {
  /** How many rows are done; null while nothing is at work. */
  done: number | null;
  stop: () => void;
  run: (mode: Mode, target: Target, more?: object) => Promise<void>;
}

/** then is called when rows may have changed. */
export function useWork(then: () => void): Work {
  const toast = useToast();
  const { refresh } = useLive();
  const mounted = useMounted();
  const [done, setDone] = useState<number | null>(null);
  const last = useRef(Promise.resolve());
  const asked = useRef(new Set<string>());
  const stopping = useRef(false);

  // Changes follow each other. One that waits or is at work is not asked for twice.
  const run = (mode: Mode, target: Target, more: object = {}) => {
    const key = JSON.stringify([mode, target]);
    if (asked.current.has(key)) return last.current;
    asked.current.add(key);
    return (last.current = last.current.then(() => change(mode, target, more)).then(() => void asked.current.delete(key)));
  };
  const change = async (mode: Mode, target: Target, more: object) => {
    stopping.current = false;
    const sum: Changed = { changed: 0, missing: 0, next: "", run_follows: true };
    setDone(0);
    try {
      do {
        const a = await operation<Changed>(mode, { ...target, ...more, cursor: sum.next });
        if (a.stopped) throw new Error(sum.changed ? a.stopped : say.stoppedBy(a.stopped));
        Object.assign(sum, { changed: sum.changed + a.changed, missing: a.missing, next: a.next, run_follows: a.run_follows });
        if (mounted.current) setDone(sum.changed);
        // Who has left the list cannot see what goes on, nor stop it.
      } while (sum.next && !stopping.current && mounted.current);
      toast.success(outcome(mode, sum));
    } catch (e) {
      toast.error(sum.changed ? new Error(`${say.ended(sum.changed)} ${(e as Error).message}`) : e);
    }
    refresh();
    if (!mounted.current) return; // the list may be empty now
    setDone(null);
    then();
  };
  return { done, run, stop: () => (stopping.current = true) };
}

function outcome(mode: Mode, a: Changed): string {
  if (a.next) return say.ended(a.changed);
  return [
    a.changed ? say.done[mode](a.changed) : a.missing ? "" : say.nothing[mode],
    a.missing ? say.missing(a.missing) : "",
    mode === "retry" && a.changed && !a.run_follows ? say.noRun : "",
  ]
    .filter(Boolean)
    .join(" ");
}
