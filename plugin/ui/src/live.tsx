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

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const AFTER_EVENT = 0.7 * SECOND;
const AT_WORK = 5 * SECOND;
const AFTER_DUE = 1.5 * SECOND; // the plugin's clock may be a little behind
const ATTENDED = 120 * MINUTE;

const earliest = (times: (string | null | undefined)[]) => Math.min(...times.map((at) => (at ? Date.parse(at) : Infinity)));

/** Whether a run does something, and does not only wait for the next scene that is due. */
function atWork(p: Pulse, jobs: Job[]): boolean {
  if (p.run) return p.run.waits_for === "";
  return jobs.some((j) => j.status === "STOPPING" || (j.status === "RUNNING" && (p.queue.due > 0 || (j.progress ?? 0) < 1)));
}

/** How long until the plugin is asked again; null: not before something happens. */
export function pauseBefore(p: Pulse | null, failure: Failure | null, jobs: Job[], now: number): number | null {
  if (failure) return failure.kind === "silent" || failure.kind === "crashed" ? MINUTE : null;
  if (!p) return null;
  if (atWork(p, jobs)) return AT_WORK;
  if (p.run || jobs.length || p.queue.due) return MINUTE;
  const next = earliest([p.queue.next_due_at, p.breaker.state === "closed" ? null : p.breaker.probe_at, p.paused?.until]);
  return next === Infinity ? null : Math.min(Math.max(next + AFTER_DUE - now, MINUTE), 10 * MINUTE);
}

/** Whether the time of something in the queue has come: its own, or that of Plex's next try. */
function isDue(p: Pulse, now: number): boolean {
  if (!(p.queue.due || p.queue.waiting)) return false;
  if (p.breaker.state !== "closed") return earliest([p.breaker.probe_at]) <= now;
  return p.queue.due > 0 || earliest([p.queue.next_due_at]) <= now;
}

/** Whether a run is to be asked for. The plugin judges it again, with what it knows then. */
export const isLate = (p: Pulse, jobs: Job[], now: number) =>
  p.configured && !p.problem && !p.paused && !p.run && jobs.length === 0 && isDue(p, now);

/**
 * Keeps Live current while the page is shown: after events of own jobs, every few seconds while one is at work, at most
 * once a minute while something waits, and not at all while nothing does or the page is hidden. It also asks for a run
 * when the time of waiting work has come, which Stash itself never does, until nobody has touched the page for two hours.
 */
export function LiveProvider({ children }: { children: React.ReactNode }) {
  const [state, setState] = useState<{ pulse: Pulse | null; failure: Failure | null; round: number }>({ pulse: null, failure: null, round: 0 });
  const [jobs, setJobs] = useState<Job[]>([]);
  const mounted = useMounted();
  const asking = useRef<AbortController>();

  const refresh = useCallback(async () => {
    if (!mounted.current) return;
    asking.current?.abort();
    const mine = (asking.current = new AbortController());
    const current = () => mounted.current && asking.current === mine;
    // Events are missed while the connection is down, so the list is read again, too.
    ownJobs().then((list) => list && current() && setJobs((old) => (keyOf(old) === keyOf(list) ? old : list)));
    try {
      const pulse = await operation<Pulse>("run", {}, mine.signal);
      writeNeeds(needsOf(pulse));
      if (current()) setState((old) => ({ pulse, failure: null, round: old.round + 1 }));
    } catch (e) {
      if (current() && !isAbort(e)) setState((old) => ({ ...old, failure: e as Failure, round: old.round + 1 }));
    }
  }, []);

  useEffect(() => {
    refresh();
    return () => asking.current?.abort();
  }, []);
  useEvents(setJobs, refresh);
  useRepeats(state, jobs, refresh);
  return <Context.Provider value={{ pulse: state.pulse, failure: state.failure, jobs, refresh }}>{children}</Context.Provider>;
}

/** What matters of jobs. Stash reports progress many times a second. */
const keyOf = (jobs: Job[]) => jobs.map((j) => [j.id, j.status, Math.floor(100 * (j.progress ?? 0))].join()).join(";");

/** Asks again when an own job has changed its status, and when the page or the connection is back. */
function useEvents(setJobs: (change: (old: Job[]) => Job[]) => void, refresh: () => void) {
  useEffect(() => {
    const states = new Map<string, string>();
    let timer: number | undefined;
    const end = onJob((job, over) => {
      setJobs((old) => {
        const list = over ? old.filter((j) => j.id !== job.id) : old.some((j) => j.id === job.id) ? old.map((j) => (j.id === job.id ? job : j)) : [...old, job];
        return keyOf(old) === keyOf(list) ? old : list;
      });
      const status = over ? "over" : job.status;
      if (states.get(job.id) === status) return;
      states.set(job.id, status);
      clearTimeout(timer);
      timer = window.setTimeout(() => document.hidden || refresh(), AFTER_EVENT);
    });
    const back = () => document.hidden || refresh();
    document.addEventListener("visibilitychange", back);
    window.addEventListener("online", back);
    return () => {
      end();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", back);
      window.removeEventListener("online", back);
    };
  }, []);
}

/** Asks again, or for a run, when the time has come. */
function useRepeats({ pulse, failure, round }: { pulse: Pulse | null; failure: Failure | null; round: number }, jobs: Job[], refresh: () => void) {
  const touched = useRef(Date.now());
  const woken = useRef({ at: 0, gap: 0 });
  const known = useRef(jobs);
  known.current = jobs;

  useEffect(() => {
    const touch = () => (touched.current = Date.now());
    const kinds = ["pointerdown", "keydown", "wheel"];
    kinds.forEach((kind) => window.addEventListener(kind, touch));
    return () => kinds.forEach((kind) => window.removeEventListener(kind, touch));
  }, []);

  useEffect(() => {
    if (pulse && !isDue(pulse, Date.now())) woken.current.gap = 0;
  }, [round]);

  const delay = pauseBefore(pulse, failure, jobs, Date.now());
  const working = delay === AT_WORK;
  useEffect(() => {
    if (delay === null) return;
    const timer = setInterval(async () => {
      const now = Date.now();
      if (document.hidden || now - touched.current > ATTENDED) return;
      const last = woken.current;
      if (failure || !pulse || !isLate(pulse, known.current, now) || now - last.at < last.gap) return refresh();
      // A run may be unable to push what is due, so it is asked for less and less often: after 2 minutes, 4, 8, 16, 32.
      woken.current = { at: now, gap: Math.min(Math.max(2 * last.gap, 2 * MINUTE), 32 * MINUTE) };
      const { asked } = await operation<{ asked: boolean }>("wake").catch(() => ({ asked: false }));
      if (!asked) refresh(); // otherwise the job of the run is an event
    }, delay);
    return () => clearInterval(timer);
    // A new answer begins a new delay.
  }, [round, working, delay === null]);
}
