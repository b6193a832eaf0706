import { Failure, isAbort, operation } from "./api";
import { useCallback, useEffect, useRef, useState } from "./host";
import { useLive } from "./live";

/** What an operation has answered. */
export interface Asked<T> {
  data: T | null; // the last answer; null until there is one
  failure: Failure | null; // of the last call
  loading: boolean;
  /** Calls the operation again. */
  again: () => void;
}

/**
 * Calls a reading operation when it is shown, when its arguments change, and, unless once is set, when the queue or
 * something beside it has changed. A call that nobody waits for any more is aborted, which ends its process; a change of
 * the queue waits for the answer, since a run changes it faster than a slow answer comes. mode "" calls nothing.
 */
export function useAsk<T>(mode: string, args: object = {}, once = false): Asked<T> {
  const { pulse, failure: down } = useLive();
  const [state, setState] = useState<Omit<Asked<T>, "again">>({ data: null, failure: null, loading: mode !== "" });
  const [round, setRound] = useState(0);
  const key = JSON.stringify(args);
  const asked = useRef("");
  const revision = pulse && !once ? `${pulse.revision}/${pulse.other_revision}` : "";
  const known = useRef("");

  const busy = useRef(false);
  const late = useRef(false); // the queue has changed since the call
  useEffect(() => {
    if (known.current && revision && known.current !== revision) busy.current ? (late.current = true) : setRound((n) => n + 1);
    if (revision) known.current = revision;
  }, [revision]);

  // What has kept the plugin from answering is over.
  const failed = useRef(false);
  failed.current = state.failure !== null;
  const wasDown = useRef(false);
  useEffect(() => {
    if (wasDown.current && !down && failed.current) setRound((n) => n + 1);
    wasDown.current = down !== null;
  }, [down]);

  useEffect(() => {
    if (!mode) return;
    const abort = new AbortController();
    const same = asked.current === mode + key;
    asked.current = mode + key;
    setState((old) => ({ data: same ? old.data : null, failure: same ? old.failure : null, loading: true }));
    busy.current = true;
    late.current = false;
    const end = (change: (old: Omit<Asked<T>, "again">) => Omit<Asked<T>, "again">) => {
      if (abort.signal.aborted) return;
      busy.current = false;
      setState(change);
      if (late.current) setRound((n) => n + 1);
    };
    operation<T>(mode, args, abort.signal).then(
      (data) => end(() => ({ data, failure: null, loading: false })),
      (e) => isAbort(e) || end((old) => ({ ...old, failure: e, loading: false })),
    );
    return () => {
      abort.abort();
      busy.current = false;
    };
  }, [mode, key, round]);

  const again = useCallback(() => setRound((n) => n + 1), []);
  return { ...state, again };
}
