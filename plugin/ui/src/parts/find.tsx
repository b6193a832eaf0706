import { operation } from "../api";
import { useAsk } from "../ask";
import { Button, Form, Icon, Modal, React, useState } from "../host";
import { useLive } from "../live";
import { text } from "../text/common";
import { find as findText } from "../text/find";
import type { Reason } from "../types";
import { Act } from "./act";
import { Empty, Failed, Loading } from "./state";
import { sizeOf } from "./words";

const say = findText;

/** A file in Plex that a person can choose for a scene. */
export interface PlexFile {
  rating_key: string;
  path: string;
  library: string;
  size: number;
}
type Candidate = PlexFile & { chosen_by: number; owner: number };

/** Files in Plex, each with the button that makes it the one of a scene. */
export function Files(p: { scene: number; files: (PlexFile & Partial<Candidate>)[]; then: () => void }) {
  const { refresh } = useLive();
  const link = (f: PlexFile) => operation<{ run_follows: boolean; stopped?: string; reason?: Reason }>("link", { scene_id: p.scene, rating_key: f.rating_key, path: f.path });
  return (
    <ul className="plexsync-files">
      {p.files.map((f) => {
        const taken = f.chosen_by && f.chosen_by !== p.scene ? f.chosen_by : 0;
        return (
          <li key={f.rating_key + f.path}>
            <div className="text-break">
              <bdi>{f.path}</bdi>
              <div className="text-muted">
                {f.library}
                {f.size > 0 && `, ${sizeOf(f.size)}`}
              </div>
              {taken > 0 && <div>{say.chosenBy(taken)}</div>}
              {f.chosen_by === p.scene && <div>{say.chosenHere}</div>}
              {!taken && !!f.owner && f.owner !== p.scene && <div>{say.owner(f.owner)}</div>}
            </div>
            <Act
              disabled={taken > 0 || f.chosen_by === p.scene}
              label={say.chooseThis(f.path)}
              title={say.choose}
              run={() => link(f)}
              then={(a) => {
                p.then();
                refresh();
                return a.run_follows ? say.linked : say.linkedLater(a.reason?.text ?? a.stopped ?? "");
              }}
            >
              {say.choose}
            </Act>
          </li>
        );
      })}
    </ul>
  );
}

interface Props {
  scene: number;
  title: string;
  then: () => void;
  button?: string;
  icon?: string;
}

/** A button that opens a search for the file of a scene in Plex. */
export function FindFile({ scene, title, then, button, icon }: Props) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <Button size="sm" variant="secondary" onClick={() => setOpen(true)}>
        {icon && <Icon name={icon} />} {button ?? say.open}
      </Button>
      <Modal show={open} onHide={close} size="lg" scrollable onEntered={() => document.getElementById("plexsync-part")?.focus()} aria-labelledby="plexsync-find" className="plexsync">
        <Modal.Header>
          <Modal.Title as="h2" className="h5 text-break" id="plexsync-find">
            {say.title}
            <div className="plexsync-facts text-muted">
              <bdi>{title || text.untitled(scene)}</bdi>
            </div>
          </Modal.Title>
        </Modal.Header>
        <Modal.Body>
          <Found
            scene={scene}
            then={() => {
              close();
              then();
            }}
          />
        </Modal.Body>
        <Modal.Footer>
          <Button size="sm" variant="secondary" onClick={close}>
            {text.cancel}
          </Button>
        </Modal.Footer>
      </Modal>
    </>
  );
}

function Found({ scene, then }: { scene: number; then: () => void }) {
  const [typed, setTyped] = useState("");
  const [part, setPart] = useState("");
  const { data, failure, loading, again } = useAsk<{ items: Candidate[]; complete: boolean }>("candidates", { scene_id: scene, text: part }, true);
  // The items between which the last push could not decide are always in the answer.
  const items = data?.items.filter((f) => f.path.toLowerCase().includes(part.toLowerCase()));
  return (
    <>
      <p>{say.about}</p>
      <Form
        role="search"
        className="mb-3"
        onSubmit={(e: React.FormEvent) => {
          e.preventDefault();
          setPart(typed.trim());
        }}
      >
        <Form.Label htmlFor="plexsync-part">{say.label}</Form.Label>
        <div className="d-flex">
          <Form.Control id="plexsync-part" size="sm" className="text-input" type="search" value={typed} onChange={(e) => setTyped(e.currentTarget.value)} />
          <Button size="sm" variant="primary" type="submit" className="ml-2">
            {say.search}
          </Button>
        </div>
      </Form>
      {failure && <Failed failure={failure} again={again} />}
      {loading && !data && <Loading />}
      {data && items && !failure && (
        <>
          {items.length === 0 && <Empty icon="faSearch" title={say.none} text={say.noneText} />}
          {items.length > 0 && <p className="text-muted text-break">{part ? say.matching(part) : say.similar}</p>}
          <Files scene={scene} files={items} then={then} />
          {!data.complete && <p className="text-muted mt-2">{say.incomplete}</p>}
        </>
      )}
    </>
  );
}
