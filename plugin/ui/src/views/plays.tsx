import { Failure, operation, saveSettings } from "../api";
import { useAsk } from "../ask";
import { Card, Icon, Link, React, useEffect, useRef, useState, useToast } from "../host";
import { useLive } from "../live";
import { Act, useMounted } from "../parts/act";
import { Confirm } from "../parts/confirm";
import { Notice } from "../parts/notice";
import { Because } from "../parts/scene";
import { Failed, Loading } from "../parts/state";
import { Moment, When } from "../parts/when";
import { sentence } from "../parts/words";
import { SETTINGS, useAddress } from "../route";
import { playsText as say } from "../text/plays";
import type { Time } from "../types";
import { Choose, SETTING } from "./plays/accounts";
import { Before } from "./plays/before";
import { List, useShown } from "./plays/list";
import { Sums } from "./plays/sums";
import { Account, nameOf, Plays as Answer, Pulled } from "./plays/types";
import { Undo } from "./plays/undo";

/** What is watched in Plex, and how it becomes plays in Stash. */
export function Plays() {
  const [{ cursor }] = useAddress();
  const state = useShown();
  const { data, failure, again } = useAsk<Answer>("plays", { state, ...(cursor ? { cursor } : {}) });
  const last = useRef<Answer | null>(null);
  if (data) last.current = data;
  const known = last.current; // stays while another page of the list is loaded
  const pull = usePull(known, again);
  const { failure: down } = useLive();
  const failed = failure && !down && <Failed failure={failure} again={again} />;
  if (!known) return failed || <Loading />;
  const used = known.on || known.counts.length > 0;
  return (
    <>
      {known.on ? <On data={known} pull={pull} again={again} /> : <Off data={known} saved={pull.chosen} />}
      {failed}
      {used && (
        <>
          <Before data={known} again={again}>
            <Undo data={known} />
          </Before>
          <Sums data={known} />
          <h3 className="h5 mt-4">{say.list}</h3>
          {data ? <List data={data} /> : failure ? null : <Loading />}
        </>
      )}
    </>
  );
}

interface Pull {
  busy: boolean;
  at: Time; // when this page has pulled
  answer: Pulled | null;
  failure: Failure | null;
  now: () => Promise<Pulled>;
  /** Reads the present after the accounts were changed: what is watched later counts. */
  chosen: () => void;
}

const BETWEEN = 2 * 60 * 1000;
const isFresh = (at: Time) => at !== null && Date.now() - Date.parse(at) < BETWEEN;

/** Imports what is new: once when the view is opened, if that was not done lately, and when a person asks for it. */
function usePull(data: Answer | null, again: () => void): Pull {
  const { pulse, refresh } = useLive();
  const mounted = useMounted();
  const opened = useRef(false);
  const [state, setState] = useState<Pick<Pull, "busy" | "at" | "answer" | "failure">>({ busy: false, at: null, answer: null, failure: null });

  const pull = async (now: boolean, changed: boolean) => {
    opened.current = true;
    setState((s) => ({ ...s, busy: true, failure: null }));
    try {
      const answer = await operation<Pulled>("pull", now ? { now } : {});
      const read = !answer.stopped && !answer.idle;
      if (mounted.current) {
        setState({ busy: false, at: read ? new Date().toISOString() : null, answer, failure: null });
        if (changed || answer.idle || answer.noted + answer.written + answer.skipped + answer.refused + answer.resumed > 0) again();
        if (answer.stopped) refresh(); // what has stopped it is said above
      }
      return answer;
    } catch (failure) {
      if (mounted.current) setState((s) => ({ ...s, busy: false, failure: failure as Failure }));
      throw failure;
    }
  };

  const free = pulse !== null && pulse.configured && !pulse.problem && !pulse.paused && !pulse.run && pulse.breaker.state === "closed";
  useEffect(() => {
    if (!data?.on || pulse === null || opened.current) return;
    opened.current = true;
    if (free && !isFresh(data.last_pull_at)) pull(false, data.last_pull_at === null).catch(() => undefined);
  }, [data?.on, pulse === null]);

  return {
    ...state,
    now: () => pull(true, false),
    chosen: () => {
      if (pulse?.paused) again();
      else pull(true, true).catch(() => again());
    },
  };
}

/** What the import does, and how to switch it on. */
function Off({ data, saved }: { data: Answer; saved: () => void }) {
  const { pulse } = useLive();
  return (
    <Card className="plexsync-plays-off">
      <Card.Body>
        <h3 className="h5">{say.title}</h3>
        <p>
          <strong>{say.off}.</strong> {say.offText}
        </p>
        <ul className="plexsync-plays-points">
          {say.points.map(([icon, title, text]) => (
            <li key={title}>
              <Icon name={icon} />
              <div>
                <strong>{title}</strong>
                <div className="text-muted">{text}</div>
              </div>
            </li>
          ))}
        </ul>
        <div className="plexsync-actions">
          {pulse?.configured && !pulse.problem && <Choose data={data} variant="primary" done={saved} />}
          <Link className="btn btn-secondary btn-sm" to={SETTINGS}>
            {say.settings}
          </Link>
        </div>
      </Card.Body>
    </Card>
  );
}

function On({ data, pull, again }: { data: Answer; pull: Pull; again: () => void }) {
  const { pulse } = useLive();
  const toast = useToast();
  const { refresh } = useLive();
  const known = data.accounts.length > 0 && !data.why; // otherwise the accounts may be those of the setting before
  const names = known ? data.accounts.map(nameOf) : data.whose.map((w) => (w === "on" ? say.theOwner : w));
  const at = pull.at && Date.parse(pull.at) > Date.parse(data.last_pull_at ?? "1970-01-01") ? pull.at : data.last_pull_at;
  const now = async () => {
    const r = await pull.now();
    if (!r.stopped && !r.idle) toast.success(say.pulled(r) || say.nothingNew);
  };
  const off = () => saveSettings({ [SETTING]: null });
  return (
    <>
      <Card className="plexsync-plays-state">
        <Card.Body>
          <div className="plexsync-notice-text text-break">
            <h3 className="h5">{data.why ? say.onBut : say.on(names)}</h3>
            <div role="status">
              {pull.busy ? (
                <>
                  <Icon name="faSpinner" spin /> {say.pulling}
                </>
              ) : at ? (
                <>
                  {say.read} <When at={at} />.
                </>
              ) : (
                say.unread
              )}
            </div>
            <div className="text-muted">{pulse?.paused ? say.pausedText : say.runs}</div>
            {known && <Since accounts={data.accounts} />}
          </div>
          <div className="plexsync-actions">
            <Act variant="primary" icon="faDownload" disabled={pull.busy || !!pulse?.paused} run={now}>
              {say.pull}
            </Act>
            <Choose data={data} variant="secondary" done={pull.chosen} />
            <Confirm
              button={say.switchOff}
              variant="secondary"
              title={say.switchOffTitle}
              yes={say.switchOff}
              yesVariant="primary"
              run={off}
              then={() => {
                again();
                refresh();
                return say.switchedOff;
              }}
            >
              <p className="mb-0">{say.switchOffText}</p>
            </Confirm>
          </div>
        </Card.Body>
      </Card>
      <Why data={data} pull={pull} />
    </>
  );
}

/** Since when the plays of each account count. */
function Since({ accounts }: { accounts: Account[] }) {
  if (accounts.every((a) => a.since === accounts[0].since)) {
    return (
      <div className="text-muted">
        {say.since} <Moment at={accounts[0].since} />
      </div>
    );
  }
  return (
    <>
      {accounts.map((a) => (
        <div key={a.id} className="text-muted">
          <bdi>{nameOf(a)}</bdi> {say.sinceOf} <Moment at={a.since} />
        </div>
      ))}
    </>
  );
}

/** Why nothing is imported, and what to do. */
function Why({ data, pull }: { data: Answer; pull: Pull }) {
  const { pulse } = useLive();
  if (data.why) {
    const tracking = data.why.includes("track activity");
    return (
      <Notice kind="warning" title={say.why} text={tracking ? say.tracking : sentence(data.why)} live>
        {tracking ? (
          <Link className="btn btn-primary btn-sm" to="/settings?tab=interface">
            {say.toTracking}
          </Link>
        ) : (
          <Choose data={data} variant="primary" done={pull.chosen} />
        )}
        <Link className="btn btn-secondary btn-sm" to={SETTINGS}>
          {say.settings}
        </Link>
      </Notice>
    );
  }
  if (pull.failure) return <Notice kind="warning" title={say.notPulled} text={pull.failure.message} live />;
  const { stopped = "", idle = "", reason = null } = pull.answer ?? {};
  if (!(stopped || idle) || pulse?.paused || (stopped && pulse && (pulse.breaker.state !== "closed" || pulse.reachable === false))) return null; // said above
  return <Notice kind="info" title={say.notPulled} text={reason ? <Because reason={reason} /> : sentence(stopped || idle)} live />;
}
