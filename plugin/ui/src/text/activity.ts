export const activity = {
  outcome: "Outcome",
  anyOutcome: "All outcomes",
  scene: "Scene",
  sceneHint: "Scene number",
  clear: "Show all",
  wrote: "Changed in Plex:",
  took: (ms: number) => (ms < 1000 ? `took ${ms} ms` : `took ${(ms / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} s`),
  none: "Nothing has happened yet",
  noneText: "Each push of a scene appears here. Edit a scene in Stash, or push all scenes from the overview.",
  noMatch: "Nothing matches",
  noMatchText: "At most 20 attempts are kept for each scene, and 20,000 in all.",
  end: "There is nothing older",
};
