import { Link, PATH, React } from "../host";
import { Empty } from "../parts/state";
import { Panel } from "../scene/panel";
import { scene as sceneText } from "../text/scene";

const say = sceneText;

/** The page of one scene. An id that is no number, as in an address that leads nowhere, shows the ways back. */
export function SceneView({ id }: { id: number }) {
  if (Number.isInteger(id) && id > 0 && id < 2 ** 31) return <Panel key={id} id={id} />;
  return (
    <Empty icon="faSearch" title={say.none} text={say.noneText}>
      <Link className="btn btn-primary btn-sm" to={PATH}>
        {say.toOverview}
      </Link>
      <Link className="btn btn-secondary btn-sm" to={PATH + "/queue"}>
        {say.toQueue}
      </Link>
    </Empty>
  );
}
