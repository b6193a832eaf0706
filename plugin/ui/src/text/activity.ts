export const activity = {
  outcome: "Outcome",
  anyOutcome: "All outcomes",
  scene: "Scene",
  sceneHint: "Scene number",
  clear: "Show all",
  wrote: "Changed in Plex:",
  took: (ms: number) => (ms < 1000 ? `took ${ms} ms` : `took ${(ms / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} s`),
  none: "Nothing has happened yet",
  noneText: "Each push of a scene appears here. Edit a scene in Stash, or sync all scenes from the overview.",
  noMatch: "Nothing matches",
  noMatchText: "The plugin keeps the last 20 attempts of each scene, and 20,000 in all.",
  end: "Nothing older is stored",
};
