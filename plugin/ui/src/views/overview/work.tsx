import { stopJob } from "../../api";
import { Card, Icon, ProgressBar, React } from "../../host";
import { Job, nameOf } from "../../jobs";
import { useLive } from "../../live";
import { Act } from "../../parts/act";
import { SceneLink } from "../../parts/scene";
import { When } from "../../parts/when";
import { overview as overviewText } from "../../text/overview";
import type { RunReport } from "../../types";

const say = overviewText;

/** The run in progress, and what else of the plugin stands in Stash's queue. */
export function Work() {
  const { pulse, jobs } = useLive();
  const run = pulse?.run ?? null;
  // Stash runs the tasks of plugins one after the other; a run that an edit has begun itself is no job.
  const own = run && jobs.find((j) => j.status !== "READY" && nameOf(j) === run.what);
  const others = jobs.filter((j) => j !== own);
  if (!run && !others.length) return null;
  return (
    <Card className="plexsync-overview-panel">
      <Card.Body>
        <h3 className="h5">{say.work}</h3>
        {run && <Run run={run} job={own} />}
        {others.map((j) => (
          <Waiting key={j.id} job={j} />
        ))}
      </Card.Body>
    </Card>
  );
}

function Run({ run, job }: { run: RunReport; job: Job | null | undefined }) {
  const waits = say.waits[run.waits_for];
  return (
    <div className="plexsync-work">
      <div className="plexsync-work-text">
        <div>
          <strong>{run.what}</strong>{" "}
          <span className="text-muted">
            {say.asked[run.asked_by] ?? say.askedBy(run.asked_by)} <When at={run.since} />
          </span>
        </div>
        {waits ? (
          <div>
            <Icon name="faClock" /> {waits} <When at={run.waits_until} ahead />.
          </div>
        ) : (
          <>
            <Bar what={run.what} done={run.done} total={run.total} />
            <div>
              {say.steps[run.step]} <span className="text-muted">{say.done(run.done, run.total)}</span>
            </div>
            <div className="plexsync-scene-now text-break">
              {run.scene_id > 0 && (
                <>
                  <span className="text-muted">{say.now}</span> <SceneLink id={run.scene_id} title={run.title} />
                </>
              )}
            </div>
          </>
        )}
      </div>
      {job && <Stop job={job} />}
    </div>
  );
}

/** A job that is not the run in progress: it waits, or changes nothing in Plex. */
const Waiting = ({ job }: { job: Job }) => (
  <div className="plexsync-work">
    <div className="plexsync-work-text">
      <strong>{nameOf(job)}</strong>{" "}
      <span className="text-muted">{job.status === "READY" ? say.ready : job.status === "STOPPING" ? say.stopping : say.running}</span>
      {job.status === "RUNNING" && <Bar what={nameOf(job)} done={Math.max(job.progress ?? 0, 0)} total={job.progress && job.progress > 0 ? 1 : 0} />}
    </div>
    <Stop job={job} />
  </div>
);

/** A bar of what is done; without a known total it only shows that something is. */
function Bar({ what, done, total }: { what: string; done: number; total: number }) {
  const percent = total ? Math.min(100, Math.floor((100 * done) / total)) : undefined;
  return (
    <ProgressBar className="plexsync-progress">
      <div
        className={"progress-bar" + (total ? "" : " progress-bar-striped progress-bar-animated")}
        role="progressbar"
        aria-label={say.progress(what)}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        style={{ width: `${percent ?? 100}%` }}
      />
    </ProgressBar>
  );
}

const Stop = ({ job }: { job: Job }) => (
  <Act icon="faStop" label={say.stopOf(nameOf(job))} disabled={job.status === "STOPPING"} run={() => stopJob(job.id)} then={() => say.stopAsked}>
    {say.stop}
  </Act>
);
