import { operation, task } from "./api";
import { Button, Link, PATH, React } from "./host";
import { useLive } from "./live";
import { Act } from "./parts/act";
import { Notice } from "./parts/notice";
import { Failed } from "./parts/state";
import { Moment, When } from "./parts/when";
import { text } from "./text/common";

const say = text.banner;

/** What keeps everything from being pushed, above each view: one box at a time, the most urgent one. */
export function Banner({ view }: { view: string }) {
  const { pulse, failure, refresh } = useLive();
  if (failure) return <Failed failure={failure} again={refresh} />;
  if (!pulse) return null;
  if (pulse.version !== VERSION) {
    return (
      <Notice kind="warning" title={say.version(pulse.version)} live>
        <Button size="sm" variant="primary" onClick={() => location.reload()}>
          {say.reload}
        </Button>
      </Notice>
    );
  }
  if (!pulse.configured) {
    return view === "setup" || view === "" ? null : (
      <Notice kind="info" title={say.unset}>
        <To path="setup">{say.setUp}</To>
      </Notice>
    );
  }
  if (pulse.problem) {
    return (
      <Notice kind="danger" title={say.problem} text={pulse.problem}>
        {view !== "setup" && <To path="setup?tab=settings">{say.settings}</To>}
      </Notice>
    );
  }
  if (pulse.paused) {
    return (
      <Notice
        kind="warning"
        title={say.paused(pulse.paused.by)}
        text={
          <>
            {say.pausedText} {pulse.paused.until && <>{say.until} <When at={pulse.paused.until} />.</>}
          </>
        }
      >
        <Act variant="primary" icon="faPlay" run={() => operation("resume")} then={refresh}>
          {say.resume}
        </Act>
      </Notice>
    );
  }
  return <PlexBanner view={view} />;
}

function PlexBanner({ view }: { view: string }) {
  const { pulse, jobs, refresh } = useLive();
  if (!pulse) return null;
  if (pulse.stopped?.code === "token_refused") {
    return (
      <Notice kind="danger" title={say.refused} text={pulse.stopped.text}>
        {view !== "setup" && <To path="setup">{say.signIn}</To>}
      </Notice>
    );
  }
  if (pulse.breaker.state === "closed" && pulse.reachable !== false) return null;
  const { opened_at, probe_at, consecutive_failures: failures, last_error, state } = pulse.breaker;
  return (
    <Notice
      kind="warning"
      title={say.off}
      text={
        <>
          <div>
            {state !== "closed" && opened_at && (
              <>
                {say.offSince} <Moment at={opened_at} />, {say.failures(failures)}.{" "}
              </>
            )}
            {state !== "closed" && probe_at && (
              <>
                {say.next} <When at={probe_at} ahead />.{" "}
              </>
            )}
            {say.offText}
          </div>
          <div className="text-muted">{last_error || pulse.last_error}</div>
        </>
      }
    >
      <Act
        icon="faRedo"
        disabled={jobs.length > 0}
        run={() => task("Process queue")}
        then={() => {
          refresh();
          return say.tried;
        }}
      >
        {say.tryNow}
      </Act>
    </Notice>
  );
}

/** A link to a view that looks like a button. */
export const To = (p: { path: string; children: React.ReactNode }) => (
  <Link className="btn btn-primary btn-sm" to={`${PATH}/${p.path}`}>
    {p.children}
  </Link>
);
