import { task } from "../../api";
import { Form, React, useState } from "../../host";
import { useLive } from "../../live";
import { Confirm } from "../../parts/confirm";
import { playsText as say } from "../../text/plays";
import { Plays, sum } from "./types";

export const UNDO = "Undo imported plays";

/** Takes away what was imported, all or since a time. */
export function Undo({ data }: { data: Plays }) {
  const { pulse, refresh } = useLive();
  const [some, setSome] = useState(false);
  const [at, setAt] = useState("");
  const written = sum(data.counts.filter((c) => c.state === "written" || c.state === "writing" || c.state === "undoing"));
  const since = some ? new Date(at) : null; // the time of the browser's zone
  const ready = !since || !isNaN(since.getTime());
  return (
    <section className="plexsync-plays-tool">
      <h3 className="h5">{say.undo}</h3>
      <p className="text-muted">{written ? say.undoShort : say.undoNone}</p>
      <Confirm
        button={say.undoButton}
        variant="secondary"
        yesVariant="danger"
        disabled={!pulse?.configured || pulse.problem !== ""}
        title={say.undoTitle}
        yes={some ? say.undoYesSince : say.undoYesAll(written)}
        yesDisabled={!ready}
        run={() => task(UNDO, { mode: "undo-plays", ...(since ? { since: since.toISOString() } : {}) })}
        then={refresh}
      >
        <p>{say.undoText}</p>
        <Form.Check type="radio" name="plexsync-plays-undo" id="plexsync-plays-undo-all" label={say.undoAll(written)} checked={!some} onChange={() => setSome(false)} />
        <Form.Check type="radio" name="plexsync-plays-undo" id="plexsync-plays-undo-since" label={say.undoSince} checked={some} onChange={() => setSome(true)} />
        <Form.Control
          type="datetime-local"
          size="sm"
          step={1}
          className="text-input plexsync-plays-time"
          aria-label={say.undoTime}
          disabled={!some}
          value={at}
          onChange={(e) => setAt(e.currentTarget.value)}
        />
        <p>{say.undoBack}</p>
        <p className="text-muted mb-0">{say.undoPlex}</p>
      </Confirm>
    </section>
  );
}
