import { Failure, isAbort, operation } from "./api";
import { React, useCallback, useContext, useEffect, useRef, useState } from "./host";
import { Job, onJob, ownJobs } from "./jobs";
import { needsOf, writeNeeds } from "./needs";
import { useMounted } from "./parts/act";
import type { Pulse } from "./types";

/** What every view knows of the plugin, without asking for it. */
export interface Live {
  pulse: Pulse | null; // null until the first answer
  failure: Failure | null; // of the last question
  /** Own jobs in Stash's queue. */
  jobs: Job[];
  /** Asks again now. */
  refresh: () => void;
}

const Context = React.createContext<Live>({ pulse: null, failure: null, jobs: [], refresh: () => undefined });
export const useLive = () => useContext(Context);

const AFTER_EVENT = 700;
const AT_WORK = 5000;
const WAITING = 60000;
const ATTENDED = 2 * 3600 * 1000;

const works = (j: Job) => j.status === "RUNNING" || j.status === "STOPPING";

/** How long until the plugin is asked again; null: not before something happens. */
export function pauseBefore(p: Pulse | null, jobs: Job[]): number | null {
  if (!p) return null;
  if (jobs.some((j) => works(j) && (p.queue.due > 0 || (j.progress ?? 0) < 1))) return AT_WORK;
  const waits = p.queue.due || p.queue.waiting || p.run || p.paused?.until || p.breaker.state !== "closed" || jobs.length;
  return waits ? WAITING : null;
}

/** Whether work is due that no run has begun. A pause, and Plex's next try, are for the plugin to judge. */
export function isLate(p: Pulse, jobs: Job[], now: number): boolean {
  const passed = (at: string | null) => at !== null && Date.parse(at) <= now;
  if (p.paused || p.run || jobs.length || !p.configured) return false;
  return p.breaker.state === "closed" ? p.queue.due > 0 || passed(p.queue.next_due_at) : passed(p.breaker.probe_at);
}

/**
 * Keeps Live current while the page is shown: after events of own jobs, every few seconds while one is at work, once a
 * minute while something waits, and not at all while nothing does or the page is hidden. It also asks for a run when the
 * time of waiting work has come, which Stash itself never does, until nobody has touched the page for two hours.
 */
export function LiveProvider({ children }: { children: React.ReactNode }) {
  const [pulse, setPulse] = useState<Pulse | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [jobs, setJobs] = useState<Job[]>([]);
  const mounted = useMounted();
  const asking = useRef<AbortController>();
  const touched = useRef(Date.now());

  const refresh = useCallback(async () => {
    asking.current?.abort();
    const mine = (asking.current = new AbortController());
    try {
      const answer = await operation<Pulse>("run", {}, mine.signal);
      writeNeeds(needsOf(answer));
      if (!mounted.current || asking.current !== mine) return;
      setPulse(answer);
      setFailure(null);
    } catch (e) {
      if (mounted.current && !isAbort(e)) setFailure(e as Failure);
    }
  }, []);

  useEffect(() => {
    const change = (job: Job, over: boolean) =>
      setJobs((list) => [...list.filter((j) => j.id !== job.id), ...(over ? [] : [job])]);
    const end = onJob(change);
    ownJobs().then((list) => mounted.current && list.forEach((j) => change(j, false)));
    const touch = () => (touched.current = Date.now());
    window.addEventListener("pointerdown", touch);
    window.addEventListener("keydown", touch);
    refresh();
    return () => {
      end();
      window.removeEventListener("pointerdown", touch);
      window.removeEventListener("keydown", touch);
      asking.current?.abort();
    };
  }, []);

  useRepeats(pulse, jobs, touched, refresh);
  return <Context.Provider value={{ pulse, failure, jobs, refresh }}>{children}</Context.Provider>;
}

/** Asks again when something may have changed. */
function useRepeats(pulse: Pulse | null, jobs: Job[], touched: React.MutableRefObject<number>, refresh: () => void) {
  const known = useRef({ pulse, jobs });
  known.current = { pulse, jobs };
  const event = jobs.map((j) => j.id + j.status).join();
  const first = useRef(true);

  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    if (document.hidden) return;
    const timer = setTimeout(refresh, AFTER_EVENT);
    return () => clearTimeout(timer);
  }, [event]);

  useEffect(() => {
    const shown = () => !document.hidden && refresh();
    document.addEventListener("visibilitychange", shown);
    return () => document.removeEventListener("visibilitychange", shown);
  }, []);

  const delay = pauseBefore(pulse, jobs);
  useEffect(() => {
    if (delay === null) return;
    const timer = setInterval(async () => {
      const { pulse: p, jobs: now } = known.current;
      if (document.hidden || !p || Date.now() - touched.current > ATTENDED) return;
      if (!isLate(p, now, Date.now())) return refresh();
      // An answer only matters to the plugin: if a run follows, its job is an event. If not, the next round looks again.
      const { asked } = await operation<{ asked: boolean }>("wake").catch(() => ({ asked: false }));
      if (!asked) refresh();
    }, delay);
    return () => clearInterval(timer);
  }, [delay, pulse]);
}
