// Texts of the places inside Stash's own pages.

export const places = {
  tab: "Plex",
  list: {
    push: "Push to Plex",
    queued: (n: number) => `${n.toLocaleString()} ${n === 1 ? "scene is" : "scenes are"} queued for Plex`,
    noRun: "The next edit or task pushes them.",
    unknown: "Stash did not say which scenes are selected, so nothing was pushed.",
  },
};
