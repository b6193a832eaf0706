import { operation } from "../api";
import { useAsk } from "../ask";
import { Link, PATH, React, useEffect, useState } from "../host";
import { onJob } from "../jobs";
import { useLive } from "../live";
import { Act } from "../parts/act";
import { Confirm } from "../parts/confirm";
import { FindFile } from "../parts/find";
import { Notice } from "../parts/notice";
import { Because } from "../parts/scene";
import { Failed } from "../parts/state";
import { text } from "../text/common";
import { scene as sceneText } from "../text/scene";
import type { Reached, Reason } from "../types";
import { HeadlineBox } from "./headline";
import { History } from "./history";
import { ItemCard } from "./item";
import { Watched } from "./plays";
import { Restore } from "./restore";
import type { Linked, Pushed, Scene } from "./types";
import { Wait } from "./wait";

const say = sceneText;

/** Everything about one scene. tab: it stands alone on Stash's page of the scene, without what the own page knows. */
export function Panel({ id, tab }: { id: number; tab?: boolean }) {
  const { data, failure, again } = useAsk<Scene>("scene", { scene_id: id }, tab);
  const { pulse, refresh } = useLive();
  const [problem, setProblem] = useState<Problem | null>(null);
  useJobs(tab ? again : null);
  const reload = pulse ? refresh : again; // the own page asks again when it sees that the queue has changed
  const done = (p: Problem | null) => {
    setProblem(p);
    reload();
  };
  if (!data) return failure ? <Failed failure={failure} again={again} /> : <Wait />;
  return (
    <div className="plexsync-scene">
      {failure && <Failed failure={failure} again={again} />}
      {!tab && <h3 className="h5 text-break">{data.title || text.untitled(id)}</h3>}
      {tab && data.paused && (
        <Notice kind="warning" title={say.paused}>
          <Link to={PATH}>{say.resume}</Link>
        </Notice>
      )}
      <HeadlineBox scene={data}>
        {(calm) => (
          <>
            <Actions scene={data} calm={calm} begin={() => setProblem(null)} done={done} />
            <span className="ml-auto">{tab ? <Link to={`${PATH}/scene/${id}`}>{say.inPage}</Link> : !data.missing && <Link to={`/scenes/${id}`}>{say.inStash}</Link>}</span>
          </>
        )}
      </HeadlineBox>
      {problem && <Notice kind="warning" title={problem.title} text={problem.reason ? <Because reason={problem.reason} /> : problem.text} live />}
      <Silent of={data} />
      {data.items.map((item) => (
        <ItemCard key={item.rating_key} item={item} scene={data} />
      ))}
      <Watched plays={data.plays} />
      <History attempts={data.attempts} told={data.state !== "synced"} />
    </div>
  );
}

/** Why what a person started has not happened. */
interface Problem {
  title: string;
  text?: string;
  reason?: Reason;
}

/** Asks again after the end of an own job; if the page is hidden then, when it is shown again. */
function useJobs(again: (() => void) | null) {
  useEffect(() => {
    if (!again) return;
    let late = false;
    const look = () => {
      if (document.hidden) late = true;
      else again();
    };
    const end = onJob((_, over) => over && look());
    const shown = () => {
      if (late && !document.hidden) {
        late = false;
        again();
      }
    };
    document.addEventListener("visibilitychange", shown);
    return () => {
      end();
      document.removeEventListener("visibilitychange", shown);
    };
  }, [again]);
}

/** Says which of Stash and Plex has not answered, so that what is shown is what was stored. */
function Silent({ of }: { of: Scene }) {
  const show = (title: string, r: Reached) => <Notice kind="warning" title={title} text={r.reason ? <Because reason={r.reason} /> : r.why} />;
  if (!of.stash.reachable) return show(say.stashSilent, of.stash);
  return of.plex.reachable ? null : show(say.plexSilent, of.plex);
}

function Actions({ scene: s, calm, begin, done }: { scene: Scene; calm: boolean; begin: () => void; done: (problem: Problem | null) => void }) {
  const args = { scene_id: s.scene_id };
  const stored = (title: string) => (text: string) => done(text ? { title, text } : null);
  return (
    <>
      {!s.missing && (
        <Act
          variant={calm ? "secondary" : "primary"}
          icon="faUpload"
          run={() => {
            begin();
            return operation<Pushed>("sync-scene", args);
          }}
          then={(r) => pushed(r, done)}
        >
          {s.state === "dead" ? say.retry : say.push}
        </Act>
      )}
      {!s.missing && s.server && <FindFile scene={s.scene_id} title={s.title} button={say.choose} icon="faLink" then={() => done(null)} />}
      {s.chosen && (
        <Confirm
          button={say.forget}
          variant="secondary"
          title={say.forgetTitle}
          yes={say.forget}
          run={() => operation<Linked>("forget", args)}
          then={(r) => {
            stored(say.forgotten)(r.stopped ?? "");
            return r.stopped ? undefined : say.forgotten;
          }}
        >
          <p className="text-break">
            {say.chosen}: {s.chosen}
          </p>
          <p>{say.forgetText}</p>
        </Confirm>
      )}
      {s.items.some((it) => it.pushed_at && !it.restored && !it.absent) && <Restore id={s.scene_id} done={stored(say.restoreFailed)} />}
    </>
  );
}

/** Shows what a push of one scene has done: a success as a toast, anything else where the person looks. */
function pushed(r: Pushed, done: (problem: Problem | null) => void): string | void {
  const outcome = (["synced", "unchanged", "waiting", "retrying", "dead", "skipped", "gone"] as const).find((name) => r[name] > 0);
  if (r.stopped) {
    const paused = r.reason?.code === "pushing_paused"; // by whom, and how to resume, is said above
    done(paused ? { title: say.outcome.paused } : { title: r.queued ? say.outcome.queued : say.outcome.nothing, text: r.stopped, reason: r.reason });
    return;
  }
  done(null);
  return say.outcome[outcome ?? "nothing"];
}
