import { Button, Form, Icon, Link, PATH, React } from "../host";
import { sentence } from "../parts/words";
import { settings as settingsText } from "../text/settings";
import { Control, Fields, NumberField, Secret, Switch, TextField } from "./controls";
import { Chips, Libraries, Pairs } from "./lists";
import { nameKey, same, Setting, SettingsAnswer, unquote } from "./model";

const say = settingsText;

interface Props {
  s: Setting;
  answer: SettingsAnswer;
  value: unknown;
  edited: boolean;
  set: (value: unknown) => void;
  undo: () => void;
  problem: string; // what the page or a check has found
}

/** One setting: its name, state and help, and beside them its control and what is wrong with it. */
export function Row(p: Props) {
  const { s } = p;
  const id = "plexsync-set-" + s.name;
  const problems = p.problem ? [p.problem] : p.edited ? [] : s.problems.map((one) => sentence(one.text));
  const labelled = id + "-label";
  const control: Control = { s, value: p.value, set: p.set, id, labelled, described: `${id}-help ${id}-problem` };
  const required = s.kind === "secret" || s.name === "plexUrl";
  const changed = !required && !same(s.value, s.default);
  const single = s.kind === "text" || s.kind === "number";
  return (
    <div className={"plexsync-setting" + (p.edited ? " plexsync-edited" : "")}>
      <div className="plexsync-setting-about">
        <div className="plexsync-setting-name">
          <Form.Label id={labelled} htmlFor={single ? id : undefined} as={single ? undefined : "span"}>
            {s.label}
          </Form.Label>
          {p.edited ? <span className="plexsync-mark plexsync-careful">{say.unsaved}</span> : changed && <span className="plexsync-mark">{say.changed}</span>}
        </div>
        <div id={id + "-help"} className="text-muted">
          {say.help[s.name]}
        </div>
      </div>
      <div className="plexsync-setting-control">
        <Input {...p} control={control} />
        {s.name === "insecureTLS" && p.value === true && (
          <div className="plexsync-settings-problem plexsync-careful">
            <Icon name="faExclamationTriangle" /> {say.insecure}
          </div>
        )}
        <div id={id + "-problem"} role="status">
          {problems.map((one) => (
            <div key={one} className="plexsync-settings-problem text-break">
              <Icon name="faTimesCircle" /> {one}
            </div>
          ))}
        </div>
        {s.name === "excludeTags" && !p.edited && <Excluded answer={p.answer} />}
        <div className="plexsync-default text-muted">
          {!required && <span>{say.standard(defaultOf(s))}</span>}
          {p.edited && s.kind !== "secret" && (
            <Button variant="link" size="sm" aria-label={`${say.undo}: ${s.label}`} onClick={p.undo}>
              {say.undo}
            </Button>
          )}
          {!required && (!same(p.value, s.default) || (s.problems.length > 0 && !p.edited)) && (
            <Button variant="link" size="sm" aria-label={`${say.useDefault}: ${s.label}`} onClick={() => p.set(s.default)}>
              {say.useDefault}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}

function Input(p: Props & { control: Control }) {
  const { answer, control, s } = p;
  switch (s.kind) {
    case "secret":
      return <Secret {...control} edited={p.edited} undo={p.undo} />;
    case "boolean":
      return <Switch {...control} />;
    case "number":
      return <NumberField {...control} />;
    case "pairs":
      return <Pairs {...control} />;
    case "fields":
      return <Fields {...control} />;
    case "text":
      return <TextField {...control} />;
  }
  if (s.name === "plexLibraries" && answer.libraries) return <Libraries {...control} all={answer.libraries} />;
  const placeholder = { plexLibraries: say.libraryName, plays: say.accountName }[s.name] ?? say.tagName;
  const unknown = s.name === "excludeTags" ? (answer.excluded_tags?.unknown ?? []).map((n) => nameKey(unquote(n))) : [];
  return (
    <>
      <Chips {...control} placeholder={placeholder} bad={(name) => (unknown.includes(nameKey(name)) ? say.notInStash : "")} />
      {s.name === "plexLibraries" && <div className="plexsync-about">{say.librariesUnknown}</div>}
      {s.name === "plays" && (
        <div className="plexsync-about">
          <Link to={PATH + "/plays"}>{say.toPlays}</Link>
        </div>
      )}
    </>
  );
}

/** What the saved tags exclude. */
function Excluded({ answer }: { answer: SettingsAnswer }) {
  const tags = answer.excluded_tags;
  if (!tags) return <div className="plexsync-about">{say.excludedUnknown}</div>;
  return (
    <>
      {tags.count > 0 && <div className="plexsync-about">{say.excluded(tags.count)}</div>}
      {[tags.problem, ...tags.warnings].filter(Boolean).map((one) => (
        <div key={one} className="plexsync-settings-problem text-break">
          <Icon name="faExclamationTriangle" /> {sentence(one)}
        </div>
      ))}
    </>
  );
}

function defaultOf(s: Setting): string {
  if (s.name === "plexLibraries") return say.everyMovie;
  if (s.name === "plays") return say.off;
  if (s.kind === "boolean") return s.default ? say.on : say.off;
  if (s.kind === "fields") return (s.default as string[]).map((name) => say.fields[name] ?? name).join(", ");
  return s.kind === "number" ? String(s.default) : say.empty;
}
