import { operation } from "../api";
import { before, useHistory, useToast } from "../host";
import { places as placesText } from "../text/places";

const say = placesText.list;
const AT_MOST = 1000;

/** Adds "Push to Plex" to the menu of scene lists. Stash has a place for it since 0.30; before, this does nothing. */
export function addToSceneList() {
  before("SceneListOperations", (p) => {
    // A patch is called while its component is rendered, so it may use hooks.
    const history = useHistory();
    const toast = useToast();
    const push = () => queue(selectionOf(history, p.onPlay)).then(toast.success, toast.error);
    const entry = { text: say.push, onClick: push, isDisplayed: () => !!p.hasSelection };
    return Array.isArray(p?.operations) ? { ...p, operations: [...p.operations, entry] } : p;
  });
}

/**
 * Finds out which scenes are selected. Stash tells the menu only that some are. But to play them it goes to a page whose
 * address names them, so the way there is asked for and not gone.
 */
function selectionOf(history: ReturnType<typeof useHistory>, play: () => void): string[] {
  let ids: string[] = [];
  const end = history.block((to) => {
    ids = new URLSearchParams(to.search).getAll("qs");
    return false;
  });
  try {
    play();
  } finally {
    end();
  }
  return ids;
}

/** Queues scenes and returns what to say. */
async function queue(ids: string[]): Promise<string> {
  if (ids.length === 0) throw new Error(say.unknown);
  let queued = 0;
  let follows = true;
  for (let i = 0; i < ids.length; i += AT_MOST) {
    const r = await operation<{ queued: number; run_follows: boolean; stopped?: string }>("sync-scenes", { scene_ids: ids.slice(i, i + AT_MOST).map(Number) });
    if (r.stopped) throw new Error(r.stopped);
    queued += r.queued;
    follows = follows && r.run_follows;
  }
  return say.queued(queued) + (follows ? "" : ". " + say.noRun);
}
