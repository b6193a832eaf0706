import { React } from "../host";
import { Because } from "../parts/scene";
import { Moment } from "../parts/when";
import { playsText } from "../text/plays";
import { scene as say } from "../text/scene";
import { nameOf, Play } from "../views/plays/types";

/** What was watched of a scene in Plex, the newest first. */
export function Watched({ plays }: { plays: Play[] }) {
  if (!plays?.length) return null;
  return (
    <>
      <h4 className="h5">{say.watched}</h4>
      <ol className="plexsync-history plexsync-plays-scene">
        {plays.map((p, i) => (
          <li key={`${p.viewed_at}/${i}`}>
            <div>
              <strong>
                <Moment at={p.viewed_at} />
              </strong>{" "}
              <span className="text-muted">
                <bdi>{nameOf({ id: p.account, name: p.account_name })}</bdi>
              </span>
              <span className="badge badge-secondary">{playsText.states[p.state] ?? p.state}</span>
            </div>
            <Because reason={p.reason} />
          </li>
        ))}
      </ol>
    </>
  );
}
