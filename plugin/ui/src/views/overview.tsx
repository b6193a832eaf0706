import { useAsk } from "../ask";
import { Card, Col, Icon, Link, PATH, React, Row, useRef } from "../host";
import { useLive } from "../live";
import { Notice } from "../parts/notice";
import { Because } from "../parts/scene";
import { Failed, Loading } from "../parts/state";
import { overview as overviewText } from "../text/overview";
import { Actions } from "./overview/actions";
import { Chart } from "./overview/chart";
import { Report } from "./overview/copy";
import { Coverage } from "./overview/coverage";
import { Plex } from "./overview/plex";
import type { Coverage as Counts, Summary } from "./overview/types";
import { Work } from "./overview/work";

const say = overviewText;
const WHILE_AT_WORK = 30000;

/** How things are. */
export function Overview() {
  const live = useLive();
  // Counting a million scenes takes a second, and a run changes the queue all the time.
  const counted = useRef(0);
  const { data, failure, again } = useAsk<Summary>("overview", {}, live.pulse?.run != null && Date.now() - counted.current < WHILE_AT_WORK);
  const shown = useRef(data);
  if (shown.current !== data) {
    shown.current = data;
    counted.current = Date.now();
  }
  if (!data) return failure ? <Failed failure={failure} again={again} /> : <Loading />;
  return (
    <>
      {failure && <Failed failure={failure} again={again} />}
      <Stopped />
      <Card className="plexsync-overview-panel">
        <Card.Body>
          <Lead counts={data.coverage} />
          <Coverage counts={data.coverage} />
          <Actions scenes={data.coverage.scenes} />
        </Card.Body>
      </Card>
      <Work />
      <Row className="plexsync-columns">
        <Col lg={7}>
          <Chart days={data.days} />
        </Col>
        <Col lg={5}>
          <Plex plex={data.plex} outages={data.outages} />
        </Col>
      </Row>
      <Report />
    </>
  );
}

/** Why the last run ended early, unless the banner above says it. */
function Stopped() {
  const { pulse } = useLive();
  const reason = pulse?.stopped;
  if (!reason || pulse!.paused || pulse!.problem || reason.code === "token_refused" || pulse!.reachable === false || pulse!.breaker.state !== "closed") return null;
  return <Notice kind="warning" title={say.stopped} text={<Because reason={reason} />} />;
}

/** One sentence on how many scenes are in Plex, and what follows from it. */
function Lead({ counts }: { counts: Counts }) {
  const { pulse } = useLive();
  const all = counts.scenes;
  if (all === null) return <Title icon="faExclamationTriangle" title={say.silent} more={say.silentText} />;
  if (all === 0) return <Title title={say.none} more={say.noneText} />;
  if (counts.never_pushed === all) return <First all={all} />;
  const good = counts.up_to_date >= all;
  const quiet = good && pulse && !pulse.paused && !pulse.run && pulse.breaker.state === "closed";
  return <Title icon={good ? "faCheckCircle" : undefined} title={say.lead(Math.min(counts.up_to_date, all), all)} more={quiet ? say.quiet : ""} />;
}

const Title = (p: { icon?: string; title: string; more?: string }) => (
  <>
    <h3 className="plexsync-lead">
      {p.icon && <Icon name={p.icon} className={p.icon === "faCheckCircle" ? "plexsync-overview-good" : "plexsync-overview-bad"} />} {p.title}
    </h3>
    {p.more && <p className="text-muted">{p.more}</p>}
  </>
);

/** What to do before the first push. */
const First = ({ all }: { all: number }) => (
  <>
    <Title title={say.first(all)} />
    <p className="mb-1">{say.firstText}</p>
    <ol className="plexsync-overview-steps">
      <li>
        <Link to={PATH + "/check"}>{say.firstCheck}</Link> {say.firstCheckText}
      </li>
      <li>
        <Link to={PATH + "/preview"}>{say.firstPreview}</Link> {say.firstPreviewText}
      </li>
      <li>
        <strong>{say.syncAll}</strong> {say.firstSync}
      </li>
    </ol>
  </>
);
