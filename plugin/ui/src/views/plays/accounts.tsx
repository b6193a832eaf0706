import { saveSettings } from "../../api";
import { useAsk } from "../../ask";
import { Button, Form, Modal, React, useState } from "../../host";
import { Act } from "../../parts/act";
import { Notice } from "../../parts/notice";
import { Because } from "../../parts/scene";
import { Failed, Loading } from "../../parts/state";
import { quote, unquote } from "../../settings/model";
import { text } from "../../text/common";
import { playsText as say } from "../../text/plays";
import { Account, Accounts, nameOf, OWNER, Plays } from "./types";

export const SETTING = "85plays";

// Names that the setting takes for something else.
const TAKEN = /^(on|true|yes|off|false|no|\d+)$|^[[{]|^\s|\s$|^$/i;

/** How the setting names an account: by its name, or by its number if the name can mean something else. */
function wordFor(a: Account, all: Account[]): string {
  const shared = all.some((o) => o.id !== a.id && o.name.toLowerCase() === a.name.toLowerCase());
  return shared || TAKEN.test(a.name) || unquote(quote(a.name)) !== a.name ? String(a.id) : quote(a.name);
}

/** The setting for accounts: "on" for the owner alone. */
export function settingFor(ids: number[], all: Account[]): string {
  if (ids.length === 1 && ids[0] === OWNER) return "on";
  return all.filter((a) => ids.includes(a.id)).map((a) => wordFor(a, all)).join(", ");
}

/** The accounts that a setting names. */
const idsOf = (whose: string[], all: Account[]) =>
  all.filter((a) => whose.some((w) => w === String(a.id) || w.toLowerCase() === a.name.toLowerCase() || (w.toLowerCase() === "on" && a.id === OWNER))).map((a) => a.id);

/** A button with which a person chooses whose plays are imported. done is called when that is saved. */
export function Choose({ data, variant, done }: { data: Plays; variant: string; done: () => void }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <Button size="sm" variant={variant} onClick={() => setOpen(true)}>
        {say.choose}
      </Button>
      <Modal show={open} onHide={close} aria-labelledby="plexsync-plays-whose" className="plexsync">
        <Modal.Header>
          <Modal.Title as="h2" className="h5" id="plexsync-plays-whose">
            {say.chooseTitle}
          </Modal.Title>
        </Modal.Header>
        {open && <Choice data={data} close={close} done={done} />}
      </Modal>
    </>
  );
}

function Choice({ data, close, done }: { data: Plays; close: () => void; done: () => void }) {
  const { data: answer, failure, again } = useAsk<Accounts>("accounts", {}, true);
  const [chosen, setChosen] = useState<number[] | null>(null);
  const all = answer ? [...answer.accounts].sort((a, b) => a.id - b.id) : [];
  const ids = chosen ?? (data.on ? idsOf(data.whose, all) : [OWNER]);
  const reached = answer?.plex.reachable;
  return (
    <>
      <Modal.Body>
        <p>{say.chooseText}</p>
        {failure ? (
          <Failed failure={failure} again={again} />
        ) : !answer ? (
          <Loading />
        ) : !reached ? (
          <Notice kind="warning" title={say.noAccounts} text={answer.plex.reason ? <Because reason={answer.plex.reason} /> : answer.plex.why} live>
            <Button size="sm" variant="secondary" onClick={again}>
              {text.failure.again}
            </Button>
          </Notice>
        ) : (
          <ul className="plexsync-plays-accounts">
            {all.map((a) => (
              <li key={a.id}>
                <Form.Check
                  id={`plexsync-plays-account-${a.id}`}
                  checked={ids.includes(a.id)}
                  onChange={() => setChosen(ids.includes(a.id) ? ids.filter((id) => id !== a.id) : [...ids, a.id])}
                  label={
                    <>
                      <bdi>{nameOf(a)}</bdi> {a.id === OWNER && <span className="text-muted">({say.owner})</span>}
                    </>
                  }
                />
              </li>
            ))}
          </ul>
        )}
      </Modal.Body>
      <Modal.Footer>
        <Button size="sm" variant="secondary" onClick={close}>
          {text.cancel}
        </Button>
        <Act
          variant="primary"
          disabled={!reached || ids.length === 0}
          run={() => saveSettings({ [SETTING]: settingFor(ids, all) })}
          then={() => {
            close();
            done();
            return data.on ? say.saved : say.switchedOn;
          }}
        >
          {data.on ? say.save : say.switchOn}
        </Act>
      </Modal.Footer>
    </>
  );
}
