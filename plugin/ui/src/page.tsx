import { Banner } from "./banner";
import { Guard } from "./guard";
import { Link, PATH, React, useEffect, useRef } from "./host";
import { LiveProvider, useLive } from "./live";
import { NotLoaded } from "./loaded";
import { Loading } from "./parts/state";
import { useView } from "./route";
import { text } from "./text/common";

type Name = keyof typeof text.nav;

/** A view that is loaded when it is first shown. */
const lazy = (load: () => Promise<React.ComponentType<any>>) =>
  React.lazy(async () => ({ default: await load().catch((): React.ComponentType<any> => NotLoaded) }));

const SceneView = lazy(() => import("./views/scene").then((m) => m.SceneView));
const Setup = lazy(() => import("./views/setup").then((m) => m.Setup));

// The views by the first part of their address, in the order of the tabs.
const VIEWS: [path: string, name: Name, view: React.ComponentType][] = [
  ["", "overview", lazy(() => import("./views/overview").then((m) => m.Overview))],
  ["queue", "queue", lazy(() => import("./views/queue").then((m) => m.Queue))],
  ["activity", "activity", lazy(() => import("./views/activity").then((m) => m.Activity))],
  ["plays", "plays", lazy(() => import("./views/plays").then((m) => m.Plays))],
  ["gaps", "gaps", lazy(() => import("./views/gaps").then((m) => m.Gaps))],
  ["preview", "preview", lazy(() => import("./views/preview").then((m) => m.Preview))],
  ["check", "check", lazy(() => import("./views/check").then((m) => m.CheckView))],
  ["setup", "setup", Setup],
];

/** The page, at each address below PATH. */
export const Page = () => (
  <LiveProvider>
    <Shell />
  </LiveProvider>
);

function Shell() {
  const { pulse } = useLive();
  const [path = "", id = ""] = useView();
  const found = VIEWS.find(([p]) => p === path);
  const setUp = path === "" && pulse !== null && !pulse.configured;
  const View = setUp ? Setup : found?.[2];
  const title = found ? text.nav[found[1]] : text.title;
  useTitle(`${title} - ${text.title}`);
  const tabs = useCurrent(setUp ? "setup" : path);
  return (
    <div className="plexsync container">
      <h2 className="h4">{text.title}</h2>
      <nav aria-label={text.nav.label}>
        <ul className="nav nav-tabs plexsync-tabs" ref={tabs}>
          {VIEWS.map(([p, name]) => (
            <Entry key={p} path={p} name={name} current={p === (setUp ? "setup" : path)} dead={p === "queue" ? pulse?.queue.dead : 0} />
          ))}
        </ul>
      </nav>
      <Banner view={path} />
      <Guard key={setUp ? "setup" : path + id}>
        <React.Suspense fallback={<Loading />}>{View ? <View /> : <SceneView id={path === "scene" ? Number(id) : 0} />}</React.Suspense>
      </Guard>
    </div>
  );
}

const Entry = (p: { path: string; name: Name; current: boolean; dead?: number }) => (
  <li className="nav-item">
    <Link to={p.path ? `${PATH}/${p.path}` : PATH} className={"nav-link" + (p.current ? " active" : "")} aria-current={p.current ? "page" : undefined}>
      {text.nav[p.name]}
      {p.dead ? <span className="badge badge-danger ml-1">{p.dead}</span> : null}
    </Link>
  </li>
);

/** Scrolls the tabs, which a narrow screen cuts, so that the current one is in their middle. */
function useCurrent(path: string) {
  const tabs = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const center = () => {
      const list = tabs.current;
      const current = list?.querySelector<HTMLElement>(".active");
      if (list && current) list.scrollLeft += current.getBoundingClientRect().left - list.getBoundingClientRect().left - (list.clientWidth - current.clientWidth) / 2;
    };
    center();
    window.addEventListener("resize", center);
    return () => window.removeEventListener("resize", center);
  }, [path]);
  return tabs;
}

/** Sets the title of the document, and once more: the page before gives Stash's title back late. */
function useTitle(title: string) {
  useEffect(() => {
    document.title = title;
    const timer = setTimeout(() => (document.title = title), 150);
    return () => clearTimeout(timer);
  }, [title]);
}
