import { Icon, Link, PATH, React } from "../../host";
import { Paging } from "../../parts/paging";
import { Because, SceneLink, Thumb } from "../../parts/scene";
import { Empty } from "../../parts/state";
import { Moment, When } from "../../parts/when";
import { useAddress } from "../../route";
import { playsText as say } from "../../text/plays";
import { nameOf, Play, Plays, sum } from "./types";

// The states that are always offered; the others only if a play is in them.
const ALWAYS = ["written", "new"];

/** The state that an address names. */
export function useShown(): string {
  const [{ state }] = useAddress();
  return state in say.states ? state : "written";
}

/** The plays of one state, in pages. */
export function List({ data }: { data: Plays }) {
  const state = useShown();
  return (
    <>
      <Segments data={data} state={state} />
      {data.items.length ? (
        <>
          <p className="text-muted">{say.means[state]}</p>
          <ul className="plexsync-list">
            {data.items.map((play, i) => (
              <Row key={`${play.viewed_at}/${play.account}/${i}`} play={play} />
            ))}
          </ul>
        </>
      ) : (
        <None state={state} />
      )}
      <Paging next={data.next} />
    </>
  );
}

function Segments({ data, state }: { data: Plays; state: string }) {
  const count = (s: string) => sum(data.counts.filter((c) => c.state === s));
  return (
    <nav aria-label={say.parts}>
      <ul className="nav nav-pills plexsync-segments">
        {Object.keys(say.states)
          .filter((s) => ALWAYS.includes(s) || s === state || count(s) > 0)
          .map((s) => (
            <li key={s} className="nav-item">
              <Link to={`${PATH}/plays${s === "written" ? "" : "?state=" + s}`} className={"nav-link" + (s === state ? " active" : "")} aria-current={s === state ? "page" : undefined}>
                {say.states[s]} <span className="plexsync-count">{count(s).toLocaleString()}</span>
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  );
}

function None({ state }: { state: string }) {
  const [{ cursor }] = useAddress();
  const [title, text] = say.empty[cursor ? "cursor" : state] ?? say.empty.other;
  return <Empty icon={state === "written" ? "faPlay" : "faCheckCircle"} title={title} text={text} />;
}

const Row = ({ play }: { play: Play }) => (
  <li className="plexsync-row">
    <div className="plexsync-row-lead">
      {play.scene_id ? (
        <Thumb id={play.scene_id} />
      ) : (
        <span className="plexsync-thumb plexsync-nothumb text-muted">
          <Icon name="faFilm" />
        </span>
      )}
    </div>
    <div className="plexsync-row-head text-break">
      {play.scene_id ? <SceneLink id={play.scene_id} title={play.title} /> : <strong><bdi>{play.title || say.noScene}</bdi></strong>}
      {!play.scene_id && <span className="badge badge-secondary">{say.noScene}</span>}
    </div>
    <div className="plexsync-facts text-muted">
      <Moment at={play.viewed_at} />
      <bdi>{nameOf({ id: play.account, name: play.account_name })}</bdi>
      {play.library_name && <bdi>{play.library_name}</bdi>}
      {play.due_at && (
        <span>
          {say.next} <When at={play.due_at} ahead />
        </span>
      )}
    </div>
    <div className="plexsync-row-body">
      <Because reason={play.reason} />
    </div>
  </li>
);
