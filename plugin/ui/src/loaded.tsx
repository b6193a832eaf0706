import { address, Button, ID, React, useEffect, useState } from "./host";
import { Notice } from "./parts/notice";
import { Loading } from "./parts/state";
import { text } from "./text/common";

type App = typeof import("./app");

let app: Promise<App> | undefined;
let styles: Promise<void> | undefined;

const assets = (name: string) => address(`plugin/${ID}/assets/ui/${name}?v=${VERSION}`);

/** Loads the module app.tsx and its styles, once. The addresses have the version, since browsers keep assets for a while. */
function load(): Promise<App> {
  styles ??= style(assets("app.css"));
  app ??= Promise.all([import(assets("app.js")) as Promise<App>, styles]).then(([app]) => app);
  app.catch(() => (app = undefined)); // the next one tries again
  return app;
}

/** Loads styles. Without them the page is plain and works. */
function style(href: string): Promise<void> {
  return new Promise((done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.onload = link.onerror = () => done();
    document.head.appendChild(link);
  });
}

/** Shows one of the components of app.tsx when that is loaded. */
export function Loaded<Name extends keyof App>({ name, props }: { name: Name; props: object }) {
  const [state, setState] = useState<{ app?: App; error?: unknown }>({});
  useEffect(() => {
    let shown = true;
    load().then(
      (app) => shown && setState({ app }),
      (error) => shown && setState({ error }),
    );
    return () => {
      shown = false;
    };
  }, []);
  if (state.app) {
    const Part = state.app[name] as React.ComponentType<any>;
    return <Part {...props} />;
  }
  return state.error ? <NotLoaded /> : <Loading />;
}

/** What stands in place of a part that could not be loaded. */
export const NotLoaded = () => (
  <Notice kind="danger" title={text.failure.title} text={text.failure.script} live>
    <Button size="sm" variant="primary" onClick={() => location.reload()}>
      {text.banner.reload}
    </Button>
  </Notice>
);
