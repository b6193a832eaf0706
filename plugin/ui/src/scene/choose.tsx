import { operation } from "../api";
import { useAsk } from "../ask";
import { Button, Form, Modal, React, useIntl, useState } from "../host";
import { Act } from "../parts/act";
import { Failed, Loading } from "../parts/state";
import { text } from "../text/common";
import { scene as sceneText } from "../text/scene";
import { Dialog } from "./dialog";
import type { Candidate, Linked } from "./types";

const say = sceneText;

interface Props {
  id: number;
  done: (problem: string) => void;
}

/** A button with which a person chooses the Plex item of a scene. */
export const Choose = (p: Props) => (
  <Dialog button={say.choose} icon="faLink" title={say.chooseTitle} large>
    {(close) => <Choice {...p} close={close} />}
  </Dialog>
);

function Choice({ id, done, close }: Props & { close: () => void }) {
  const [words, setWords] = useState("");
  const [wanted, setWanted] = useState("");
  const [chosen, setChosen] = useState<Candidate | null>(null);
  const { data, failure, loading, again } = useAsk<{ items: Candidate[]; complete: boolean }>("candidates", { scene_id: id, text: wanted }, true);
  const search = (e: React.FormEvent) => {
    e.preventDefault();
    setChosen(null);
    setWanted(words.trim());
  };
  return (
    <>
      <Modal.Body>
        <p>{say.chooseText}</p>
        <Form onSubmit={search} className="plexsync-scene-search">
          <Form.Control size="sm" className="text-input" aria-label={say.search} placeholder={say.search} value={words} onChange={(e) => setWords(e.currentTarget.value)} />
          <Button size="sm" variant="secondary" type="submit">
            {say.searchButton}
          </Button>
        </Form>
        {failure && <Failed failure={failure} again={again} />}
        {!data && loading && <Loading />}
        {data?.items.length === 0 && (
          <p className="text-muted mt-3">
            <strong>{wanted ? say.noHits : say.noCandidates}</strong>
            <br />
            {say.noCandidatesText}
          </p>
        )}
        {data && !data.complete && <p className="text-muted">{say.incomplete}</p>}
        {data && <Candidates items={data.items} scene={id} chosen={chosen} choose={setChosen} />}
      </Modal.Body>
      <Modal.Footer>
        <Button size="sm" variant="secondary" onClick={close}>
          {text.cancel}
        </Button>
        <Act
          variant="primary"
          disabled={!chosen}
          run={() => operation<Linked>("link", { scene_id: id, rating_key: chosen!.rating_key, path: chosen!.path })}
          then={(r) => {
            close();
            done(r.stopped ?? "");
            return r.stopped ? undefined : r.run_follows ? say.linked : say.stored;
          }}
        >
          {say.use}
        </Act>
      </Modal.Footer>
    </>
  );
}

function Candidates(p: { items: Candidate[]; scene: number; chosen: Candidate | null; choose: (c: Candidate) => void }) {
  const intl = useIntl();
  const size = (n: number) => intl.formatNumber(n / 2 ** 20, { maximumFractionDigits: 1 }) + " MiB";
  return (
    <fieldset className="plexsync-candidates">
      <legend className="sr-only">{say.chooseTitle}</legend>
      {p.items.map((c) => (
        <label key={c.rating_key + c.path}>
          <input type="radio" name="plexsync-candidate" checked={p.chosen === c} onChange={() => p.choose(c)} />
          <span>
            <span className="text-break">{c.path}</span>
            <span className="text-muted">
              {[`${say.item} ${c.rating_key}`, c.library, size(c.size), c.chosen_by ? say.taken(c.chosen_by) : c.owner && c.owner !== p.scene ? say.owned(c.owner) : ""].filter(Boolean).join(" · ")}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
