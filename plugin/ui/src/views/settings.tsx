import { operation, saveSettings, settingsWith, task } from "../api";
import { useAsk } from "../ask";
import { CheckReport } from "../check";
import { Button, Card, Prompt, React, useEffect, useRef, useState } from "../host";
import { useLive } from "../live";
import { Act, useMounted } from "../parts/act";
import { Notice } from "../parts/notice";
import { Failed, Loading } from "../parts/state";
import { sentence } from "../parts/words";
import { Edits, findings, Found, needsCheck, same, Setting, SettingsAnswer, shown, stored, wrongWith } from "../settings/model";
import { Row } from "../settings/row";
import { settings as settingsText } from "../text/settings";

const say = settingsText;

// The settings in groups. One that is in no group is shown with the last.
const GROUPS: [group: string, names: string[]][] = [
  ["connection", ["plexUrl", "plexToken"]],
  ["pushed", ["fields", "contentRating", "keepPlexEdits"]],
  ["scenes", ["plexLibraries", "pathMap", "onlyOrganized", "excludeTags"]],
  ["back", ["plays"]],
  ["failures", ["skipMissing", "scanPlex", "maxRetries"]],
  ["experts", ["timeoutSeconds", "insecureTLS", "debugLog", "redactLogs"]],
];
const GROUPED = GROUPS.flatMap(([, names]) => names);

// The settings that a scene gets only when it is next pushed.
const LATER = ["plexLibraries", "pathMap", "fields", "contentRating", "keepPlexEdits", "onlyOrganized", "excludeTags"];

/** All settings of the plugin. */
export function SettingsView() {
  const { data, failure, again } = useAsk<SettingsAnswer>("settings", {}, true);
  if (data) return <Editor answer={data} again={again} />;
  return failure ? <Failed failure={failure} again={again} /> : <Loading />;
}

/** Whether the connection comes from a sign-in, which these settings do not show. */
const signedIn = (list: Setting[]) => list.filter((s) => GROUPS[0][1].includes(s.name)).every((s) => s.problems.length === 0 && same(s.value, s.default));

function Editor({ answer, again }: { answer: SettingsAnswer; again: () => void }) {
  const { refresh } = useLive();
  const [edits, setEdits] = useState<Edits>({});
  const [found, setFound] = useState<Found | null>(null);
  const [round, setRound] = useState(0); // of the controls: they begin anew after a save
  const [later, setLater] = useState(false);
  const all = signedIn(answer.settings) ? answer.settings.filter((s) => !GROUPS[0][1].includes(s.name)) : answer.settings;
  const visible = all.map((s) => s.name);
  const current = (s: Setting) => (s.name in edits ? edits[s.name] : shown(s, answer));
  const changes = Object.fromEntries(all.filter((s) => s.name in edits).map((s) => [s.key, stored(s, edits[s.name])]));
  const wrong = all.filter((s) => s.name in edits && wrongWith(s, edits[s.name]));
  const labels = (names: string[]) => all.filter((s) => names.includes(s.name)).map((s) => s.label);
  const count = Object.keys(edits).length;
  useWarning(count > 0);
  const ask = useChecking();

  const change = (s: Setting, value: unknown) => {
    setLater(false);
    setFound(found && { ...found, by: { ...found.by, [s.name]: "" }, stops: false, good: "" });
    setEdits((old) => {
      const { [s.name]: _, ...rest } = old;
      const undone = value === undefined || (s.problems.length === 0 && same(value, shown(s, answer)));
      return undone ? rest : { ...rest, [s.name]: value };
    });
  };
  const check = async () => {
    const report = await ask(changes);
    if (!report) return null; // nobody waits for it any more
    const byName = Object.fromEntries(all.filter((s) => s.key in changes).map((s) => [s.name, changes[s.key]]));
    const now = findings(report.checks, byName, visible);
    setFound(now);
    return now;
  };
  const save = async (anyway?: boolean) => {
    if (!anyway && needsCheck(edits) && (await check())?.stops !== false) return 0;
    await saveSettings(changes);
    setLater(Object.keys(edits).some((name) => LATER.includes(name)));
    setEdits((now) => Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== edits[name])));
    setFound(null);
    setRound((n) => n + 1);
    again();
    refresh();
    return count;
  };
  const group = (names: string[], last: boolean) => all.filter((s) => names.includes(s.name) || (last && !GROUPED.includes(s.name)));
  return (
    <div className="plexsync-settings">
      <Prompt when={count > 0} message={say.leave} />
      {GROUPS.map(([name, names], i) => (
        <Group key={name} name={name}>
          {group(names, i === GROUPS.length - 1).map((s) => (
            <Row
              key={s.name + round}
              s={s}
              answer={answer}
              value={current(s)}
              edited={s.name in edits}
              set={(value) => change(s, value)}
              undo={() => change(s, undefined)}
              problem={problemOf(s, edits, found)}
            />
          ))}
        </Group>
      ))}
      <Unknown keys={answer.unknown} again={again} />
      {later && <Later />}
      {(count > 0 || found) && (
        <section className="plexsync-savebar" aria-label={say.bar}>
          <div role="status">
            {found && <Result found={found} labels={labels(Object.keys(found.by).filter((name) => found.by[name]))} />}
            {wrong.length > 0 && <div>{say.correct(wrong.map((s) => s.label).join(", "))}</div>}
          </div>
          <div className="plexsync-actions">
            <strong>{say.changes(count)}</strong>
            <Act icon="faCheck" disabled={wrong.length > 0} run={check}>
              {say.check}
            </Act>
            {found?.stops && !found.invalid ? (
              <Act variant="danger" run={() => save(true)} then={(n) => say.saved(n)}>
                {say.saveAnyway}
              </Act>
            ) : (
              <Act variant="primary" disabled={wrong.length > 0 || count === 0} run={() => save()} then={(n) => (n ? say.saved(n) : undefined)}>
                {say.save}
              </Act>
            )}
            <Button size="sm" variant="secondary" onClick={() => (setEdits({}), setFound(null), setRound(round + 1))}>
              {say.discard}
            </Button>
          </div>
        </section>
      )}
    </div>
  );
}

function problemOf(s: Setting, edits: Edits, found: Found | null): string {
  const wrong = s.name in edits && wrongWith(s, edits[s.name]);
  return wrong ? say.wrong[wrong] : found?.by[s.name] ?? "";
}

/** Checks settings that are not saved. Leaving the view ends the check. */
function useChecking() {
  const abort = useRef<AbortController>();
  const mounted = useMounted();
  useEffect(() => () => abort.current?.abort(), []);
  return async (changes: Record<string, unknown>) => {
    abort.current = new AbortController();
    try {
      const settings = await settingsWith(changes);
      const report = await operation<CheckReport>("check", { settings }, abort.current.signal);
      return mounted.current ? report : null;
    } catch (e) {
      if (mounted.current) throw e;
      return null;
    }
  };
}

/** Asks before the browser leaves Stash. */
function useWarning(on: boolean) {
  useEffect(() => {
    if (!on) return;
    const ask = (e: BeforeUnloadEvent) => {
      e.preventDefault();
      e.returnValue = ""; // Chromium before 119
    };
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [on]);
}

function Group({ name, children }: { name: string; children: React.ReactNode[] }) {
  if (children.length === 0) return null;
  const [title, about] = say.groups[name];
  return (
    <Card as="section" className="plexsync-group" aria-labelledby={"plexsync-group-" + name}>
      <Card.Body>
        <h3 className="h5" id={"plexsync-group-" + name}>
          {title}
        </h3>
        <p className="text-muted">{about}</p>
        {children}
      </Card.Body>
    </Card>
  );
}

/** What the last check has found, as far as no setting shows it. */
function Result({ found, labels }: { found: Found; labels: string[] }) {
  const names = [...labels, ...found.other.map((c) => c.name)];
  if (names.length === 0) return found.good ? <div>{say.good(sentence(found.good))}</div> : null;
  return (
    <>
      <div>{say.problems(names.join(", "))}</div>
      {found.other.map((c) => (
        <div key={c.code} className="plexsync-settings-problem text-break">
          {c.name}: {sentence(c.detail)} {sentence(c.hint)}
        </div>
      ))}
    </>
  );
}

const Later = () => (
  <Notice kind="success" title={say.applies} text={say.appliesText}>
    <Act run={() => task("Sync all scenes")} then={() => say.asked}>
      {say.syncAll}
    </Act>
  </Notice>
);

function Unknown({ keys, again }: { keys: string[]; again: () => void }) {
  if (keys.length === 0) return null;
  return (
    <Card as="section" className="plexsync-group" aria-labelledby="plexsync-group-unknown">
      <Card.Body>
        <h3 className="h5" id="plexsync-group-unknown">
          {say.unknown}
        </h3>
        <p className="text-muted">{say.unknownText}</p>
        {keys.map((key) => (
          <div key={key} className="plexsync-unknown">
            <span className="text-break">{key}</span>
            <Act
              label={say.removeName(key)}
              run={() => saveSettings({ [key]: null })}
              then={() => {
                again();
                return say.removed(key);
              }}
            >
              {say.remove}
            </Act>
          </div>
        ))}
      </Card.Body>
    </Card>
  );
}
