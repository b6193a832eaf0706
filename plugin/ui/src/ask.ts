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
 * something beside it has changed. A call that nobody waits for any more is aborted, which ends its process. mode ""
 * calls nothing.
 */
export function useAsk<T>(mode: string, args: object = {}, once = false): Asked<T> {
  const { pulse, failure: down } = useLive();
  const [state, setState] = useState<Omit<Asked<T>, "again">>({ data: null, failure: null, loading: mode !== "" });
  const [round, setRound] = useState(0);
  const key = JSON.stringify(args);
  const asked = useRef("");
  const revision = pulse && !once ? `${pulse.revision}/${pulse.other_revision}` : "";
  const known = useRef("");

  useEffect(() => {
    if (known.current && revision && known.current !== revision) setRound((n) => n + 1);
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
    operation<T>(mode, args, abort.signal).then(
      (data) => abort.signal.aborted || setState({ data, failure: null, loading: false }),
      (e) => abort.signal.aborted || isAbort(e) || setState((old) => ({ ...old, failure: e, loading: false })),
    );
    return () => abort.abort();
  }, [mode, key, round]);

  const again = useCallback(() => setRound((n) => n + 1), []);
  return { ...state, again };
}
