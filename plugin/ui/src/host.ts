// The only module that touches PluginApi. Everything else of the page takes what it needs of Stash from here.

const api = window.PluginApi;
if (!api?.React || !api.libraries?.Bootstrap || !api.libraries.Apollo || !api.hooks?.useToast || !api.patch?.before) {
  // Stash ignores a script that ends with an exception.
  throw new Error("Stash Plex Sync: the page needs Stash 0.29 or newer; syncing works without it");
}

export const ID = "stash-plex-sync";
/** The path of the page's route. */
export const PATH = "/plugins/" + ID;

export const { React } = api;
export const { useCallback, useContext, useEffect, useRef, useState } = React;
export const { Badge, Button, Card, Col, Dropdown, Form, Modal, Nav, ProgressBar, Row, Tab, Table } = api.libraries.Bootstrap;
export const { Link, NavLink, Prompt, useHistory, useLocation } = api.libraries.ReactRouterDOM;
export const { useIntl } = api.libraries.Intl;
export const { gql } = api.libraries.Apollo;
export const { useToast } = api.hooks;

/** Stash's Apollo client. */
export const client = () => api.utils.StashService.getClient();

/** The document with which Stash's own pages read its configuration. */
export const configurationDocument = () => api.GQL?.ConfigurationDocument as import("@apollo/client").DocumentNode | undefined;

export const register = (path: string, component: import("react").ComponentType<any>) => api.register.route(path, component);

/** Changes the props of a component of Stash. */
export const before = (name: string, change: (props: any) => any) => api.patch.before(name, (props) => [change(props)]);

/** Adds to what a component of Stash has rendered. Stash passes the result as the last of two or three arguments. */
export const after = (name: string, add: (props: any, result: any) => any) =>
  api.patch.after(name, (...args) => add(args[0], args[args.length - 1]));

/** Replaces a component of Stash. next renders the original. */
export const instead = (name: string, render: (props: any, next: () => any) => any) =>
  api.patch.instead(name, (...args) => render(args[0], () => args[args.length - 1](...args.slice(0, -1))));

/** A component of Stash, which may not be loaded: null then. */
export const component = (name: string) => api.components[name] ?? null;

/** One of Font Awesome's solid icons, drawn as Stash does; it is decoration, so a control with an icon needs a name. */
export function Icon({ name, className, spin }: { name: string; className?: string; spin?: boolean }) {
  const Drawn = component("Icon");
  const icon = api!.libraries.FontAwesomeSolid[name];
  return Drawn && icon ? React.createElement(Drawn, { icon, className: [className, spin && "fa-spin"].filter(Boolean).join(" ") }) : null;
}

/** The address of a file below Stash's root, which a proxy may have moved to a folder. */
export const address = (path: string) => (document.querySelector("base")?.href ?? "/") + path;
