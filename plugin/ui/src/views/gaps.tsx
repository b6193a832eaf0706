import { operation, task } from "../api";
import { Icon, Link, PATH, React, useState } from "../host";
import { useLive } from "../live";
import { Act } from "../parts/act";
import { Notice } from "../parts/notice";
import { PlexLink, SceneLink, Thumb } from "../parts/scene";
import { Empty } from "../parts/state";
import { ruleOf, sentence, sizeOf } from "../parts/words";
import { useAddress } from "../route";
import { gaps as gapsText } from "../text/gaps";
import type { Reason } from "../types";
import { Known, Maker, Report, ReportView, Rows, Tiles } from "./reports";

const say = gapsText;

type Kind = keyof typeof say.kinds;
const KINDS = Object.keys(say.kinds) as Kind[];

type Counts = Record<Kind | keyof typeof say.sums, number> & { unread_libraries: string[] };

interface Item {
  rating_key: string;
  library: string;
  path: string;
  rule?: string;
}

interface Row {
  scene_id: number; // 0: a file that is only in Plex
  kind: Kind;
  title: string;
  details: { path?: string; size?: number; items?: Item[]; count?: number };
  reason?: Reason;
}

const MAKER: Maker = { kind: "gaps", task: "Compare Stash and Plex", args: { mode: "gaps" }, words: say.words };

/** What is only in Stash or only in Plex, and which matches are not certain. */
export const Gaps = () => <ReportView maker={MAKER} say={say} found={Found} />;

function Found({ known, report }: { known: Known<Counts, Row>; report: Report<Counts, Row> }) {
  const [{ rows }] = useAddress();
  const { counts, state } = report;
  if (counts.scenes === undefined) return null; // it stopped before it compared anything
  const kind = say.kinds[rows as Kind];
  const whole = KINDS.every((k) => !counts[k]) && !counts.unread_libraries.length;
  if (whole && !rows) {
    return state === "done" ? <Empty icon="faCheckCircle" title={say.none} text={say.noneText(counts.scenes)} /> : null;
  }
  return (
    <>
      <Sums counts={counts} />
      {counts.unread_libraries.length > 0 && (
        <Notice kind="info" title={say.unread(counts.unread_libraries)}>
          <Act run={() => task("Rebuild Plex index")} then={() => say.asked}>
            {say.read}
          </Act>
        </Notice>
      )}
      <Tiles list={KINDS.map((k) => [k, say.kinds[k].label, counts[k]])} />
      {kind && (
        <p>
          {kind.means} <span className="text-muted">{kind.todo}</span>
        </p>
      )}
      <Rows known={known} row={(row, i) => <Gap key={`${row.scene_id}/${row.details.items?.[0]?.rating_key}/${i}`} row={row} labelled={!kind} />} />
    </>
  );
}

function Sums({ counts }: { counts: Counts }) {
  const sum = (...names: (keyof typeof say.sums)[]) => names.filter((k, i) => !i || counts[k] > 0).map((k) => `${counts[k].toLocaleString()} ${say.sums[k]}`).join(", ");
  return (
    <dl className="plexsync-sums">
      <div>
        <dt>{say.sums.scenes}</dt>
        <dd>
          <b>{counts.scenes.toLocaleString()}</b> {sum("in_plex", "left_out", "no_file")}
        </dd>
      </div>
      <div>
        <dt>{say.sums.files}</dt>
        <dd>
          <b>{counts.files.toLocaleString()}</b> {sum("files_in_stash", "files_doubtful")}
        </dd>
      </div>
    </dl>
  );
}

interface Linked {
  linked: { rating_key: string } | null;
  stopped?: string;
}

/** One scene, or one file that is only in Plex. What a person chose just now is shown in place, since the report is older. */
function Gap({ row, labelled }: { row: Row; labelled: boolean }) {
  const [answer, setAnswer] = useState<Linked | null>(null);
  const { refresh } = useLive();
  const { path, size: bytes, items = [], count = 0 } = row.details;
  const scene = row.scene_id;
  const done = (a: Linked) => {
    setAnswer(a);
    refresh();
  };
  const forget = (
    <Act run={() => operation<Linked>("forget", { scene_id: scene })} then={done}>
      {say.forget}
    </Act>
  );
  const code = answer ? "" : row.reason?.code;
  return (
    <li>
      {scene ? <Thumb id={scene} /> : <span className="plexsync-thumb plexsync-nothumb text-muted"><Icon name="faFilm" /></span>}
      <div className="plexsync-reports-row text-break">
        <div className="plexsync-row-title">
          {scene ? <SceneLink id={scene} title={row.title} /> : <strong>{row.title}</strong>}
          {labelled && <span className="badge badge-secondary">{say.kinds[row.kind]?.label ?? row.kind}</span>}
        </div>
        <div className="text-muted">
          {path && <span>{path} · </span>}
          {bytes ? sizeOf(bytes) : null}
        </div>
        {row.reason && !answer && <div>{sentence(row.reason.text)}</div>}
        {answer && !answer.linked && <div role="status">{say.forgotten}</div>}
        {items.length > 0 && <Items row={row} items={items} answer={answer} done={done} />}
        {count > items.length && items.length > 0 && <div className="text-muted">{say.more(count - items.length)}</div>}
        <div className="plexsync-actions">
          {(code === "chosen_gone" || answer?.linked || (!answer && items.some((i) => i.rule === "manual"))) && forget}
          {code === "chosen_elsewhere" && <Link className="btn btn-secondary btn-sm" to={`${PATH}/scene/${row.reason!.params.other_scene}`}>{say.other(Number(row.reason!.params.other_scene))}</Link>}
        </div>
      </div>
    </li>
  );
}

function Items(p: { row: Row; items: Item[]; answer: Linked | null; done: (a: Linked) => void }) {
  const { pulse } = useLive();
  const { scene_id, kind } = p.row;
  const choose = ({ rating_key, path }: Item) =>
    operation<Linked>("link", { scene_id, rating_key, ...(path.endsWith("…") ? {} : { path }) }); // a path that was cut names no file
  return (
    <ul className="list-unstyled plexsync-items" aria-label={say.videos(p.items.length)}>
      {p.items.map((item, i) => {
        const chosen = p.answer?.linked?.rating_key === item.rating_key;
        return (
          <li key={i} className={chosen ? "active" : undefined}>
            <div className="plexsync-notice-text">
              <div>{item.path}</div>
              <span className="text-muted">
                {say.in(item.library)}
                {item.rule && ` · ${say.matched(ruleOf(item.rule))}`}
              </span>{" "}
              <PlexLink server={pulse?.server ?? ""} item={item.rating_key} />
              {chosen && (
                <div role="status">
                  <Icon name="faCheck" /> {p.answer?.stopped ? say.chosenWait : say.chosen}
                </div>
              )}
            </div>
            {scene_id > 0 && kind !== "not_in_plex" && !chosen && (
              <Act label={say.thisFor(item.path)} title={say.this} run={() => choose(item)} then={p.done}>
                {say.this}
              </Act>
            )}
          </li>
        );
      })}
    </ul>
  );
}
