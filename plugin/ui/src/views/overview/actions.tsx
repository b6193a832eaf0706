import { operation, task } from "../../api";
import { Dropdown, Icon, React, useIntl, useState, useToast } from "../../host";
import { useLive } from "../../live";
import { Act } from "../../parts/act";
import { Confirm } from "../../parts/confirm";
import { overview as overviewText } from "../../text/overview";

const say = overviewText;

/** What a person can start or pause here. scenes is how many Stash has. */
export function Actions({ scenes }: { scenes: number | null }) {
  const { pulse, jobs, refresh } = useLive();
  if (!pulse) return null;
  const { queue } = pulse;
  const blocked = pulse.problem ? say.why.problem : pulse.paused ? say.why.paused : jobs.length || pulse.run ? say.why.busy : "";
  const idle = !queue.due && !queue.waiting ? say.why.empty : "";
  const start = (name: string, said: string) => ({
    run: () => task(name),
    then: () => {
      refresh();
      return said;
    },
  });
  return (
    <>
      <div className="plexsync-actions mt-3">
        <Act variant="primary" icon="faPlay" disabled={!!(blocked || idle)} title={blocked || idle} {...start("Process queue", say.processed)}>
          {say.process}
        </Act>
        {!pulse.paused && <Pause />}
        <Confirm
          button={say.syncAll}
          variant="secondary"
          disabled={!!blocked || scenes === 0}
          title={say.syncAllTitle(scenes)}
          yes={say.syncYes(scenes)}
          yesVariant="primary"
          {...start("Sync all scenes", say.asksSync)}
        >
          <p>{say.syncAllText(scenes)}</p>
          <p className="text-muted mb-0">{say.syncAllUndo}</p>
        </Confirm>
        <Act disabled={!!blocked} title={say.syncRecentTitle} {...start("Sync recent scenes", say.asksSync)}>
          {say.syncRecent}
        </Act>
        <Act disabled={jobs.length > 0} title={say.compareTitle} {...start("Compare Stash and Plex", say.compared)}>
          {say.compare}
        </Act>
      </div>
      {(blocked || idle) && <p className="text-muted small mt-2 mb-0">{blocked || idle}</p>}
    </>
  );
}

/** The morning after now, in the browser's zone. */
function morning(now: Date): Date {
  const at = new Date(now);
  at.setDate(at.getDate() + 1);
  at.setHours(7, 0, 0, 0);
  return at;
}

function Pause() {
  const { refresh } = useLive();
  const intl = useIntl();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const until = morning(new Date());
  const pause = async (minutes: number) => {
    setBusy(true);
    try {
      await operation("pause", minutes ? { minutes } : {});
      toast.success(say.pausedNow);
    } catch (e) {
      toast.error(e);
    }
    setBusy(false);
    refresh();
  };
  return (
    <Dropdown>
      <Dropdown.Toggle size="sm" variant="secondary" id="plexsync-pause" disabled={busy}>
        <Icon name="faPause" /> {say.pause}
      </Dropdown.Toggle>
      <Dropdown.Menu>
        <Dropdown.Item as="button" onClick={() => pause(60)}>
          {say.pauseHour}
        </Dropdown.Item>
        <Dropdown.Item as="button" onClick={() => pause(Math.ceil((morning(new Date()).getTime() - Date.now()) / 60000))}>
          {say.pauseMorning(intl.formatTime(until))}
        </Dropdown.Item>
        <Dropdown.Item as="button" onClick={() => pause(0)}>
          {say.pauseOpen}
        </Dropdown.Item>
      </Dropdown.Menu>
    </Dropdown>
  );
}
