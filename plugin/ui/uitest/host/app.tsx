import { ApolloProvider } from "@apollo/client";
import React from "react";
import { FormattedMessage, IntlProvider } from "react-intl";
import { BrowserRouter, Link, Route, Switch, useLocation } from "react-router-dom";
import { Bar } from "./bar";
import { base, client } from "./client";
import { messages } from "./messages";
import { Boundary, Lazy, ToastProvider } from "./parts";
import { container } from "./patch";
import { loadScene, loadSceneList } from "./scenes";
import { loadSettings } from "./settings";

export const routes: { path: string; component: any }[] = [];
export const events = new EventTarget();

// Routes of plugins are not exact, and all that fit are rendered.
const PluginRoutes = container("PluginRoutes");

function useTitle(title: string) {
  React.useEffect(() => {
    document.title = title + " | Stash";
    // The page before gives its title back late.
    return () => void setTimeout(() => (document.title = "Stash"), 100);
  }, [title]);
}

function Simple({ id }: { id: string }) {
  useTitle(id);
  return (
    <h2>
      <FormattedMessage id={id} />
    </h2>
  );
}

function Home() {
  useTitle("Home");
  return (
    <p className="pt-3">
      <Link to="/scenes">Scenes</Link>
    </p>
  );
}

const known = ["/scenes", "/settings", "/groups", "/performers", "/studios", "/tags", "/stats"];

function NotFound() {
  const { pathname } = useLocation();
  const fits = (path: string) => pathname === path || pathname.startsWith(path + "/");
  if (pathname === "/" || [...known, ...routes.map((r) => r.path)].some(fits)) return null;
  return <h1>Page not found.</h1>;
}

function Pages() {
  return (
    <>
      <Switch>
        <Route exact path="/" component={Home} />
        <Route exact path="/scenes" render={() => <Lazy key="scenes" load={loadSceneList} name="FilteredSceneList" />} />
        <Route path="/scenes/:id" render={() => <Lazy key="scene" load={loadScene} name="SceneLoader" />} />
        <Route path="/settings" render={() => <Lazy key="settings" load={loadSettings} name="SettingsPage" />} />
        {["groups", "performers", "studios", "tags", "stats"].map((id) => (
          <Route key={id} path={"/" + id} render={() => <Simple id={id} />} />
        ))}
      </Switch>
      <NotFound />
      <PluginRoutes>
        {routes.map((r, i) => (
          <Route key={i} path={r.path} component={r.component} />
        ))}
      </PluginRoutes>
    </>
  );
}

function Located({ children }: { children?: React.ReactNode }) {
  const location = useLocation();
  React.useEffect(() => {
    events.dispatchEvent(new CustomEvent("stash:location", { detail: { event: "location", data: { location } } }));
  }, [location]);
  return <>{children}</>;
}

export function App({ language }: { language: string }) {
  return (
    <ApolloProvider client={client}>
      <IntlProvider locale={language} defaultLocale="en-US" messages={messages(language)}>
        <BrowserRouter basename={base.replace(/\/$/, "")}>
          <ToastProvider>
            <Located>
              <Bar />
              <div className="main container-fluid">
                <Boundary>
                  <Pages />
                </Boundary>
              </div>
            </Located>
          </ToastProvider>
        </BrowserRouter>
      </IntlProvider>
    </ApolloProvider>
  );
}
