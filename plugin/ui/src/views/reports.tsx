import { stopJob, task } from "../api";
import { Asked, useAsk } from "../ask";
import { Icon, React, useEffect, useRef, useState } from "../host";
import { Job, jobAtWork, nameOf } from "../jobs";
import { useLive } from "../live";
import { Act } from "../parts/act";
import { Paging } from "../parts/paging";
import { Empty, Failed, Loading } from "../parts/state";
import { When } from "../parts/when";
import { sentence } from "../parts/words";
import { useAddress } from "../route";
import { reports as say } from "../text/reports";
import type { Time } from "../types";

/** A stored report with a page of its rows. */
export interface Report<C, R> {
  id: number;
  kind: string;
  scene_id: number;
  state: "none" | "running" | "done" | "stopped";
  stopped: string;
  started_at: Time;
  updated_at: Time;
  finished_at: Time;
  counts: C;
  capped: boolean;
  outcome: string; // of the restore that confirmed a dry run
  rows: R[];
  next: number;
}

/** A task that stores a report, and the words for it. */
export interface Maker {
  kind: "gaps" | "preview" | "restore";
  task: string;
  args: object;
  words: { start: string; again: string; running: string; done: string; never: string; neverText?: string; icon: string };
}

export interface Known<C, R> {
  asked: Asked<Report<C, R>>;
  /** The newest report about all scenes, also while another page of it is loaded; its rows may be those before. */
  report: Report<C, R> | null;
  /** The task in Stash's queue. */
  job: Job | undefined;
}

/** Reads the newest report of a kind, with the rows that the address names. */
export function useReport<C, R>(maker: Maker): Known<C, R> {
  const [query] = useAddress();
  const { jobs } = useLive();
  const asked = useAsk<Report<C, R>>("report", { kind: maker.kind, rows: query.rows ?? "", cursor: Number(query.cursor) || 0 });
  const last = useRef<Report<C, R> | null>(null);
  if (asked.data) last.current = asked.data;
  const report = last.current?.kind === maker.kind ? last.current : null;
  const one = report !== null && report.scene_id !== 0; // a dry run that was about one scene says nothing of all
  return { asked, report: one ? { ...report!, id: 0, state: "none", rows: [] } : report, job: jobs.find((j) => nameOf(j).startsWith(maker.task)) };
}

/** The state of a report and its controls, then what it holds. */
export function Stored<C, R>(p: { maker: Maker; known: Known<C, R>; children: (report: Report<C, R>) => React.ReactNode }) {
  const { asked, report, job } = p.known;
  if (!report && !asked.failure) return <Loading />;
  if (!report) {
    return (
      <>
        <Failed failure={asked.failure!} again={asked.again} />
        <Paging next={null} />
      </>
    );
  }
  const { words } = p.maker;
  const none = report.state === "none";
  return (
    <>
      {asked.failure && <Failed failure={asked.failure} again={asked.again} />}
      {job ? <AtWork job={job} running={words.running} /> : !none && <State maker={p.maker} report={report} />}
      {none && !job && (
        <Empty icon={words.icon} title={words.never} text={words.neverText}>
          <Start maker={p.maker} variant="primary">
            {words.start}
          </Start>
        </Empty>
      )}
      {!none && p.children(report)}
    </>
  );
}

/** A view of the newest report of a kind. found shows what it holds, and begins anew with each report. */
export function ReportView<C, R>({ maker, say, found: Found }: { maker: Maker; say: { title: string; intro: string }; found: React.ComponentType<{ known: Known<C, R>; report: Report<C, R> }> }) {
  const known = useReport<C, R>(maker);
  return (
    <>
      <h3 className="h5">{say.title}</h3>
      <p className="text-muted">{say.intro}</p>
      <Stored maker={maker} known={known}>
        {(report) => <Found key={report.id} known={known} report={report} />}
      </Stored>
    </>
  );
}

/** A button that starts the task of a report, or continues it. */
export function Start(p: { maker: Maker; variant?: string; from?: number; children: React.ReactNode }) {
  const { pulse, refresh } = useLive();
  const more = p.from ? { continue: String(p.from) } : {};
  return (
    <Act variant={p.variant} disabled={!pulse?.configured || pulse.problem !== ""} run={() => task(p.maker.task, { ...p.maker.args, ...more })} then={refresh}>
      {p.children}
    </Act>
  );
}

const Box = (p: { icon: string; spin?: boolean; title: React.ReactNode; text?: React.ReactNode; children?: React.ReactNode }) => (
  <div className="plexsync-report card">
    <Icon name={p.icon} spin={p.spin} className="plexsync-report-icon" />
    <div className="plexsync-notice-text text-break">
      <strong>{p.title}</strong>
      {p.text}
    </div>
    <div className="plexsync-actions">{p.children}</div>
  </div>
);

/** A task of this view in Stash's queue. steady: it does not say how far it is. */
export function AtWork({ job, running, text, steady }: { job: Job; running: string; text?: React.ReactNode; steady?: boolean }) {
  const waits = job.status === "READY";
  const ahead = useAhead(waits);
  if (job.status === "STOPPING") return <Box icon="faSpinner" spin title={<span role="status">{say.stopping}</span>} />;
  const part = Math.max(0, Math.min(1, job.progress ?? 0));
  return (
    <Box
      icon={waits ? "faHourglassHalf" : "faSpinner"}
      spin={!waits}
      title={<span role="status">{waits ? say.waits(ahead) : running}</span>}
      text={
        waits ? (
          <div className="text-muted">{say.waitsText}</div>
        ) : steady ? (
          text && <div className="text-muted">{text}</div>
        ) : (
          <div className="plexsync-report-part">
            <progress aria-label={running} value={part} max={1} /> <span>{Math.floor(part * 100)} %</span> {text}
          </div>
        )
      }
    >
      <Act run={() => stopJob(job.id)}>{waits ? say.leave : say.stop}</Act>
    </Box>
  );
}

/** What Stash works on while an own job waits. */
function useAhead(waits: boolean): string {
  const [name, setName] = useState("");
  useEffect(() => {
    if (!waits) return;
    let shown = true;
    const look = () => document.hidden || jobAtWork().then((found) => shown && setName(found));
    look();
    const timer = setInterval(look, 5000);
    return () => {
      shown = false;
      clearInterval(timer);
    };
  }, [waits]);
  return name;
}

function State<C, R>({ maker, report }: { maker: Maker; report: Report<C, R> }) {
  const { words } = maker;
  if (report.state === "running") return <Box icon="faSpinner" spin title={words.running} text={<div className="text-muted">{say.list}</div>} />;
  if (report.state === "done") {
    return (
      <Box icon="faCheckCircle" title={<>{words.done} <When at={report.finished_at} /></>} text={<div className="text-muted">{say.later}</div>}>
        <Start maker={maker}>{words.again}</Start>
      </Box>
    );
  }
  const needed = Object.keys(say.run).find((name) => report.stopped.includes(`"${name}"`)); // a reason that names the task that must run before
  return (
    <Box
      icon="faExclamationTriangle"
      title={<>{say.stopped} <When at={report.finished_at ?? report.updated_at} /></>}
      text={
        <>
          <div>{sentence(report.stopped)}</div>
          {report.rows.length > 0 && <div className="text-muted">{say.part}</div>}
        </>
      }
    >
      {needed ? (
        <Act variant="primary" run={() => task(needed)} then={() => say.asked(needed)}>
          {say.run[needed]}
        </Act>
      ) : (
        <Start maker={maker} variant="primary" from={report.id}>
          {say.continue}
        </Start>
      )}
      <Start maker={maker}>{words.again}</Start>
    </Box>
  );
}

/** Numbers that choose which rows are shown. */
export function Tiles({ list }: { list: [kind: string, label: string, count: number][] }) {
  const [{ rows = "" }, go] = useAddress();
  const total = list.reduce((sum, [, , count]) => sum + count, 0);
  const shown = list.filter(([kind, , count]) => count > 0 || kind === rows);
  return (
    <div className="plexsync-tiles" role="group" aria-label={say.filter}>
      {[["", say.all, total] as [string, string, number], ...shown].map(([kind, label, count]) => (
        <button
          key={kind}
          type="button"
          className={"plexsync-tile" + (kind === rows ? " active" : "")}
          aria-pressed={kind === rows}
          onClick={() => go({ rows: kind, cursor: "" })}
        >
          <b>{count.toLocaleString()}</b> {label}
        </button>
      ))}
    </div>
  );
}

/** A page of rows. */
export function Rows<R>({ known, row }: { known: Known<any, R>; row: (row: R, i: number) => React.ReactNode }) {
  const { asked, report } = known;
  if (!asked.data) return asked.failure ? null : <Loading />;
  return (
    <>
      {report?.capped && <p className="text-muted">{say.capped}</p>}
      {report?.rows.length ? <ul className="list-unstyled plexsync-rows">{report.rows.map(row)}</ul> : <p className="text-muted my-4">{say.noRows}</p>}
      <Paging next={report?.next || null} />
    </>
  );
}
