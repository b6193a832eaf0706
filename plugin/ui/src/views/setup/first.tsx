import { task } from "../../api";
import { useAsk } from "../../ask";
import { Button, Card, Icon, Link, PATH, ProgressBar, React, useHistory } from "../../host";
import { nameOf } from "../../jobs";
import { useLive } from "../../live";
import { Act } from "../../parts/act";
import { Notice } from "../../parts/notice";
import { SceneLink } from "../../parts/scene";
import { Failed, Loading } from "../../parts/state";
import { When } from "../../parts/when";
import { text } from "../../text/common";
import { setup as setupText } from "../../text/setup";
import type { PreviewReport } from "./types";

const say = setupText.first;
const ALWAYS = 3; // the first of these counts are shown even if they are 0
const COUNTS = ["would_change", "unchanged", "not_found", "ambiguous", "unread", "skipped", "bare", "failed"] as const;
const SHOWN = 5;

/** Shows what the first push would change, before anything is changed. */
export function FirstPreview({ done }: { done: () => void }) {
  const { jobs, refresh } = useLive();
  const { data, failure, again } = useAsk<PreviewReport>("report", { kind: "preview", rows: "would_change", limit: SHOWN });
  const job = jobs.find((j) => /preview changes/i.test(nameOf(j)));
  if (failure) return <Failed failure={failure} again={again} />;
  if (!data) return <Loading />;
  const none = data.state === "none";
  return (
    <>
      <p>{say.what}</p>
      {job && (
        <div role="status" className="mb-3">
          <div className="mb-1">
            <Icon name="faSpinner" spin /> {job.status === "READY" ? say.queued : say.works}
          </div>
          <ProgressBar now={(job.progress ?? 0) * 100} aria-label={say.works} />
        </div>
      )}
      {!none && <Found report={data} />}
      <div className="plexsync-actions">
        {!none && !job && (
          <Button size="sm" variant="primary" onClick={done}>
            {setupText.next}
          </Button>
        )}
        {!job && (
          <Act variant={none ? "primary" : "secondary"} icon="faSearch" run={() => task("Preview changes", { mode: "preview" })} then={refresh}>
            {none ? say.start : say.again}
          </Act>
        )}
        {(none || job) && (
          <Button size="sm" variant="secondary" onClick={done}>
            {say.skip}
          </Button>
        )}
      </div>
    </>
  );
}

/** The numbers of a preview, and its first changes. */
function Found({ report: r }: { report: PreviewReport }) {
  const lines = r.rows.flatMap((row) => {
    const change = row.details.items?.[0]?.changes?.[0];
    return change ? [{ ...row, ...change, more: row.details.items![0].changes!.length - 1 }] : [];
  });
  return (
    <>
      {r.state === "stopped" && <Notice kind="warning" title={say.stopped} text={r.stopped} />}
      <dl className="plexsync-numbers">
        {COUNTS.filter((name, i) => i < ALWAYS || r.counts[name]).map((name) => (
          <div key={name}>
            <dt>{say.counts[name]}</dt>
            <dd>{(r.counts[name] ?? 0).toLocaleString()}</dd>
          </div>
        ))}
      </dl>
      {lines.length > 0 && (
        <ul className="plexsync-setup-samples" aria-label={say.examples}>
          {lines.map((l) => (
            <li key={l.scene_id}>
              <SceneLink id={l.scene_id} title={l.title} />
              <div className="text-break">
                <span className="text-muted">{l.field}:</span> <Value of={l.from} field={l.field} /> <Icon name="faArrowRight" /> <strong><Value of={l.to} field={l.field} /></strong>{" "}
                {l.more > 0 && <span className="text-muted">{say.more(l.more)}</span>}
              </div>
            </li>
          ))}
        </ul>
      )}
      <p className="text-muted">
        {r.finished_at && (
          <>
            {say.made} <When at={r.finished_at} />.{" "}
          </>
        )}
        <Link to={`${PATH}/preview`}>{say.whole}</Link>
      </p>
    </>
  );
}

/** An old or a new value. Pictures have addresses that say nothing to people. */
function Value({ of, field }: { of: unknown; field: string }) {
  const shown = Array.isArray(of) ? of.join(", ") : String(of ?? "");
  if (!shown) return <em className="text-muted">{say.empty}</em>;
  if (field === "poster" || field === "background") return <>{say.picture}</>;
  return <>{shown.length > 90 ? shown.slice(0, 90) + "…" : shown}</>;
}

/** Decides whether everything is pushed now, or only later edits are. */
export function Start() {
  const history = useHistory();
  const { refresh } = useLive();
  const { data, failure, loading, again } = useAsk<{ coverage: { scenes: number | null } }>("overview", { days: 1 }, true);
  if (failure) return <Failed failure={failure} again={again} />;
  if (loading) return <Loading />;
  const scenes = data?.coverage.scenes ?? null;
  const overview = () => {
    refresh();
    history.push(PATH);
  };
  return (
    <>
      <div className="plexsync-choices">
        <Card className="plexsync-choice">
          <Card.Body>
            <h4 className="h6">{say.everything}</h4>
            <p>{say.everythingText(scenes)}</p>
            <Act variant="primary" icon="faPlay" run={() => task("Sync all scenes", { mode: "sync-all" })} then={() => (overview(), say.pushing)}>
              {say.push}
            </Act>
          </Card.Body>
        </Card>
        <Card className="plexsync-choice">
          <Card.Body>
            <h4 className="h6">{say.later}</h4>
            <p>{say.laterText}</p>
            <Button size="sm" variant="secondary" onClick={overview}>
              {say.only}
            </Button>
          </Card.Body>
        </Card>
      </div>
      <p className="text-muted">
        <Icon name="faUndo" /> {say.undo} <Link to={`${PATH}/preview`}>{text.nav.preview}</Link>.
      </p>
    </>
  );
}
