import { Badge, Button, Dropdown, Icon, React, useRef } from "../../host";
import { Files, FindFile } from "../../parts/find";
import { SceneRow } from "../../parts/row";
import { Because } from "../../parts/scene";
import { When } from "../../parts/when";
import { causeOf, triggerOf } from "../../parts/words";
import { text } from "../../text/common";
import { queue as queueText } from "../../text/queue";
import type { Item, List } from "./types";

const say = queueText;
const MINUTES = [1, 5, 10];

/** What a person can do with rows. */
export interface Actions {
  retry: () => void;
  postpone: (minutes: number) => void;
  remove: () => void;
}

interface Props {
  item: Item;
  list: List;
  picked: boolean;
  pick: (on: boolean) => void;
  busy: boolean;
  act: Actions;
  linked: () => void;
}

/** A queued scene or a dead letter: why it is there, and what a person can do. */
export function Row({ item, list, picked, pick, busy, act, linked }: Props) {
  const title = item.title || text.untitled(item.scene_id);
  const dead = item.died_at !== undefined;
  const more = useRef<HTMLButtonElement>(null);
  const findable = dead && (item.class === "not_found" || /^(ambiguous|other_scene|chosen_)/.test(item.reason?.code ?? ""));
  return (
    <SceneRow
      id={item.scene_id}
      title={item.title}
      pick={
        <label className="plexsync-pick">
          <input type="checkbox" aria-label={say.select(title)} checked={picked} disabled={busy} onChange={(e) => pick(e.currentTarget.checked)} />
        </label>
      }
      badge={(item.class || item.reason) && <Badge variant="secondary">{causeOf(item.class, item.reason)}</Badge>}
      facts={<Facts item={item} list={list} />}
      actions={
        <>
          <Button size="sm" variant="secondary" onClick={act.retry}>
            {dead ? say.retry : say.push}
          </Button>
          {findable && <FindFile scene={item.scene_id} title={title} then={linked} />}
          <Dropdown alignRight>
            <Dropdown.Toggle ref={more} size="sm" variant="secondary" id={"plexsync-more-" + item.scene_id} aria-label={say.actions(title)}>
              <Icon name="faEllipsisH" />
            </Dropdown.Toggle>
            <Dropdown.Menu>
              {!dead && <LaterItems act={act} />}
              {!dead && <Dropdown.Divider />}
              <Dropdown.Item
                as="button"
                type="button"
                onClick={() => {
                  more.current?.focus(); // the dialog gives the focus back to it
                  act.remove();
                }}
              >
                {say.remove}
              </Dropdown.Item>
            </Dropdown.Menu>
          </Dropdown>
        </>
      }
    >
      {!item.candidates?.length ? (
        <Because reason={item.reason} />
      ) : (
        <div className="text-break">
          <div>{say.choose(item.reason?.params.candidates ?? "", item.reason?.params.path ?? "")}</div>
          <Files scene={item.scene_id} files={item.candidates} then={linked} />
          {!!item.candidates_left && <div className="text-muted">{say.more(item.candidates_left)}</div>}
        </div>
      )}
    </SceneRow>
  );
}

const LaterItems = ({ act }: { act: Actions }) => (
  <>
    <Dropdown.Header>{say.later}</Dropdown.Header>
    {MINUTES.map((m) => (
      <Dropdown.Item as="button" type="button" key={m} onClick={() => act.postpone(m)}>
        {say.laterIn(m)}
      </Dropdown.Item>
    ))}
  </>
);

/** The choice of how much later rows are pushed, as a button. */
export const Later = ({ act, busy }: { act: Actions; busy: boolean }) => (
  <Dropdown>
    <Dropdown.Toggle size="sm" variant="secondary" id="plexsync-later" disabled={busy}>
      {say.later}
    </Dropdown.Toggle>
    <Dropdown.Menu>
      <LaterItems act={act} />
    </Dropdown.Menu>
  </Dropdown>
);

function Facts({ item, list }: { item: Item; list: List }) {
  return (
    <>
      <span>
        {item.died_at !== undefined ? (
          <>
            {say.stopped} <When at={item.died_at} />
          </>
        ) : item.state === "due" ? (
          <strong>{say.dueNow}</strong>
        ) : (
          <>
            {say.nextTry} <When at={item.due_at} ahead />
          </>
        )}
      </span>
      {item.attempts > 0 && <span>{say.failed(item.attempts, list.max_attempts)}</span>}
      {item.misses > 0 && <span>{say.missed(item.misses, list.max_misses)}</span>}
      <span>
        {say.queued} <When at={item.enqueued_at} />: {triggerOf(item.trigger)}
      </span>
    </>
  );
}
