import { saveSettings } from "../../api";
import { useAsk } from "../../ask";
import { Badge, Button, Form, Icon, Link, PATH, React, useState } from "../../host";
import { Act } from "../../parts/act";
import { Notice } from "../../parts/notice";
import { SceneLink } from "../../parts/scene";
import { Failed } from "../../parts/state";
import { ruleOf, sentence } from "../../parts/words";
import { text } from "../../text/common";
import { setup as setupText } from "../../text/setup";
import { Asking } from "./parts";
import type { Libraries, Library } from "./types";

const say = setupText.libraries;

/** The value of the setting for these libraries: null if they are all movie libraries, which it also means if it is empty. */
export function settingFor(all: Library[], ids: string[]): string | null {
  if (all.every((l) => ids.includes(l.id) === (l.type === "movie"))) return null;
  const plain = (l: Library) => !/[,]|^\s*\d+\s*$/.test(l.title) && all.filter((o) => o.title.toLowerCase() === l.title.toLowerCase()).length === 1;
  return all
    .filter((l) => ids.includes(l.id))
    .map((l) => (plain(l) ? l.title : l.id))
    .join(", ");
}

/** Chooses the libraries, and shows how scenes of Stash match what they hold. */
export function ChooseLibraries({ done }: { done: () => void }) {
  const { data, failure, loading, again } = useAsk<Libraries>("libraries", {}, true);
  const [changed, setChanged] = useState<string[] | null>(null);
  if (failure) return <Failed failure={failure} again={again} />;
  if (loading || !data) return <Asking>{say.asking}</Asking>;
  if (!data.libraries) {
    return (
      <Notice kind="danger" title={say.off} text={sentence(data.plex.why)} live>
        <Button size="sm" variant="primary" onClick={again}>
          {text.failure.again}
        </Button>
      </Notice>
    );
  }
  const all = data.libraries;
  const ids = changed ?? all.filter((l) => l.chosen).map((l) => l.id);
  const set = (id: string, on: boolean) => setChanged(on ? [...ids, id] : ids.filter((one) => one !== id));
  const differs = all.some((l) => l.chosen !== ids.includes(l.id));
  const saved = () => {
    setChanged(null);
    again();
  };
  return (
    <>
      <fieldset className="mb-3">
        <legend className="h6">{say.which}</legend>
        {all.map((l) => (
          <LibraryBox key={l.id} library={l} on={ids.includes(l.id)} set={(on) => set(l.id, on)} />
        ))}
        {all.length === 0 && <p>{say.none}</p>}
        <p className="text-muted mb-0">{ids.length === 0 ? say.atLeastOne : settingFor(all, ids) === null ? say.all : say.some}</p>
      </fieldset>
      {!differs && <Matches data={data} />}
      <div className="plexsync-actions">
        {differs ? (
          <Act variant="primary" icon="faCheck" disabled={ids.length === 0} run={() => saveSettings({ "15plexLibraries": settingFor(all, ids) })} then={saved}>
            {say.save}
          </Act>
        ) : (
          <Button size="sm" variant="primary" disabled={ids.length === 0} onClick={done}>
            {setupText.next}
          </Button>
        )}
        <Button size="sm" variant="secondary" onClick={saved}>
          {say.again}
        </Button>
      </div>
    </>
  );
}

const LibraryBox = ({ library: l, on, set }: { library: Library; on: boolean; set: (on: boolean) => void }) => (
  <Form.Check
    type="checkbox"
    id={"plexsync-library-" + l.id}
    className="plexsync-setup-pick"
    checked={on}
    onChange={(e) => set(e.currentTarget.checked)}
    label={
      <>
        <span className="text-break">{l.title}</span> <Badge variant="secondary">{say.type(l.type)}</Badge>{" "}
        <span className="text-muted">{l.size === null ? "" : say.size(l.size, l.type)}</span>
        {l.meaning && (
          <small className={"d-block" + (l.online ? " plexsync-warn" : " text-muted")}>
            {l.online && <Icon name="faExclamationTriangle" />} {sentence(l.meaning)}
          </small>
        )}
        {on && l.type !== "movie" && <small className="d-block text-muted">{say.episodes}</small>}
      </>
    }
  />
);

/** How many sample scenes are in Plex, and what to do if they are few. */
function Matches({ data }: { data: Libraries }) {
  const { looked, matched, samples, problem } = data;
  if (problem) return <Notice kind="danger" title={sentence(`${problem.name}: ${problem.detail}`)} text={sentence(problem.hint)} live />;
  if (looked === 0) return <Notice kind="info" title={say.nothing} text={say.nothingText} live />;
  const missing = samples.filter((s) => s.why);
  const few = matched < looked / 2;
  const folder = missing[0]?.path.replace(/[\\/][^\\/]*$/, "");
  return (
    <>
      <Notice kind={few ? "warning" : "success"} title={say.found(matched, looked)} text={few ? say.few : matched < looked ? say.most : say.every} live>
        {few && folder && (
          <div>
            <p className="mb-1">{say.map}</p>
            <p className="plexsync-path text-break">{say.example(folder)}</p>
            <Link to={`${PATH}/setup?tab=settings`}>{say.toMap}</Link>
          </div>
        )}
      </Notice>
      <details className="mb-3">
        <summary>{say.samples(samples.length)}</summary>
        <ul className="plexsync-setup-samples">
          {[...missing, ...samples.filter((s) => !s.why)].map((s) => (
            <li key={s.scene_id}>
              <Icon name={s.rule ? "faCheckCircle" : "faTimesCircle"} className={s.rule ? "plexsync-setup-good" : "plexsync-warn"} />{" "}
              <SceneLink id={s.scene_id} title={s.path} />
              <small className="d-block text-muted text-break">{s.rule ? say.rule(ruleOf(s.rule)) : sentence(s.why ?? say.unchecked)}</small>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}
