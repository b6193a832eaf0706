import { Icon, React } from "../host";
import { scene as sceneText } from "../text/scene";

/** What the panel shows until its first answer: its shape, and what it waits for. */
export const Wait = () => (
  <div className="plexsync-wait" role="status">
    <p className="text-muted">
      <Icon name="faSpinner" spin /> {sceneText.loading}
    </p>
    {[3, 8, 5].map((height) => (
      <div key={height} style={{ height: height + "rem" }} />
    ))}
  </div>
);
