import { React, useIntl } from "../../host";
import { playsText as say } from "../../text/plays";
import type { Time } from "../../types";
import { Count, groups, placeOf, Plays, span, sum } from "./types";

/** The days from the first play to the last one. */
export function Span({ of }: { of: [Time, Time] }) {
  const intl = useIntl();
  const [first, last] = of.map((t) => (t ? intl.formatDate(t, { dateStyle: "medium" } as object) : ""));
  return <>{first === last ? first : `${first} – ${last}`}</>;
}

const STATES = Object.keys(say.counted);

/** What became of the plays of each account in each library. */
export function Sums({ data }: { data: Plays }) {
  if (data.counts.length === 0) return null;
  const chosen = data.accounts.map((a) => a.id);
  return (
    <section>
      <h3 className="h5 mt-4">{say.sums}</h3>
      <ul className="plexsync-plays-sums">
        {groups(data.counts).map((g) => (
          <li key={`${g[0].account}/${g[0].library}`}>
            <div className="text-break">
              <strong>{placeOf(g[0])}</strong> {data.on && !chosen.includes(g[0].account) && <span className="badge badge-secondary">{say.notChosen}</span>}
            </div>
            <div>{words(g)}</div>
            <div className="text-muted">
              <Span of={span(g)} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function words(counts: Count[]): string {
  return STATES.map((s) => [s, sum(counts.filter((c) => c.state === s))] as const)
    .filter(([, count]) => count > 0)
    .map(([s, count]) => `${count.toLocaleString()} ${say.counted[s]}`)
    .join(", ");
}
