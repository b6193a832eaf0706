import { Button, Icon, React, useState } from "../host";
import { scene as sceneText } from "../text/scene";
import type { Field, Value } from "./types";

const say = sceneText;
const LONG = 160;

export const fieldName = (field: string) => say.fields[field] ?? field;
export const isPicture = (f: { field: string }) => f.field === "poster" || f.field === "background";
const isEmpty = (v: Value | undefined) => v === null || v === undefined || v.length === 0;
const isEqual = (a: Value | undefined, b: Value | undefined) => JSON.stringify(a) === JSON.stringify(b);

/** The state of a field: its word, and the icon and color that go with it. */
function stateOf(f: Field, read: boolean): [word: string, icon: string, kind: string] {
  if (!f.pushed && f.would === "none") return [say.state.off, "faMinus", "muted"];
  switch (f.would) {
    case "write":
    case "lock":
    case "unlock":
    case "restore":
      return [say.state[f.would], "faArrowRight", "info"];
    case "keep":
      return [say.state.keep, "faUserEdit", "warning"];
    case "leave":
      return [say.state.leave, "faBan", "danger"];
  }
  if (isPicture(f) && !f.sent) return [say.state.untouched, "faMinus", "muted"];
  if (!read) return isEqual(f.stash, shown(f, read)) ? [say.state.pushed, "faCheck", "muted"] : [say.state.unknown, "faQuestion", "muted"];
  if (isPicture(f) || isEqual(f.stash, f.plex)) return [say.state.same, "faCheck", "success"];
  if (f.normalized !== undefined) return [say.state.form, "faCheck", "success"];
  return f.stash === null ? [say.state.unknown, "faQuestion", "muted"] : [say.state.differs, "faNotEqual", "warning"];
}

/** The fields of an item in Stash and in Plex. read: Plex has told its values. */
export function Fields({ fields, read }: { fields: Field[]; read: boolean }) {
  const off = fields.filter((f) => !f.pushed && f.would === "none" && f.sent === undefined);
  const bare = fields.filter((f) => !off.includes(f) && f.would === "none" && isEmpty(f.stash) && isEmpty(shown(f, read)) && f.original === undefined);
  const rows = fields.filter((f) => !off.includes(f) && !bare.includes(f));
  const plex = read ? say.columns.plex : say.columns.sent;
  return (
    <>
      {rows.length > 0 && (
        <table className="table plexsync-fields" role="table">
          <thead role="rowgroup">
            <tr role="row">
              {[say.columns.field, say.columns.stash, plex, say.columns.state].map((name) => (
                <th key={name} scope="col" role="columnheader">
                  <bdi>{name}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows.map((f) => (
              <Row key={f.field} f={f} read={read} plex={plex} />
            ))}
          </tbody>
        </table>
      )}
      <Rest label={say.emptyBoth} fields={bare} />
      <Rest label={say.offFields} fields={off} />
    </>
  );
}

const Rest = ({ label, fields }: { label: string; fields: Field[] }) =>
  fields.length === 0 ? null : (
    <p className="text-muted plexsync-rest">
      {label} {fields.map((f) => fieldName(f.field)).join(", ")}
    </p>
  );

/** What is shown of Plex: its value now, or what it held after the last push. */
const shown = (f: Field, read: boolean): Value | undefined => (read ? f.plex : f.confirmed ?? f.sent);

function Row({ f, read, plex }: { f: Field; read: boolean; plex: string }) {
  const [open, setOpen] = useState(false);
  const [word, icon, kind] = stateOf(f, read);
  const theirs = shown(f, read);
  const locked = f.locked && !f.locked_by_us;
  // What is the same on both sides is shown once, across both columns.
  const once = isPicture(f) ? kind === "success" : isEqual(f.stash, theirs);
  return (
    <>
      <tr role="row">
        <td role="cell">
          <Button variant="link" className="plexsync-open" aria-expanded={open} onClick={() => setOpen(!open)}>
            <Icon name={open ? "faChevronDown" : "faChevronRight"} /> <span className="sr-only">{say.more} </span>
            {fieldName(f.field)}
          </Button>
        </td>
        <td role="cell" data-label={once ? undefined : say.columns.stash} colSpan={once ? 2 : 1}>
          {isPicture(f) ? <Pic value={f.stash} /> : <Shown value={f.stash} missing={read && f.would === "write" && Array.isArray(f.plex) ? f.plex : undefined} />}
        </td>
        {!once && (
          <td role="cell" data-label={plex}>
            {isPicture(f) ? <Pic value={theirs} /> : <Shown value={theirs} />}
          </td>
        )}
        <td role="cell" className="plexsync-field-state">
          <span className={"plexsync-text-" + kind}>
            <Icon name={icon} /> {word}
          </span>
          {locked && <div className="text-muted">{say.lockedByOther}</div>}
        </td>
      </tr>
      {open && (
        <tr role="row">
          <td role="cell" colSpan={4} className="plexsync-scene-more">
            <More f={f} />
          </td>
        </tr>
      )}
    </>
  );
}

const Pic = ({ value }: { value: Value | undefined }) => (value ? <span className="text-muted">{say.picture}</span> : <Shown value={value} />);
const None = () => <span className="text-muted">{say.empty}</span>;

/** A value of a field: names as chips, of which those that missing lacks get a mark; long texts are cut until a click. */
export function Shown({ value, missing }: { value: Value | undefined; missing?: string[] }) {
  const [whole, setWhole] = useState(false);
  if (value === null || value === undefined) return <span className="text-muted">–</span>;
  if (value.length === 0) return <None />;
  if (Array.isArray(value)) {
    return (
      <ul className="plexsync-scene-chips">
        {value.map((name, i) => (
          <li key={i} className="badge badge-secondary">
            {missing && !missing.includes(name) && "+ "}
            {name}
          </li>
        ))}
      </ul>
    );
  }
  const cut = value.length > LONG && !whole;
  return (
    <span className="plexsync-value">
      <bdi>{cut ? value.slice(0, LONG) + "…" : value}</bdi>{" "}
      {value.length > LONG && (
        <Button variant="link" size="sm" className="p-0" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? say.less : say.whole}
        </Button>
      )}
    </span>
  );
}

function More({ f }: { f: Field }) {
  const lock = f.locked === null ? null : !f.locked ? say.locks.open : f.locked_by_us ? say.locks.ours : f.locked_before ? say.locks.theirs : say.locks.person;
  const values: [string, Value | undefined][] = [
    [say.last, f.sent],
    [say.held, isEqual(f.confirmed, f.sent) ? undefined : f.confirmed],
    [say.normal, f.normalized],
    [say.refused, f.refused],
    [say.before, f.original],
  ];
  return (
    <dl className="plexsync-scene-list">
      {values.map(([name, value]) => value !== undefined && <Entry key={name} name={name} value={<Shown value={value} />} />)}
      {lock && <Entry name={say.lock} value={lock} />}
      {f.note && <Entry name={say.note} value={f.note} />}
    </dl>
  );
}

/** A pair of a list of facts. */
export const Entry = ({ name, value }: { name: string; value: React.ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd className="text-break">{value}</dd>
  </div>
);
