import { useAsk } from "../ask";
import { Button, Card, Icon, React, useState } from "../host";
import { PlexLink } from "../parts/scene";
import { Failed, Loading } from "../parts/state";
import { When } from "../parts/when";
import { ruleOf } from "../parts/words";
import { scene as sceneText } from "../text/scene";
import { Entry, Fields } from "./fields";
import type { Item, Pictures, Scene } from "./types";

const say = sceneText;

/** One Plex item that shows a scene. */
export function ItemCard({ item, scene }: { item: Item; scene: Scene }) {
  const [pictures, setPictures] = useState(false);
  const read = scene.plex.reachable && !item.absent;
  return (
    <Card className="plexsync-item">
      <Card.Body>
        <div className="plexsync-actions mb-2">
          <h4 className="h5 mb-0 mr-auto">
            {say.item} {item.rating_key}
          </h4>
          {!item.absent && <PlexLink server={scene.server} item={item.rating_key} />}
        </div>
        {item.absent && (
          <p className="plexsync-text-warning">
            <Icon name="faExclamationTriangle" /> {say.absent}
          </p>
        )}
        <dl className="plexsync-scene-list">
          <Entry name={say.library} value={item.library || "–"} />
          <Entry name={say.path} value={item.path} />
          <Entry name={say.matched} value={ruleOf(item.rule)} />
          <Entry name={say.pushed} value={item.pushed_at ? <When at={item.pushed_at} /> : say.notPushed} />
        </dl>
        <Fields fields={item.fields} read={read} />
        {pictures ? (
          <PictureRow scene={scene.scene_id} item={item.rating_key} />
        ) : (
          !item.absent && (
            <Button size="sm" variant="secondary" onClick={() => setPictures(true)}>
              <Icon name="faImage" /> {say.pictures}
            </Button>
          )
        )}
      </Card.Body>
    </Card>
  );
}

function PictureRow({ scene, item }: { scene: number; item: string }) {
  const { data, failure, again } = useAsk<Pictures>("pictures", { scene_id: scene, rating_key: item }, true);
  if (failure) return <Failed failure={failure} again={again} />;
  if (!data) return <Loading />;
  return (
    <div className="plexsync-scene-pictures">
      {(["cover", "poster", "background"] as const).map((name) => {
        const picture = data[name];
        return (
          picture && (
            <figure key={name}>
              {picture.url ? (
                <img src={picture.url} alt={say.picture3[name]} />
              ) : (
                <div className="plexsync-nopicture text-muted text-break">
                  {say.noPicture}
                  {picture.why && `: ${picture.why}`}
                </div>
              )}
              <figcaption className="text-muted">{say.picture3[name]}</figcaption>
            </figure>
          )
        );
      })}
    </div>
  );
}
