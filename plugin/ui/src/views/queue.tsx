import { useAsk } from "../ask";
import { Button, Link, PATH, React } from "../host";
import { useLive } from "../live";
import { Choose, Paging } from "../parts/paging";
import { Search } from "../parts/search";
import { Empty, Failed, Loading } from "../parts/state";
import { causeOf, counted } from "../parts/words";
import { useAddress } from "../route";
import { queue as queueText } from "../text/queue";
import { Rows } from "./queue/rows";
import type { List, Target } from "./queue/types";

const say = queueText;
const SEGMENTS = ["all", "due", "waiting", "dead"] as const;
const JOB_CLASSES = ["not_found", "temporary", "unready", "server_down", "stash_unavailable", "panic"];
const DEAD_CLASSES = ["not_found", "rejected", "temporary", "panic", "crashed"];

/** Everything that is queued, and everything that needs a person. */
export function Queue() {
  const [query] = useAddress();
  const state = SEGMENTS.find((s) => s === query.state) ?? "all";
  const dead = state === "dead";
  const kind: Target["list"] = dead ? "dead-letters" : "jobs";
  const part = { state: dead || state === "all" ? undefined : state, class: query.class };
  const args = { ...part, text: query.text, sort: query.sort, cursor: query.cursor };
  const { data, failure, again } = useAsk<List>(kind, args);
  return (
    <>
      <Segments state={state} />
      <Filters state={state} />
      {failure && <Failed failure={failure} again={again} />}
      {data ? (
        <>
          {data.counts.search_capped && <p className="text-muted">{say.searchCapped}</p>}
          {data.items.length ? <Rows key={kind + JSON.stringify(args)} data={data} kind={kind} whole={query.text ? null : { list: kind, ...part }} /> : <None state={state} />}
        </>
      ) : (
        !failure && <Loading />
      )}
      <Paging next={data?.next ?? null} />
    </>
  );
}

const isFiltered = (query: Record<string, string>) => !!(query.text || query.class);

/** The parts of the queue, with how much is in them. */
function Segments({ state }: { state: string }) {
  const [query] = useAddress();
  const { pulse } = useLive();
  const q = pulse?.queue;
  const count = (s: (typeof SEGMENTS)[number]) => q && counted(s === "all" ? q.due + q.waiting : q[s], q.capped);
  return (
    <nav aria-label={say.segments}>
      <ul className="nav nav-pills plexsync-segments">
        {SEGMENTS.map((s) => {
          const to = new URLSearchParams();
          if (s !== "all") to.set("state", s);
          if (query.text) to.set("text", query.text);
          return (
            <li key={s} className="nav-item">
              <Link to={`${PATH}/queue?${to}`} className={"nav-link" + (s === state ? " active" : "")} aria-current={s === state ? "page" : undefined}>
                {say[s]} {q && <span className="plexsync-count">{count(s)}</span>}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function Filters({ state }: { state: string }) {
  const [query, go] = useAddress();
  const { pulse } = useLive();
  const dead = state === "dead";
  const found = pulse?.queue.dead_by_class ?? {};
  const known = dead ? [...DEAD_CLASSES, ...Object.keys(found)] : JOB_CLASSES;
  const classes = [...new Set([...known, query.class])].filter(Boolean);
  const option = (c: string): [string, string] => [c, causeOf(c) + (dead && found[c] ? ` (${counted(found[c], pulse?.queue.capped)})` : "")];
  return (
    <div className="plexsync-filters">
      <Search name="text" label={say.search} placeholder={say.searchHint} />
      <Choose name="class" label={say.cause} options={[["", say.anyCause], ...classes.map(option)]} />
      <Choose name="sort" label={say.sort} options={[["", dead ? say.sorts.died : say.sorts.due], ["attempts", say.sorts.attempts]]} />
      {isFiltered(query) && (
        <Button size="sm" variant="link" className="mb-2" onClick={() => go({ text: "", class: "", cursor: "" })}>
          {say.clear}
        </Button>
      )}
    </div>
  );
}

/** Why a list is empty. */
function None({ state }: { state: string }) {
  const [query, go] = useAddress();
  const { pulse } = useLive();
  if (query.cursor) return <Empty icon="faCheckCircle" title={say.pastEnd} text={say.pastEndText} />;
  if (isFiltered(query)) {
    return (
      <Empty icon="faSearch" title={say.noMatch} text={say.noMatchText}>
        <Button size="sm" variant="primary" onClick={() => go({ text: "", class: "" })}>
          {say.clear}
        </Button>
      </Empty>
    );
  }
  const [title, why] = say.empty[state];
  const dead = state !== "dead" && pulse?.queue.dead;
  return (
    <Empty icon="faCheckCircle" title={title} text={why}>
      {dead ? <Link to={`${PATH}/queue?state=dead`}>{say.deadToo(counted(dead, pulse.queue.capped))}</Link> : null}
    </Empty>
  );
}
