import { task } from "../api";
import { Icon, Link, PATH, React, useEffect, useState } from "../host";
import { useLive } from "../live";
import { Confirm } from "../parts/confirm";
import { Notice } from "../parts/notice";
import { SceneLink, Thumb } from "../parts/scene";
import { Empty } from "../parts/state";
import { When } from "../parts/when";
import { sentence } from "../parts/words";
import { useAddress } from "../route";
import { preview, restore as say } from "../text/preview";
import type { Reason } from "../types";
import type { Change } from "./changes";
import { ItemChanges } from "./preview";
import { AtWork, Known, Maker, Report, Rows, Stored, Tiles, useReport } from "./reports";

type Kind = keyof typeof say.kinds;
const KINDS = Object.keys(say.kinds) as Kind[];

type Counts = Record<Kind | "dropped", number>;

interface Row {
  scene_id: number; // 0: no scene owns the item
  kind: Kind;
  title: string;
  details: { rating_key?: string; changes?: Change[]; unlock?: string[]; kept?: { field: string; why: string }[] };
  reason?: Reason;
}

const TASK = "Restore Plex metadata";
const MAKER: Maker = { kind: "restore", task: TASK, args: { mode: "restore", dry_run: true }, words: say.words };
const VALID = 10 * 60 * 1000; // of a dry run, after its end

/** A dry run for all scenes, and the restore that confirms it. */
export function Restore() {
  const known = useReport<Counts, Row>(MAKER);
  const { pulse } = useLive();
  const run = pulse?.run; // a dry run is no run, since it writes nothing
  const { job } = known;
  const restores = job && run?.what === TASK;
  return (
    <>
      <h3 className="h5">{say.title}</h3>
      <p className="text-muted">{say.intro}</p>
      {restores ? (
        <AtWork job={job!} running={say.running} text={say.progress(run!.done, run!.total)} />
      ) : (
        <Stored maker={MAKER} known={known}>
          {(report) => <Found key={report.id} known={known} report={report} />}
        </Stored>
      )}
    </>
  );
}

function Found({ known, report }: { known: Known<Counts, Row>; report: Report<Counts, Row> }) {
  const [{ rows }] = useAddress();
  const { counts, state } = report;
  if (counts.restored === undefined) return null; // it stopped before the first item
  return (
    <>
      {state === "done" && !known.job && <Ready report={report} />}
      {!report.outcome && (rows || KINDS.some((k) => counts[k] > 0)) && (
        <>
          <Tiles list={KINDS.map((k) => [k, say.kinds[k], counts[k]])} />
          {rows && <p className="text-muted">{say.means[rows]}</p>}
          <Rows known={known} row={(row, i) => <Item key={`${row.details.rating_key}/${i}`} row={row} labelled={!rows} />} />
        </>
      )}
    </>
  );
}

/** What can be done with a dry run that has ended, or what the restore did that confirmed it. */
function Ready({ report }: { report: Report<Counts, Row> }) {
  const { pulse, refresh } = useLive();
  const until = Date.parse(report.finished_at ?? "") + VALID;
  const past = usePassed(until);
  const { restored, dropped } = report.counts;
  if (report.outcome) {
    return (
      <Notice kind="info" title={say.outcome} text={sentence(report.outcome)} live>
        <Link className="btn btn-secondary btn-sm" to={`${PATH}/activity?outcome=restored`}>
          {say.activity}
        </Link>
      </Notice>
    );
  }
  if (!restored) return <Empty icon="faCheckCircle" title={say.none} text={say.noneText} />;
  if (past) return <Notice kind="info" title={say.past} text={say.pastText} />;
  const expires = new Date(until).toISOString();
  return (
    <Notice
      kind="warning"
      title={say.ready(restored)}
      text={
        <>
          {dropped > 0 && <div>{say.dropped(dropped)}</div>}
          {say.until} <When at={expires} />.
        </>
      }
    >
      <Confirm
        button={say.restore}
        disabled={!pulse?.configured || pulse.problem !== ""}
        title={say.ask(restored)}
        yes={say.yes(restored)}
        run={() => task(TASK, { mode: "restore", confirm: String(report.id) })}
        then={() => {
          refresh();
          return say.asked;
        }}
      >
        <p>{say.askText(restored)}</p>
        {dropped > 0 && <p>{say.dropped(dropped)}</p>}
        <p>{say.askGone}</p>
        <p className="text-muted mb-0">{say.askWait}</p>
      </Confirm>
    </Notice>
  );
}

/** Whether a time has passed. */
function usePassed(at: number): boolean {
  const [, tick] = useState(0);
  const left = at - Date.now();
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => tick((n) => n + 1), left + 50);
    return () => clearTimeout(timer);
  }, [at]);
  return left <= 0;
}

function Item({ row, labelled }: { row: Row; labelled: boolean }) {
  const { rating_key = "", changes = [], unlock, kept = [] } = row.details;
  const whys = [...new Set(kept.map((k) => k.why))];
  return (
    <li>
      {row.scene_id ? <Thumb id={row.scene_id} /> : <span className="plexsync-thumb plexsync-nothumb text-muted"><Icon name="faFilm" /></span>}
      <div className="plexsync-reports-row text-break">
        <div className="plexsync-row-title">
          {row.scene_id ? <SceneLink id={row.scene_id} title={row.title} /> : <strong>{say.video(rating_key)}</strong>}
          {labelled && row.kind !== "restored" && <span className="badge badge-secondary">{say.kinds[row.kind] ?? row.kind}</span>}
        </div>
        {row.reason && <div>{sentence(row.reason.text)}</div>}
        {whys.map((why) => (
          <div key={why} className="text-muted">
            {say.kept(say.fields(kept.filter((k) => k.why === why).map((k) => k.field)), why)}
          </div>
        ))}
        <ItemChanges item={{ rating_key, changes, unlock }} after={preview.before} pictures={preview.oldPicture} />
      </div>
    </li>
  );
}
