import { Button, React, useState } from "../host";
import { Because } from "../parts/scene";
import { When } from "../parts/when";
import { scene as sceneText } from "../text/scene";
import { words } from "../text/words";
import { fieldName } from "./fields";
import type { Attempt } from "./types";

const say = sceneText;
const FIRST = 4;

/** What was tried for a scene, the newest first. told: why the newest ended as it did is said elsewhere. */
export function History({ attempts, told }: { attempts: Attempt[]; told: boolean }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <h4 className="h5">{say.history}</h4>
      {attempts.length === 0 && <p className="text-muted">{say.noHistory}</p>}
      <ol className="plexsync-history">
        {(all ? attempts : attempts.slice(0, FIRST)).map((a, i) => (
          <li key={a.id}>
            <div>
              <strong>{words.outcomes[a.outcome]?.[0] ?? a.outcome}</strong>{" "}
              <span className="text-muted">
                <When at={a.at} />, {say.took(a.took_ms)}
              </span>
            </div>
            {a.fields.length > 0 && (
              <div>
                {say.wrote} {a.fields.map(fieldName).join(", ")}
              </div>
            )}
            {!(told && i === 0) && <Because reason={a.reason} />}
          </li>
        ))}
      </ol>
      {attempts.length > FIRST && !all && (
        <Button size="sm" variant="secondary" onClick={() => setAll(true)}>
          {say.all(attempts.length)}
        </Button>
      )}
    </>
  );
}
