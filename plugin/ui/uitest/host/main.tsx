import * as Apollo from "@apollo/client";
import * as FontAwesomeBrands from "@fortawesome/free-brands-svg-icons";
import * as FontAwesomeRegular from "@fortawesome/free-regular-svg-icons";
import * as FontAwesomeSolid from "@fortawesome/free-solid-svg-icons";
import React from "react";
import * as Bootstrap from "react-bootstrap";
import ReactDOM from "react-dom";
import * as Intl from "react-intl";
import * as ReactRouterDOM from "react-router-dom";
import { App, routes } from "./app";
import { GQL, base, client } from "./client";
import { useLoadComponents, useToast } from "./parts";
import { components, patch, registerComponent } from "./patch";
import { loadScene, loadSceneList } from "./scenes";
import { loadSettings, useSettings } from "./settings";
import { events } from "./app";

const loadableComponents = {
  Settings: loadSettings, Scenes: loadSceneList, SceneList: loadSceneList, SceneCard: loadSceneList, Scene: loadScene,
};

// libraries has no ReactFontAwesome: it is newer than v0.30.1.
(window as any).PluginApi = {
  React,
  ReactDOM,
  GQL,
  libraries: { ReactRouterDOM, Bootstrap, Apollo, Intl, FontAwesomeRegular, FontAwesomeSolid, FontAwesomeBrands },
  register: { route: (path: string, component: any) => void routes.push({ path, component }), component: registerComponent },
  patch,
  components,
  loadableComponents,
  hooks: { useToast, useLoadComponents, useSettings },
  utils: { StashService: { getClient: () => client }, NavUtils: {}, loadComponents: (list: (() => Promise<unknown>)[]) => Promise.all(list.map((load) => load())) },
  Event: events,
};

// add appends a script or a style to the head. It goes on when it has been loaded or has failed.
function add(element: HTMLElement) {
  return new Promise<void>((resolve) => {
    element.onload = element.onerror = () => resolve();
    document.head.append(element);
  });
}

const script = (path: string) => add(Object.assign(document.createElement("script"), { src: base + path.slice(1), async: false }));
const style = (path: string) => add(Object.assign(document.createElement("link"), { rel: "stylesheet", href: base + path.slice(1) }));

// ordered puts each plugin after those that it requires.
function ordered(plugins: any[]): any[] {
  const list: any[] = [];
  const visit = (p: any) => {
    if (!p || list.includes(p)) return;
    for (const id of p.requires ?? []) visit(plugins.find((other) => other.id === id));
    list.push(p);
  };
  plugins.forEach(visit);
  return list;
}

// Nothing is rendered before all scripts of plugins have run or failed.
async function start() {
  const root = document.getElementById("root")!;
  root.textContent = "Loading plugins…";
  const [{ data: config }, { data }] = await Promise.all([
    client.query({ query: GQL.ConfigurationDocument }),
    client.query({ query: GQL.PluginsDocument }),
  ]);
  const plugins = ordered(data.plugins.filter((p: any) => p.enabled));
  await Promise.all([
    ...plugins.flatMap((p: any) => (p.paths.css ?? []).map(style)),
    ...plugins.flatMap((p: any) => (p.paths.javascript ?? []).map(script)),
  ]);
  root.textContent = "";
  ReactDOM.render(<App language={config.configuration.interface.language} />, root);
}

void start();
