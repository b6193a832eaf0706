import { Badge, Button, Form, Icon, React, useRef, useState } from "../host";
import { settings as settingsText } from "../text/settings";
import type { Control } from "./controls";
import { hasVideos, Library, nameOf, Pair } from "./model";

const say = settingsText;

/** A list of names. bad says what is wrong with one, in a few words. */
export function Chips(p: Control & { placeholder: string; bad: (name: string) => string }) {
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const names = p.value as string[];
  const add = () => {
    const name = typed.trim();
    if (name && !names.includes(name)) p.set([...names, name]);
    setTyped("");
    field.current?.focus();
  };
  return (
    <div role="group" aria-labelledby={p.labelled} aria-describedby={p.described}>
      {names.length > 0 && (
        <ul className="plexsync-settings-chips">
          {names.map((name) => (
            <Chip key={name} name={name} bad={p.bad(name)} remove={() => (p.set(names.filter((n) => n !== name)), field.current?.focus())} />
          ))}
        </ul>
      )}
      <div className="plexsync-add">
        <Form.Control
          ref={field}
          id={p.id}
          className="text-input"
          aria-label={p.placeholder}
          placeholder={p.placeholder}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          onKeyDown={(e: React.KeyboardEvent) => e.key === "Enter" && (e.preventDefault(), add())}
        />
        <Button variant="secondary" disabled={!typed.trim()} onClick={add}>
          {say.add}
        </Button>
      </div>
    </div>
  );
}

const Chip = (p: { name: string; bad: string; remove: () => void }) => (
  <li className={"plexsync-chip" + (p.bad ? " plexsync-settings-bad" : "")}>
    <span className="text-break">
      {p.name}
      {p.bad && (
        <Badge variant="danger" className="ml-2">
          {p.bad}
        </Badge>
      )}
    </span>
    <Button className="minimal" size="sm" aria-label={say.removeName(p.name)} title={say.removeName(p.name)} onClick={p.remove}>
      <Icon name="faTimes" />
    </Button>
  </li>
);

/** Plex's libraries: all movie libraries, or some. Names that Plex does not have stay until they are removed. */
export function Libraries(p: Control & { all: Library[] }) {
  const names = p.value as string[];
  const [some, setSome] = useState(names.length > 0);
  const only = some || names.length > 0;
  const absent = names.filter((n) => !p.all.some((l) => nameOf(l, p.all) === n));
  const choose = (yes: boolean) => {
    setSome(yes);
    p.set(yes ? p.all.filter((l) => l.type === "movie").map((l) => nameOf(l, p.all)) : []);
  };
  return (
    <div role="group" aria-labelledby={p.labelled} aria-describedby={p.described}>
      <Form.Check type="radio" name={p.id} id={p.id} label={say.allLibraries} checked={!only} onChange={() => choose(false)} />
      <Form.Check type="radio" name={p.id} id={p.id + "some"} label={say.someLibraries} checked={only} onChange={() => choose(true)} />
      <ul className="plexsync-libraries">
        {p.all.map((l) => {
          const name = nameOf(l, p.all);
          const on = only ? names.includes(name) : l.type === "movie";
          const about = [say.kinds[l.type] ?? l.type, hasVideos(l) ? l.size !== null && say.size(l.size) : say.noVideos].filter(Boolean).join(", ");
          return (
            <li key={l.id}>
              <Form.Check id={p.id + l.id} disabled={!only || !hasVideos(l)} label={`${l.title} (${about})`} checked={on} onChange={() => p.set(on ? names.filter((n) => n !== name) : [...names, name])} />
              {on && l.meaning && (
                <div className="plexsync-about">
                  <Icon name={l.online ? "faExclamationTriangle" : "faInfoCircle"} /> {l.agent}: {l.meaning}
                </div>
              )}
            </li>
          );
        })}
      </ul>
      {absent.length > 0 && (
        <ul className="plexsync-settings-chips">
          {absent.map((name) => (
            <Chip key={name} name={name} bad={say.notInPlex} remove={() => p.set(names.filter((n) => n !== name))} />
          ))}
        </ul>
      )}
    </div>
  );
}

/** The path map. */
export function Pairs(p: Control) {
  const pairs = p.value as Pair[];
  const edit = (i: number, change: Partial<Pair>) => p.set(pairs.map((one, k) => (k === i ? { ...one, ...change } : one)));
  return (
    <div role="group" aria-labelledby={p.labelled} aria-describedby={p.described}>
      {pairs.map((one, i) => (
        <div key={i} className="plexsync-pair">
          <Form.Control className="text-input" size="sm" placeholder={say.inStash} aria-label={say.from(i + 1)} value={one.from} onChange={(e) => edit(i, { from: e.currentTarget.value })} />
          <span className="plexsync-arrow">
            <Icon name="faArrowRight" />
          </span>
          <Form.Control className="text-input" size="sm" placeholder={say.inPlex} aria-label={say.to(i + 1)} value={one.to} onChange={(e) => edit(i, { to: e.currentTarget.value })} />
          <Button className="minimal" size="sm" aria-label={say.removePair(i + 1)} title={say.removePair(i + 1)} onClick={() => p.set(pairs.filter((_, k) => k !== i))}>
            <Icon name="faTimes" />
          </Button>
        </div>
      ))}
      <Button size="sm" variant="secondary" onClick={() => p.set([...pairs, { from: "", to: "" }])}>
        <Icon name="faPlus" /> {say.addPair}
      </Button>
    </div>
  );
}
