// What Stash offers to the scripts of plugins, as far as the page uses it. Stash publishes no types. Everything is
// optional, since an older Stash may lack it.

type Patched = (...args: any[]) => any;

interface StashPluginApi {
  React: typeof import("react");
  libraries: {
    ReactRouterDOM: typeof import("react-router-dom");
    Bootstrap: typeof import("react-bootstrap");
    Apollo: typeof import("@apollo/client");
    Intl: typeof import("react-intl");
    FontAwesomeSolid: Record<string, unknown>;
  };
  register: { route(path: string, component: import("react").ComponentType<any>): void };
  patch: {
    before(name: string, f: Patched): void;
    instead(name: string, f: Patched): void;
    after(name: string, f: Patched): void;
  };
  components: Record<string, import("react").ComponentType<any> | undefined>;
  hooks: { useToast(): { success(text: string): void; error(e: unknown): void } };
  GQL: Record<string, unknown>;
  utils: { StashService: { getClient(): import("@apollo/client").ApolloClient<unknown> } };
}

interface Window {
  PluginApi?: StashPluginApi;
  plexsyncLoaded?: boolean;
}

/** The version of this page, set when it is bundled. */
declare const VERSION: string;
