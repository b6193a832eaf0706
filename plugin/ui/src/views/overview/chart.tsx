import { Card, React, Table } from "../../host";
import { overview as overviewText } from "../../text/overview";
import { duration } from "../../text/overview";
import type { Day } from "./types";

const say = overviewText;
const HEIGHT = 140;
const KINDS = ["pushed", "failed", "dead"] as const;
const DAY_MS = 24 * 3600 * 1000;

const totalOf = (d: Day) => d.pushed + d.failed + d.dead;

/** The largest total that the chart shows whole: not that of a few days which would make all others invisible. */
export function topOf(days: Day[]): number {
  const totals = days.map(totalOf).filter(Boolean).sort((a, b) => a - b);
  const most = totals[totals.length - 1] ?? 0;
  const usual = totals[Math.floor(0.8 * (totals.length - 1))] ?? 0;
  return most > 10 * usual ? 2 * usual : most;
}

// The operation's days are those of UTC; their names are the browser's.
const name = (d: Day, style: Intl.DateTimeFormatOptions) => new Date(d.date + "T00:00:00Z").toLocaleDateString(undefined, { ...style, timeZone: "UTC" });
const short = (d: Day) => name(d, { day: "numeric", month: "short" });
const sumOf = (d: Day) => say.sum(d.pushed, d.failed, d.dead, d.down_ms);

/** What happened on each day. */
export function Chart({ days }: { days: Day[] }) {
  const sum = (of: keyof Omit<Day, "date">) => days.reduce((n, d) => n + d[of], 0);
  const all = { date: "", pushed: sum("pushed"), failed: sum("failed"), dead: sum("dead"), down_ms: sum("down_ms") };
  const busy = days.filter((d) => totalOf(d) || d.down_ms);
  const top = topOf(days);
  return (
    <Card className="plexsync-overview-panel">
      <Card.Body>
        <h3 className="h5">{say.chart}</h3>
        {busy.length ? (
          <>
            <Key down={all.down_ms > 0} />
            <div className="plexsync-chart">
              <span className="plexsync-chart-top text-muted small">{say.num(top)}</span>
              <svg viewBox={`0 0 ${days.length * 10} ${HEIGHT + 10}`} preserveAspectRatio="none" role="img" aria-label={`${say.chart}: ${sumOf(all)}`}>
                {days.map((d, i) => (
                  <Bar key={d.date} day={d} x={10 * i} top={top} />
                ))}
              </svg>
              <div className="plexsync-chart-days text-muted small" aria-hidden>
                {days.map((d, i) => ((days.length - 1 - i) % 7 ? null : <span key={d.date} style={{ left: `${(100 * (i + 0.5)) / days.length}%` }}>{short(d)}</span>))}
              </div>
            </div>
            <p className="text-muted small mb-0">
              {say.utc} {days.some((d) => totalOf(d) > top) && say.clipped}
            </p>
            <Numbers days={[...busy].reverse()} />
          </>
        ) : (
          <p className="text-muted mb-0">{say.chartNone}</p>
        )}
      </Card.Body>
    </Card>
  );
}

/** One day: its counts above each other, and below the line how much of it Plex was away. */
function Bar({ day, x, top }: { day: Day; x: number; top: number }) {
  let y = HEIGHT;
  const cut = totalOf(day) > top;
  const scale = (n: number) => (n ? Math.max((HEIGHT * n) / (cut ? totalOf(day) : top), 2) : 0);
  return (
    <g>
      <title>{`${name(day, { day: "numeric", month: "long", year: "numeric" })} (UTC): ${sumOf(day)}`}</title>
      <rect x={x} y={0} width={10} height={HEIGHT + 10} fill="transparent" />
      <rect x={x} y={HEIGHT + 1} width={10} height={1} className="plexsync-axis" />
      {KINDS.map((kind) => {
        const height = Math.min(scale(day[kind]), y);
        y -= height;
        return <rect key={kind} x={x + 1.5} y={y} width={7} height={height} className={"plexsync-" + kind} />;
      })}
      {cut && <rect x={x + 1.5} y={0} width={7} height={3} className="plexsync-cut" />}
      {day.down_ms > 0 && <rect x={x} y={HEIGHT + 4} width={Math.max((10 * Math.min(day.down_ms, DAY_MS)) / DAY_MS, 1)} height={6} className="plexsync-down" />}
    </g>
  );
}

const Key = ({ down }: { down: boolean }) => (
  <ul className="plexsync-legend small mt-0">
    {[...KINDS, ...(down ? (["down"] as const) : [])].map((kind) => (
      <li key={kind}>
        <span className={"plexsync-key plexsync-" + kind} />
        {say[kind]}
      </li>
    ))}
  </ul>
);

const Numbers = ({ days }: { days: Day[] }) => (
  <details className="plexsync-overview-more">
    <summary>{say.table}</summary>
    <Table size="sm" className="mb-0">
      <thead>
        <tr>
          {say.columns.map((c, i) => (
            <th key={c} className={i ? "text-right" : ""}>
              {c}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {days.map((d) => (
          <tr key={d.date}>
            <td className="text-nowrap">{short(d)}</td>
            {KINDS.map((kind) => (
              <td key={kind} className="text-right">
                {say.num(d[kind])}
              </td>
            ))}
            <td className="text-right text-nowrap">{d.down_ms ? duration(d.down_ms) : "–"}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  </details>
);
