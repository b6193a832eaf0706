import { task } from "../../api";
import { Icon, React, useEffect, useRef, useState } from "../../host";
import { Job, nameOf } from "../../jobs";
import { useLive } from "../../live";
import { Act } from "../../parts/act";
import { Confirm } from "../../parts/confirm";
import { playsText as say } from "../../text/plays";
import { AtWork } from "../reports";
import { Span } from "./sums";
import { groups, placeOf, Plays, span, sum } from "./types";
import { UNDO } from "./undo";

const IMPORT = "Import plays";
const CONTINUED = "Plays, continued";

/** A task about plays in Stash's queue. */
export const usePlaysJob = (): Job | undefined => useLive().jobs.find((j) => [IMPORT, UNDO, CONTINUED].includes(nameOf(j)));

/** A task that this page has started, and whether it has ended. */
interface Started {
  what: "count" | "import";
  total: number; // of an import
  over: boolean;
}

/** Counts what was watched before the import began, then imports it. */
export function Before({ data, again, children }: { data: Plays; again: () => void; children: React.ReactNode }) {
  const { pulse, refresh } = useLive();
  const job = usePlaysJob();
  const [started, setStarted] = useState<Started | null>(null);
  useEnd(job, () => {
    setStarted((s) => s && { ...s, over: true });
    again();
  });
  const missing = missingOf(data);
  const begin = (what: Started["what"]) => () => {
    setStarted({ what, total: sum(missing), over: false });
    refresh();
  };
  const blocked = !pulse?.configured || pulse.problem !== "" || pulse.paused !== null || data.why !== "";
  // A task that could not read Plex ends like any other, so what is known of Plex decides.
  const complete = started?.what === "count" && started.over && !blocked && pulse?.breaker.state === "closed" && pulse.reachable !== false;
  const failed = !!started?.over && started.what === "count" && !complete;
  if (job) return <Working job={job} data={data} started={started} />;
  const countButton = (
    <Act disabled={blocked} variant={missing.length || complete ? "secondary" : "primary"} run={() => task(IMPORT, { mode: "import-plays", dry_run: true })} then={begin("count")}>
      {complete ? say.again : say.count}
    </Act>
  );
  return (
    <div className="plexsync-plays-tools">
      {data.on && (
        <section className="plexsync-plays-tool">
          <h3 className="h5">{say.before}</h3>
          {!missing.length && <p className="text-muted">{say.beforeText}</p>}
          {!missing.length && (complete || failed) && (
            <p role="status">
              <Icon name={complete ? "faCheckCircle" : "faExclamationTriangle"} /> {complete ? say.foundNone : say.notAll}
            </p>
          )}
          {missing.length ? (
            <Found data={data} complete={!!complete} failed={failed} blocked={blocked} begin={begin("import")}>
              {countButton}
            </Found>
          ) : (
            <div className="plexsync-actions">{countButton}</div>
          )}
        </section>
      )}
      {children}
    </div>
  );
}

/** Calls a function when a job has left the queue and what it was continued by, too. */
function useEnd(job: Job | undefined, then: () => void) {
  const was = useRef(false);
  useEffect(() => {
    if (was.current && !job) then();
    was.current = job !== undefined;
  }, [job === undefined]);
}

/** The plays of the chosen accounts that an import would add. */
const missingOf = (data: Plays) => data.counts.filter((c) => ["past", "undone"].includes(c.state) && data.accounts.some((a) => a.id === c.account));

function Working({ job, data, started }: { job: Job; data: Plays; started: Started | null }) {
  const undo = nameOf(job) === UNDO;
  const imports = started?.what === "import" && !started.over && !undo;
  const text = undo ? say.undoing : imports ? say.importing : nameOf(job) === IMPORT ? say.counting : say.working;
  const left = sum(missingOf(data)) + sum(data.counts.filter((c) => c.state === "new" && c.linked));
  const done = imports ? say.progress(Math.max(0, started!.total - left), started!.total) : undo ? "" : say.soFar(sum(data.counts));
  return (
    <AtWork job={job} running={text} text={done} steady />
  );
}

function Found(p: { data: Plays; complete: boolean; failed: boolean; blocked: boolean; begin: () => void; children: React.ReactNode }) {
  const missing = missingOf(p.data);
  const total = sum(missing);
  const undone = sum(missing.filter((c) => c.state === "undone"));
  const unlinked = sum(missing.filter((c) => !c.linked));
  return (
    <>
      <div role="status">
        <strong>{p.complete ? say.found(total) : say.foundSoFar(total)}</strong>
        {p.failed && <div>{say.notAll}</div>}
      </div>
      <ul className="plexsync-plays-found">
        {groups(missing).map((g) => {
          const lost = sum(g.filter((c) => !c.linked));
          return (
            <li key={`${g[0].account}/${g[0].library}`}>
              {placeOf(g[0])}: <b>{sum(g).toLocaleString()}</b>, <Span of={span(g)} />
              {lost > 0 && `, ${say.unlinked(lost)}`}
            </li>
          );
        })}
      </ul>
      <div className="plexsync-actions">
        <Confirm
          button={say.import(total)}
          variant={p.complete ? "primary" : "secondary"}
          yesVariant="primary"
          disabled={p.blocked}
          title={say.importTitle(total)}
          yes={say.import(total)}
          run={() => task(IMPORT, { mode: "import-plays" })}
          then={p.begin}
        >
          <p>{say.importText(total, unlinked)}</p>
          {undone > 0 && <p>{say.importUndone(undone)}</p>}
          {!p.complete && <p>{say.importMore}</p>}
          <p className="text-muted mb-0">{say.importUndo}</p>
        </Confirm>
        {p.children}
      </div>
    </>
  );
}
