import { Button, Form, React, useState } from "../host";
import { text } from "../text/common";
import { settings as settingsText } from "../text/settings";
import { MOST, Setting } from "./model";

const say = settingsText;

/** What each control gets. ids names the elements that describe it. */
export interface Control {
  s: Setting;
  value: any;
  set: (value: unknown) => void;
  id: string;
  labelled: string;
  described: string;
}

export const TextField = (p: Control) => (
  <Form.Control id={p.id} className="text-input" aria-describedby={p.described} value={p.value} onChange={(e) => p.set(e.currentTarget.value)} />
);

export const NumberField = (p: Control) => (
  <Form.Control id={p.id} className="text-input plexsync-number" type="number" min={1} max={MOST[p.s.name]} aria-describedby={p.described} value={p.value} onChange={(e) => p.set(e.currentTarget.value)} />
);

export const Switch = (p: Control) => (
  <Form.Check type="switch" id={p.id} aria-labelledby={p.labelled} aria-describedby={p.described} label={p.value ? say.on : say.off} checked={p.value} onChange={() => p.set(!p.value)} />
);

/** The fields that are pushed. */
export const Fields = (p: Control) => (
  <div className="plexsync-boxes" role="group" aria-labelledby={p.labelled} aria-describedby={p.described}>
    {Object.keys(say.fields).map((name) => (
      <Form.Check
        key={name}
        id={p.id + name}
        label={say.fields[name]}
        checked={p.value.includes(name)}
        onChange={(e) => p.set(Object.keys(say.fields).filter((n) => (n === name ? e.currentTarget.checked : p.value.includes(n))))}
      />
    ))}
  </div>
);

/**
 * The token, which the page never has: it can be replaced or removed. The field keeps what is typed, since React would
 * write a value into the document.
 */
export function Secret(p: Control & { edited: boolean; undo: () => void }) {
  const [open, setOpen] = useState(p.edited && p.value !== null); // typed during a save, which begins the controls anew
  const known = p.s.value as { set: boolean; length: string };
  const typing = open && (!p.edited || p.value !== null);
  const close = () => {
    setOpen(false);
    p.undo();
  };
  return (
    <div role="group" aria-labelledby={p.labelled} aria-describedby={p.described}>
      {typing ? (
        <Form.Control id={p.id} aria-labelledby={p.labelled} className="text-input mb-2" type="password" autoComplete="new-password" autoFocus onChange={(e) => (e.currentTarget.value ? p.set(e.currentTarget.value) : p.undo())} />
      ) : (
        <p className="mb-2">{p.edited ? say.token.removed : say.token[known.length || "unset"]}</p>
      )}
      <div className="plexsync-actions">
        {!typing && !p.edited && (
          <Button size="sm" variant="secondary" onClick={() => setOpen(true)}>
            {known.set ? say.replace : say.enter}
          </Button>
        )}
        {!typing && !p.edited && known.set && (
          <Button size="sm" variant="secondary" onClick={() => p.set(null)}>
            {say.remove}
          </Button>
        )}
        {(typing || p.edited) && (
          <Button size="sm" variant="secondary" onClick={close}>
            {known.set ? say.keep : text.cancel}
          </Button>
        )}
      </div>
    </div>
  );
}
