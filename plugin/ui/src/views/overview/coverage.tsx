import { Link, PATH, React } from "../../host";
import { overview as overviewText } from "../../text/overview";
import type { Coverage as Counts } from "./types";

const say = overviewText;

// The states in the order of the bar, with the views that list their scenes.
const STATES: [name: keyof Counts, path?: string][] = [
  ["up_to_date"],
  ["pending", "queue"],
  ["not_found", "queue?class=not_found"],
  ["dead", "queue?state=dead"],
  ["never_pushed"],
  ["restored"],
  ["left_out"],
];

const countOf = (c: Counts, name: keyof Counts): number => (name === "left_out" ? c.left_out.total : ((c[name] as number | null) ?? 0));

/** How many scenes are in which state, as one bar and a legend. */
export function Coverage({ counts }: { counts: Counts }) {
  const parts = STATES.map(([name, path]) => ({ name, path, n: countOf(counts, name) })).filter((p) => p.n > 0);
  const all = parts.reduce((sum, p) => sum + p.n, 0);
  if (!all) return null;
  const label = say.barOf(parts.map((p) => `${say.num(p.n)} ${say.states[p.name]}`).join(", "));
  return (
    <>
      <div className="plexsync-stack" role="img" aria-label={label}>
        {parts.map((p) => (
          <span key={p.name} className={"plexsync-is-" + p.name} style={{ flexGrow: p.n / all }} title={`${say.num(p.n)} ${say.states[p.name]}`} />
        ))}
      </div>
      <ul className="plexsync-legend">
        {parts.map((p) => (
          <li key={p.name} title={say.hints[p.name]}>
            <span className={"plexsync-key plexsync-is-" + p.name} />
            <span>
              <strong>{say.num(p.n)}</strong> {p.path ? <Link to={`${PATH}/${p.path}`}>{say.states[p.name]}</Link> : say.states[p.name]}
              {p.name === "left_out" && <LeftOut reasons={counts.left_out.by_reason} />}
            </span>
          </li>
        ))}
      </ul>
      {counts.deleted > 0 && <p className="text-muted mb-0 mt-2">{say.deleted(counts.deleted)}</p>}
    </>
  );
}

const LeftOut = ({ reasons }: { reasons: Record<string, number> }) => (
  <span className="d-block text-muted small">
    {Object.entries(reasons)
      .sort((a, b) => b[1] - a[1])
      .map(([code, n]) => `${say.num(n)} ${say.reasons[code] ?? say.reasons[""]}`)
      .join(", ")}
  </span>
);
