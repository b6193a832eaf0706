import { operation, task } from "../api";
import { Button, Link, PATH, React, useState } from "../host";
import { useLive } from "../live";
import { Act } from "../parts/act";
import { Confirm } from "../parts/confirm";
import { PlexLink, SceneLink, Thumb } from "../parts/scene";
import { Empty } from "../parts/state";
import { sentence } from "../parts/words";
import { useAddress } from "../route";
import { text } from "../text/common";
import { preview as previewText } from "../text/preview";
import type { Reason } from "../types";
import { Change, Changes, Pictures } from "./changes";
import { Known, Maker, Report, ReportView, Rows, Tiles } from "./reports";
import { Restore } from "./restore";

const say = previewText;

type Kind = keyof typeof say.kinds;
const KINDS = Object.keys(say.kinds) as Kind[];

type Counts = Record<Kind | "unchanged", number> & { by_field: Record<string, number> };

interface Item {
  rating_key: string;
  changes: Change[];
  lock?: string[];
  unlock?: string[];
}

interface Row {
  scene_id: number;
  kind: Kind;
  title: string;
  details: { items?: Item[] };
  reason?: Reason;
}

const MAKER: Maker = { kind: "preview", task: "Preview changes", args: { mode: "preview" }, words: say.words };
const AT_MOST = 1000; // scenes in one call of sync-scenes

/** What a push would change, or what a restore would put back: two parts of one address. */
export function Preview() {
  const [{ kind }] = useAddress();
  const restores = kind === "restore";
  return (
    <>
      <ul className="nav nav-pills plexsync-segments" aria-label={say.parts.label}>
        {(["preview", "restore"] as const).map((part) => (
          <li className="nav-item" key={part}>
            <Link
              className={"nav-link" + ((part === "restore") === restores ? " active" : "")}
              aria-current={(part === "restore") === restores ? "page" : undefined}
              to={`${PATH}/preview${part === "restore" ? "?kind=restore" : ""}`}
            >
              {say.parts[part]}
            </Link>
          </li>
        ))}
      </ul>
      {restores ? <Restore /> : <Pushes />}
    </>
  );
}

const Pushes = () => <ReportView maker={MAKER} say={say} found={Found} />;

function Found({ known, report }: { known: Known<Counts, Row>; report: Report<Counts, Row> }) {
  const [{ rows }] = useAddress();
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const { counts, state } = report;
  if (counts.would_change === undefined) return null; // it stopped before the first scene
  if (!rows && KINDS.every((k) => !counts[k])) {
    return state === "done" ? <Empty icon="faCheckCircle" title={say.none} text={say.noneText(counts.unchanged)} /> : null;
  }
  const shown = { ...counts, skipped: counts.skipped - counts.bare }; // those without data count as skipped, too
  const fields = Object.entries(counts.by_field).sort((a, b) => b[1] - a[1]);
  const choose = (ids: number[], on: boolean) =>
    setChosen((old) => {
      const next = new Set(old);
      for (const id of ids) on ? next.add(id) : next.delete(id);
      return next;
    });
  const here = known.asked.data ? report.rows.filter((r) => r.kind === "would_change").map((r) => r.scene_id) : [];
  return (
    <>
      <Tiles list={KINDS.map((k) => [k, say.kinds[k], shown[k]])} />
      <p className="text-muted">
        {say.means[rows]} {counts.unchanged > 0 && say.same(counts.unchanged)}
      </p>
      {fields.length > 0 && (
        <p>
          {say.byField}{" "}
          {fields.map(([name, count]) => (
            <span key={name} className="badge badge-secondary mr-1">
              {say.field(name)} {count.toLocaleString()}
            </span>
          ))}
        </p>
      )}
      {counts.would_change > 0 && <Push chosen={chosen} choose={choose} here={here} counts={counts} />}
      <Rows known={known} row={(row, i) => <Scene key={`${row.scene_id}/${i}`} row={row} chosen={chosen} choose={choose} labelled={!rows} />} />
    </>
  );
}

type Choose = (ids: number[], on: boolean) => void;

/** The controls that push what is chosen, or everything. */
function Push(p: { chosen: ReadonlySet<number>; choose: Choose; here: number[]; counts: Counts }) {
  const { pulse, refresh } = useLive();
  const ids = [...p.chosen];
  const off = !pulse?.configured || pulse.paused !== null || pulse.problem !== "";
  const push = () => operation<{ queued: number; stopped?: string }>("sync-scenes", { scene_ids: ids });
  const whole = p.here.length > 0 && p.here.every((id) => p.chosen.has(id));
  return (
    <div className="plexsync-push plexsync-actions">
      {p.here.length > 0 && (
        <label className="plexsync-reports-check">
          <input type="checkbox" checked={whole} onChange={() => p.choose(p.here, !whole)} /> {say.selectPage}
        </label>
      )}
      <Act
        variant="primary"
        disabled={off || !ids.length || ids.length > AT_MOST}
        run={push}
        then={(a) => {
          refresh();
          if (a.stopped) return a.stopped;
          p.choose(ids, false);
          return say.pushed(a.queued);
        }}
      >
        {say.push(ids.length)}
      </Act>
      {ids.length > 0 && (
        <Button size="sm" variant="secondary" onClick={() => p.choose(ids, false)}>
          {say.clear}
        </Button>
      )}
      <Confirm
        button={say.everything}
        variant="secondary"
        disabled={off}
        title={say.everythingTitle}
        yes={say.everythingYes}
        run={() => task("Sync all scenes")}
        then={() => {
          refresh();
          return say.everythingDone;
        }}
      >
        <p>{say.everythingText(p.counts.would_change)}</p>
        <p className="mb-0">{say.everythingUndo}</p>
      </Confirm>
      {ids.length > AT_MOST && <span role="status">{say.atMost(AT_MOST)}</span>}
    </div>
  );
}

function Scene(p: { row: Row; chosen: ReadonlySet<number>; choose: Choose; labelled: boolean }) {
  const { row } = p;
  const id = row.scene_id;
  const changes = row.kind === "would_change";
  const title = row.title || text.untitled(id);
  return (
    <li>
      {changes ? (
        <label className="plexsync-reports-check">
          <input type="checkbox" aria-label={say.select(title)} checked={p.chosen.has(id)} onChange={(e) => p.choose([id], e.currentTarget.checked)} />
        </label>
      ) : (
        p.labelled && <span className="plexsync-reports-check" />
      )}
      <Thumb id={id} />
      <div className="plexsync-reports-row text-break">
        <div className="plexsync-row-title">
          <SceneLink id={id} title={row.title} />
          {p.labelled && !changes && <span className="badge badge-secondary">{say.kinds[row.kind] ?? row.kind}</span>}
        </div>
        {row.reason && <div>{sentence(row.reason.text)}</div>}
        {row.details.items?.map((item) => (
          <ItemChanges key={item.rating_key} item={item} after={say.after} pictures={say.newPicture}>
            <Pictures scene={id} item={item.rating_key} list={item.changes} />
          </ItemChanges>
        ))}
      </div>
    </li>
  );
}

/** What would change in one Plex item. */
export function ItemChanges(p: { item: Item; after: string; pictures: string[]; children?: React.ReactNode }) {
  const { pulse } = useLive();
  const { item, after, pictures, children } = p;
  const { changes = [], lock = [], unlock = [] } = item;
  return (
    <>
      {changes.length > 0 && <Changes list={changes} after={after} pictures={pictures} />}
      {lock.length > 0 && <div className="text-muted">{say.lock(lock)}</div>}
      {unlock.length > 0 && <div className="text-muted">{say.unlock(unlock)}</div>}
      <div className="plexsync-actions">
        {children}
        <PlexLink server={pulse?.server ?? ""} item={item.rating_key} />
      </div>
    </>
  );
}
