import { PATH, useHistory, useLocation } from "./host";

/** Where the settings are. */
export const SETTINGS = PATH + "/setup?tab=settings";

/** The view of an address and what stands behind it: /plugins/stash-plex-sync/scene/12 is ["scene", "12"]. */
export function useView(): string[] {
  return useLocation().pathname.slice(PATH.length).split("/").filter(Boolean);
}

/**
 * The query of the address as texts, and a function that changes some of it, so that every filter can be bookmarked. An
 * empty text removes one. replace changes the address without a step for Back.
 */
export function useAddress(): [Record<string, string>, (change: Record<string, string>, replace?: boolean) => void] {
  const history = useHistory();
  const location = useLocation();
  const query = Object.fromEntries(new URLSearchParams(location.search)) as Record<string, string>;
  const go = (change: Record<string, string>, replace?: boolean) => {
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(change)) value ? next.set(name, value) : next.delete(name);
    const search = next.toString();
    history[replace ? "replace" : "push"]({ pathname: location.pathname, search: search && "?" + search });
  };
  return [query, go];
}
