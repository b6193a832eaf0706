import { useAsk } from "../ask";
import { Badge, Button, Icon, React, useIntl } from "../host";
import { Choose, Paging } from "../parts/paging";
import { SceneRow } from "../parts/row";
import { Because } from "../parts/scene";
import { Search } from "../parts/search";
import { Empty, Failed, Loading } from "../parts/state";
import { When } from "../parts/when";
import { fieldsOf } from "../parts/words";
import { useAddress } from "../route";
import { activity as activityText } from "../text/activity";
import { words as wordsText } from "../text/words";
import type { Reason, Time } from "../types";

const say = activityText;
const OUTCOMES = wordsText.outcomes;

interface Attempt {
  id: number;
  at: Time;
  scene_id: number;
  title: string;
  outcome: string;
  fields: string[];
  took_ms: number;
  reason: Reason | null;
}

/** What happened lately, by day. On the first page new attempts appear; on later ones nothing moves. */
export function Activity() {
  const [query, go] = useAddress();
  const before = Number(query.cursor) || undefined;
  const args = { outcome: query.outcome, scene_id: Number(query.scene_id) || undefined, before };
  const { data, failure, again } = useAsk<{ items: Attempt[]; next: number }>("activity", args, !!before);
  const filtered = !!(args.outcome || args.scene_id);
  const clear = (variant: string) => (
    <Button size="sm" variant={variant} className={variant === "link" ? "mb-2" : ""} onClick={() => go({ outcome: "", scene_id: "", cursor: "" })}>
      {say.clear}
    </Button>
  );
  return (
    <>
      <div className="plexsync-filters">
        <Search name="scene_id" label={say.scene} placeholder={say.sceneHint} numeric />
        <Choose name="outcome" label={say.outcome} options={[["", say.anyOutcome], ...Object.entries(OUTCOMES).map(([o, [name]]): [string, string] => [o, name])]} />
        {filtered && clear("link")}
      </div>
      {failure && <Failed failure={failure} again={again} />}
      {!data ? !failure && <Loading /> : data.items.length ? (
        <Days items={data.items} />
      ) : before ? (
        <Empty icon="faHistory" title={say.end} />
      ) : filtered ? (
        <Empty icon="faSearch" title={say.noMatch} text={say.noMatchText}>
          {clear("primary")}
        </Empty>
      ) : (
        <Empty icon="faHistory" title={say.none} text={say.noneText} />
      )}
      <Paging next={data?.next ?? null} />
    </>
  );
}

function Days({ items }: { items: Attempt[] }) {
  const intl = useIntl();
  const days: [day: string, items: Attempt[]][] = [];
  for (const item of items) {
    const day = item.at ? intl.formatDate(item.at, { dateStyle: "full" } as object) : "";
    if (days[days.length - 1]?.[0] !== day) days.push([day, []]);
    days[days.length - 1][1].push(item);
  }
  return (
    <>
      {days.map(([day, list]) => (
        <section key={day}>
          <h3 className="h6 plexsync-day">{day}</h3>
          <ul className="plexsync-list">
            {list.map((item) => (
              <Entry key={item.id} item={item} />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function Entry({ item }: { item: Attempt }) {
  const [name, icon] = OUTCOMES[item.outcome] ?? [item.outcome, "faCircle"];
  return (
    <SceneRow
      id={item.scene_id}
      title={item.title}
      badge={
        <Badge variant="secondary">
          <Icon name={icon} /> {name}
        </Badge>
      }
      facts={
        <>
          <When at={item.at} />
          {item.took_ms > 0 && <span>{say.took(item.took_ms)}</span>}
        </>
      }
    >
      {item.fields.length > 0 && (
        <div className="text-break">
          <span className="text-muted">{say.wrote}</span> {fieldsOf(item.fields)}
        </div>
      )}
      <Because reason={item.reason} />
    </SceneRow>
  );
}
