import { React } from "../host";
import { Kind, Notice } from "../parts/notice";
import { Because } from "../parts/scene";
import { When } from "../parts/when";
import { scene as sceneText } from "../text/scene";
import type { Reason, Time } from "../types";
import type { Scene } from "./types";

const say = sceneText.head;

interface Headline {
  kind: Kind;
  title: string;
  text?: React.ReactNode;
}

const why = (reason: Reason | null | undefined, next?: Time, tries = 0) => (
  <>
    <Because reason={reason} />
    {next && (
      <div className="text-muted">
        {Date.parse(next) > Date.now() ? <>{say.next} <When at={next} /></> : say.due}
        {tries > 0 && `, ${say.tries(tries)}`}
      </div>
    )}
  </>
);

/** How many fields of its items a push of a scene would treat in one of these ways. */
const count = (s: Scene, ways: string) => s.items.reduce((n, it) => n + it.fields.filter((f) => ways.includes(f.would)).length, 0);
const WRITES = "write restore lock unlock";

/** Whether Plex has no item for the scene, as far as its last attempt found. */
const isMiss = (code: string) => /^(not_found|not_in_plex|missing_skipped|library_not_read|unknown_library|chosen_gone)$/.test(code);

function queued(s: Scene): Headline {
  const job = s.job!;
  const reason = job.last_reason;
  if (s.state === "queued" && !reason) return { kind: "info", title: say.queued, text: say.queuedText };
  const title = reason && isMiss(reason.code) ? say.notYet : reason ? say.waits : job.unfinished ? say.queued : say.postponed;
  return { kind: reason ? "warning" : "info", title, text: why(reason, job.due_at, job.attempts + job.misses) };
}

function dead(s: Scene): Headline {
  const reason = s.dead_letter!.reason;
  const code = reason?.code ?? "";
  const title = code === "ambiguous" ? say.ambiguous : isMiss(code) ? say.notFound : say.look;
  return { kind: "danger", title, text: reason ? why(reason) : s.dead_letter!.error };
}

function synced(s: Scene): Headline {
  const [writes, refused, kept] = [count(s, WRITES), count(s, "leave"), count(s, "keep")];
  const at = <>{say.pushedTo} <When at={s.items[0]?.pushed_at ?? null} /></>;
  if (s.why_not) return { kind: "warning", title: say.held, text: why(s.why_not) };
  if (writes) return { kind: "info", title: say.differs(writes), text: say.differsText };
  if (!s.plex.reachable) return { kind: "info", title: say.known, text: at };
  if (refused) return { kind: "warning", title: say.refused(refused), text: say.refusedText };
  return { kind: "success", title: say.synced, text: kept ? <>{at}. {say.keeps(kept)}</> : at };
}

/** A scene that is not queued and was not pushed, or whose push was left out. */
function outside(s: Scene): Headline {
  const last = s.attempts[0];
  const restored = s.items.length ? s.items.every((it) => it.restored) : last?.outcome === "restored";
  const writes = count(s, WRITES);
  if (s.state === "skipped" && restored) return { kind: "info", title: say.restored, text: say.restoredText };
  if (s.plex.reachable && !s.why_not && writes) return { kind: "info", title: say.would(writes), text: say.differsText };
  if (s.state === "skipped") return { kind: "info", title: say.left, text: why(s.why_not ?? last?.reason) };
  const reason = s.why_not ?? last?.reason;
  if (!reason || (!last && reason.code === "library_not_read")) return { kind: "info", title: say.never, text: say.neverText };
  return { kind: "info", title: isMiss(reason.code) ? say.notFound : say.never, text: why(reason) };
}

/** How a scene stands, in one sentence, and why. */
function headline(s: Scene): Headline {
  if (s.missing) return { kind: "warning", title: say.deleted, text: say.deletedText };
  if (s.dead_letter) return dead(s);
  if (s.job) return queued(s);
  return s.state === "synced" ? synced(s) : outside(s);
}

/** The box that says how a scene stands. children are what can be done, with what is to be done most in front. */
export function HeadlineBox({ scene, children }: { scene: Scene; children: (calm: boolean) => React.ReactNode }) {
  const said = headline(scene);
  return (
    <Notice kind={said.kind} title={said.title} text={said.text}>
      {children(said.kind === "success")}
    </Notice>
  );
}
