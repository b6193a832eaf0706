// Texts of the places inside Stash's own pages.

export const places = {
  tab: "Plex",
  list: {
    push: "Push to Plex",
    queued: (n: number) => `${n.toLocaleString()} ${n === 1 ? "scene is" : "scenes are"} queued for Plex`,
    noRun: "The next run pushes them.",
    unknown: "Stash did not say which scenes are selected, so nothing was pushed.",
  },
  settings: {
    text: "The plugin's own page lists the libraries of Plex and checks each setting before it is saved.",
    open: "Open the settings there",
    page: "Open Stash Plex Sync",
    newToken: "New token",
    token: "The token is hidden. What you enter replaces it.",
    tool: "Stash Plex Sync: what is in Plex, what waits, what failed",
  },
};
