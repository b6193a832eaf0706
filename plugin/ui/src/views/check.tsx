import { operation } from "../api";
import { useAsk } from "../ask";
import { Check, CheckReport, Sample } from "../check";
import { Button, Card, Icon, Link, React, Table, useState } from "../host";
import { useLive } from "../live";
import { Act } from "../parts/act";
import { CopyReport } from "../parts/copyreport";
import { Kind, Notice } from "../parts/notice";
import { SceneLink } from "../parts/scene";
import { Empty, Failed } from "../parts/state";
import { When } from "../parts/when";
import { ruleOf, sentence } from "../parts/words";
import { SETTINGS } from "../route";
import { check as checkText } from "../text/check";

const say = checkText;

/** The last result, while Stash is open in this tab. */
let last: { report: CheckReport; at: string } | null = null;

/** The check of everything that a push needs. It asks Plex, so it starts with a click. */
export function CheckView() {
  const [on, setOn] = useState(false);
  const { data, failure, loading, again } = useAsk<CheckReport>(on ? "check" : "", { read_only: true }, true);
  const { failure: down, refresh } = useLive();
  if (data && data !== last?.report) last = { report: data, at: new Date().toISOString() };
  const run = () => (on ? again() : setOn(true));
  if (on && loading) {
    return (
      <div role="status">
        <Empty icon="faStethoscope" title={say.busy} text={say.running}>
          <Button size="sm" variant="secondary" onClick={() => setOn(false)}>
            {say.stop}
          </Button>
        </Empty>
      </div>
    );
  }
  if (on && failure && !down) return <Failed failure={failure} again={again} />;
  if (!last) {
    return (
      <Empty icon="faStethoscope" title={say.title} text={say.about}>
        <Button size="sm" variant="primary" onClick={run}>
          {say.run}
        </Button>
        <CopyReport check />
      </Empty>
    );
  }
  const { report, at } = last;
  const accepted = () => {
    refresh();
    run();
  };
  return (
    <>
      <Summary report={report}>
        <Button size="sm" variant="primary" onClick={run}>
          {say.again}
        </Button>
        {!report.ok && (
          <Link className="btn btn-secondary btn-sm" to={SETTINGS}>
            {say.settings}
          </Link>
        )}
        <CopyReport check />
        <span className="text-muted">
          {say.done} <When at={at} />
        </span>
      </Summary>
      <Another report={report} then={accepted} />
      <Card className="plexsync-group">
        <Card.Body>
          <h3 className="h5">{say.list}</h3>
          <ul className="plexsync-checks">
            {report.checks.map((c, i) => (
              <One key={i} c={c} />
            ))}
          </ul>
        </Card.Body>
      </Card>
      <Samples list={report.samples} />
    </>
  );
}

const nameOf = (c: Check) => (c.code.startsWith("setting-") ? say.label(c.code.slice(8)) : c.name);

function Summary({ report, children }: { report: CheckReport; children: React.ReactNode }) {
  const looked = report.samples.filter((s) => !s.unchecked);
  const found = looked.filter((s) => s.rule).length;
  const bad = report.checks.filter((c) => !c.ok).map(nameOf);
  const [kind, title]: [Kind, string] = bad.length
    ? ["danger", say.bad(bad.join(", "))]
    : isOther(report)
      ? ["warning", say.goodElsewhere]
      : found
      ? ["success", say.good(found, looked.length)]
      : ["warning", looked.length ? say.goodUnfound : say.goodAlone];
  return (
    <Notice kind={kind} title={title} text={bad.length > 0 && say.badText} live>
      {children}
    </Notice>
  );
}

/** What happens if the saved address leads to another server than the one that has the scenes. */
function Another({ report, then }: { report: CheckReport; then: () => void }) {
  const { server, known_server: known } = report;
  const { pulse } = useLive();
  if (!server || !isOther(report)) return null;
  const before = pulse?.server === known && pulse.name && pulse.name !== server.name ? say.named(pulse.name, short(known)) : say.known(short(known));
  return (
    <Notice kind="warning" title={say.server} text={say.serverText(say.named(server.name, short(server.id)), before)}>
      <Act
        variant="danger"
        run={() => operation("accept-server", { server: server.id })}
        then={() => {
          then();
          return say.accepted(server.name);
        }}
      >
        {say.accept(server.name)}
      </Act>
    </Notice>
  );
}

const isOther = (r: CheckReport) => r.server !== null && r.known_server !== "" && r.server.id !== r.known_server;

const short = (id: string) => (id.length > 8 ? id.slice(0, 8) + "…" : id);

function One({ c }: { c: Check }) {
  const [kind, icon, word] = !c.ok ? ["danger", "faTimesCircle", say.problem] : c.hint ? ["warning", "faExclamationTriangle", say.note] : ["success", "faCheckCircle", say.ok];
  return (
    <li className={"plexsync-settings-check plexsync-" + kind}>
      <span className="plexsync-notice-icon">
        <Icon name={icon} />
        <span className="sr-only">{word}</span>
      </span>
      <div className="text-break">
        <strong>{nameOf(c)}</strong>
        {c.detail && c.detail !== '""' && <div>{sentence(c.detail)}</div>}
        {c.hint && <div className="text-muted">{sentence(c.hint)}</div>}
      </div>
    </li>
  );
}

/** The sample scenes, those that were not found first. */
function Samples({ list }: { list: Sample[] }) {
  if (list.length === 0) return null;
  const order = (s: Sample) => (s.unchecked ? 1 : s.rule ? 2 : 0);
  return (
    <Card className="plexsync-group">
      <Card.Body>
        <h3 className="h5">{say.samples}</h3>
        <p className="text-muted">{say.samplesText}</p>
        <Table className="plexsync-settings-samples" size="sm">
          <thead>
            <tr>
              <th scope="col">{say.scene}</th>
              <th scope="col">{say.result}</th>
            </tr>
          </thead>
          <tbody>
            {[...list]
              .sort((a, b) => order(a) - order(b))
              .map((s) => (
                <tr key={s.scene_id}>
                  <td>
                    <div>
                      <SceneLink id={s.scene_id} title={s.path.split(/[\\/]/).pop() ?? ""} />
                    </div>
                    <div className="text-muted text-break">{s.path}</div>
                  </td>
                  <td className="text-break">
                    <Icon name={s.rule ? "faCheckCircle" : "faQuestionCircle"} className={s.rule ? "plexsync-yes" : "plexsync-careful"} />{" "}
                    {s.unchecked ? say.unchecked : s.rule ? say.found(ruleOf(s.rule)) : say.missing}
                    {s.why && <div className="text-muted">{sentence(s.why)}</div>}
                  </td>
                </tr>
              ))}
          </tbody>
        </Table>
      </Card.Body>
    </Card>
  );
}
