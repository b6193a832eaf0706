import { Button, React, useEffect, useRef, useState } from "../../host";
import { counted } from "../../parts/words";
import { queue as queueText } from "../../text/queue";
import { useRemoval } from "./removal";
import { Actions, Later, Row } from "./row";
import type { List, Target } from "./types";
import { useWork } from "./work";

const say = queueText;

/** The rows of a page, and what can be done with some or all of them. whole is the list that all rows of all pages are; null if none is. */
export function Rows({ data, kind, whole }: { data: List; kind: Target["list"]; whole: Target | null }) {
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set());
  const [all, setAll] = useState(false);
  const top = useRef<HTMLDivElement>(null);
  const { items, counts } = data;
  const ids = items.map((i) => i.scene_id);
  // Only rows that are shown can be chosen: one that has left the list does not come back as chosen.
  const chosen = ids.filter((id) => picked.has(id));
  useEffect(() => setPicked((old) => new Set(ids.filter((id) => old.has(id)))), [data]);

  const clear = () => {
    setPicked(new Set());
    setAll(false);
  };
  const work = useWork(clear);
  useFocus(top);
  const removal = useRemoval((target, more) => work.run("remove", target, more));
  const actions = (target: Target): Actions => ({
    retry: () => void work.run("retry", target),
    postpone: (minutes) => void work.run("postpone", target, { minutes }),
    remove: () => void removal.ask(target),
  });
  const busy = work.done !== null;
  const pick = (id: number, on: boolean) => {
    const next = new Set(chosen);
    on ? next.add(id) : next.delete(id);
    setPicked(next);
    setAll(false);
  };
  const total = counted(counts.matching, counts.capped);
  const full = chosen.length === ids.length;
  const offersAll = whole !== null && full && (counts.matching > ids.length || counts.capped);
  const act = actions(all && whole ? whole : { list: kind, scene_ids: chosen });
  return (
    <>
      <div className="plexsync-bulk plexsync-actions" ref={top} tabIndex={-1}>
        <label className="plexsync-pick">
          <PageBox full={full} some={chosen.length > 0} disabled={busy} change={(on) => (on ? setPicked(new Set(ids)) : clear())} />
        </label>
        <span role="status">
          {work.done !== null
            ? say.working(work.done, all ? counts.matching : 0)
            : all ? say.allSelected(total) : chosen.length ? say.selected(chosen.length) : say.shown(ids.length, total)}
        </span>
        {work.done !== null && all && (
          <Button size="sm" variant="secondary" onClick={work.stop}>
            {say.stop}
          </Button>
        )}
        {!busy && chosen.length > 0 && (
          <>
            <Button size="sm" variant="primary" onClick={act.retry}>
              {kind === "jobs" ? say.push : say.retry}
            </Button>
            {kind === "jobs" && <Later act={act} busy={busy} />}
            <Button size="sm" variant="danger" onClick={act.remove}>
              {say.remove}
            </Button>
            {offersAll && !all && (
              <Button size="sm" variant="link" onClick={() => setAll(true)}>
                {say.selectAll(total)}
              </Button>
            )}
          </>
        )}
      </div>
      <ul className="plexsync-list">
        {items.map((item) => (
          <Row key={item.scene_id} item={item} list={data} picked={picked.has(item.scene_id)} pick={(on) => pick(item.scene_id, on)} busy={busy} act={actions({ list: kind, scene_ids: [item.scene_id] })} linked={clear} />
        ))}
      </ul>
      {removal.dialog}
    </>
  );
}

/** The box that selects all rows of the page; it is half set if some are selected. */
function PageBox(p: { full: boolean; some: boolean; disabled: boolean; change: (on: boolean) => void }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = p.some && !p.full;
  });
  return <input ref={box} type="checkbox" aria-label={say.selectPage} checked={p.full} disabled={p.disabled} onChange={(e) => p.change(e.currentTarget.checked)} />;
}

/** Gives the focus to the top of the list if what had it has left, so that the keyboard does not start over. */
function useFocus(top: React.RefObject<HTMLElement>) {
  const inside = useRef(false);
  useEffect(() => {
    const note = (e: Event) => {
      if ((e.target as Element).closest?.("[role=dialog]")) return; // it gives the focus back
      inside.current = e.type === "focusin" && !!top.current?.parentElement?.contains(e.target as Node);
    };
    const events = ["focusin", "pointerdown"];
    events.forEach((name) => document.addEventListener(name, note));
    return () => events.forEach((name) => document.removeEventListener(name, note));
  }, []);
  useEffect(() => {
    if (inside.current && document.activeElement === document.body) top.current?.focus({ preventScroll: true });
  });
}
