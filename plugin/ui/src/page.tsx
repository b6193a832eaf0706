import { Banner } from "./banner";
import { Guard } from "./guard";
import { Link, PATH, React, useEffect } from "./host";
import { LiveProvider, useLive } from "./live";
import { useView } from "./route";
import { text } from "./text";
import { Activity } from "./views/activity";
import { CheckView } from "./views/check";
import { Gaps } from "./views/gaps";
import { Overview } from "./views/overview";
import { Preview } from "./views/preview";
import { Queue } from "./views/queue";
import { SceneView } from "./views/scene";
import { Setup } from "./views/setup";

type Name = keyof typeof text.nav;

// The views by the first part of their address, in the order of the tabs.
const VIEWS: [path: string, name: Name, view: React.ComponentType][] = [
  ["", "overview", Overview],
  ["queue", "queue", Queue],
  ["activity", "activity", Activity],
  ["gaps", "gaps", Gaps],
  ["preview", "preview", Preview],
  ["check", "check", CheckView],
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
  return (
    <div className="plexsync container">
      <h2 className="h4">{text.title}</h2>
      <nav aria-label={text.nav.label}>
        <ul className="nav nav-tabs plexsync-tabs">
          {VIEWS.map(([p, name]) => (
            <Entry key={p} path={p} name={name} current={p === (setUp ? "setup" : path)} dead={p === "queue" ? pulse?.queue.dead : 0} />
          ))}
        </ul>
      </nav>
      <Banner view={path} />
      <Guard key={path + id}>{View ? <View /> : <SceneView id={path === "scene" ? Number(id) : 0} />}</Guard>
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

/** Sets the title of the document, and once more: the page before gives Stash's title back late. */
function useTitle(title: string) {
  useEffect(() => {
    document.title = title;
    const timer = setTimeout(() => (document.title = title), 150);
    return () => clearTimeout(timer);
  }, [title]);
}
