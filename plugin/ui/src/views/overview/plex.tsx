import { Card, Icon, PATH, Link, React, Table } from "../../host";
import { Moment, When } from "../../parts/when";
import { overview as overviewText } from "../../text/overview";
import type { Outage, PlexState } from "./types";

const say = overviewText;

/** What is known of the Plex server. */
export function Plex({ plex, outages }: { plex: PlexState; outages: Outage[] }) {
  const facts: [string, React.ReactNode][] = [
    [say.version, plex.version],
    [say.address, plex.address],
    [say.latency, plex.latency_ms !== null && say.ms(plex.latency_ms)],
    [say.last, plex.last_success_at && <When at={plex.last_success_at} />],
    [say.others, plex.others.join(", ")],
  ];
  return (
    <Card className="plexsync-overview-panel">
      <Card.Body>
        <h3 className="h5 text-break">{plex.name || say.plex}</h3>
        <Answers plex={plex} />
        <dl className="plexsync-overview-facts">
          {facts.map(([name, value]) =>
            value ? (
              <React.Fragment key={name}>
                <dt>{name}</dt>
                <dd className="text-break">{value}</dd>
              </React.Fragment>
            ) : null,
          )}
        </dl>
        <Libraries list={plex.libraries} />
        {outages.length > 0 && <Outages list={outages} />}
      </Card.Body>
    </Card>
  );
}

function Answers({ plex }: { plex: PlexState }) {
  if (plex.reachable === null) {
    return (
      <p>
        {say.unknown}. <Link to={PATH + "/check"}>{say.unknownText}</Link>
      </p>
    );
  }
  return (
    <p className={plex.reachable ? "plexsync-overview-good" : "plexsync-overview-bad"}>
      <Icon name={plex.reachable ? "faCheckCircle" : "faExclamationTriangle"} /> {plex.reachable ? say.answers : say.silentPlex}
    </p>
  );
}

const Libraries = ({ list }: { list: PlexState["libraries"] }) =>
  list.length ? (
    <Table size="sm" className="mb-0">
      <thead>
        <tr>
          <th>{say.library}</th>
          <th className="text-right">{say.files}</th>
          <th className="text-right">{say.read}</th>
        </tr>
      </thead>
      <tbody>
        {list.map((l) => (
          <tr key={l.id}>
            <td className="text-break">{l.title}</td>
            <td className="text-right text-nowrap">{say.filesOf(l.files, l.capped)}</td>
            <td className="text-right">
              <When at={l.indexed_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  ) : (
    <p className="text-muted mb-0">{say.noLibraries}</p>
  );

const Outages = ({ list }: { list: Outage[] }) => (
  <details className="plexsync-overview-more">
    <summary>{say.outages(list.length)}</summary>
    <ul className="list-unstyled mb-0">
      {list.map((o) => (
        <li key={o.started_at} className="mt-2">
          <Moment at={o.started_at} />, {o.ended_at ? overviewText.lasted(Date.parse(o.ended_at) - Date.parse(o.started_at!)) : say.still}
          <div className="text-muted text-break">{o.cause}</div>
        </li>
      ))}
    </ul>
  </details>
);
