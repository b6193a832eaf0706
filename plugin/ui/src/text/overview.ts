const num = (n: number) => n.toLocaleString();
const of = (n: number, one: string, more: string) => `${num(n)} ${n === 1 ? one : more}`;

/** A length of time, to two units: 3 h 12 min. */
export function duration(ms: number): string {
  const minutes = Math.round(ms / 60000);
  if (minutes < 1) return ms > 0 ? `${Math.max(1, Math.round(ms / 1000))} s` : "0 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  const two = (big: number, unit: string, small: number, part: string) => `${big} ${unit}` + (small ? ` ${small} ${part}` : "");
  return hours < 24 ? two(hours, "h", minutes % 60, "min") : two(Math.floor(hours / 24), "d", hours % 24, "h");
}

export const overview = {
  num,
  lead: (good: number, all: number) =>
    good >= all
      ? all === 1
        ? "The scene is in Plex and up to date"
        : `All ${num(all)} scenes are in Plex and up to date`
      : `${num(good)} of ${of(all, "scene", "scenes")} ${good === 1 ? "is" : "are"} in Plex and up to date`,
  none: "Stash has no scenes yet",
  noneText: "Add videos to Stash. Each scene is pushed to Plex when Stash adds it and when you edit it.",
  first: (all: number) => `None of ${of(all, "scene", "scenes")} has been pushed to Plex yet`,
  firstText: "Three steps bring your scenes to Plex:",
  firstCheck: "Check connection",
  firstCheckText: "looks for 20 sample scenes in Plex and says what to correct.",
  firstPreview: "Preview changes",
  firstPreviewText: "lists what a push would change.",
  firstSync: "pushes them. From then on each edit is pushed by itself.",
  silent: "Stash does not answer, so its scenes cannot be counted",
  silentText: "The numbers come from the plugin's queue. Check that Stash is running, then try again.",
  quiet: "Nothing waits, and nothing failed. Each edit in Stash is pushed by itself.",
  stopped: "The last run stopped early",
  barOf: (parts: string) => `Scenes by state: ${parts}`,
  states: {
    up_to_date: "up to date",
    pending: "to be pushed",
    not_found: "not found in Plex",
    dead: "need a look",
    left_out: "left out on purpose",
    restored: "restored",
    never_pushed: "never pushed",
  } as Record<string, string>,
  hints: {
    restored: "Plex shows what it had before the first push. An edit or “Sync all scenes” pushes them again.",
    never_pushed: "“Sync all scenes” pushes them.",
    not_found: "They wait until Plex has their files.",
  } as Record<string, string>,
  reasons: {
    excluded_tag: "with an excluded tag",
    not_organized: "not organised",
    no_data: "without data",
    no_file: "without a file",
    missing_skipped: "not in Plex, skipped",
    chosen_elsewhere: "item chosen for another scene",
    other_scene: "item belongs to another scene",
    "": "for another reason",
  } as Record<string, string>,
  deleted: (n: number) => `${of(n, "scene was", "scenes were")} deleted in Stash while the plugin was disabled. The next run notices.`,

  work: "At work",
  asked: {
    person: "started by hand",
    hook: "started after an edit",
    page: "started by this page",
  } as Record<string, string>,
  askedBy: (who: string) => `started by ${who}`,
  steps: {
    "": "Getting ready",
    listing: "Listing the scenes in Stash",
    reading: "Reading Plex's libraries",
    pushing: "Pushing scenes",
    restoring: "Restoring Plex items",
  } as Record<string, string>,
  done: (done: number, total: number) => (total ? `${num(done)} of ${num(total)}` : done ? `${num(done)} so far` : ""),
  now: "Now:",
  waits: {
    job: "Nothing else is due. The next scene is tried",
    plex: "Plex does not answer. It is tried again",
    probe: "Plex failed several times. It is tried again",
  } as Record<string, string>,
  ready: "waits in Stash's queue",
  running: "is at work",
  stopping: "is stopping…",
  progress: (what: string) => `Progress of “${what}”`,
  stop: "Stop",
  stopOf: (what: string) => `Stop “${what}”`,
  stopAsked: "The run ends after the current scene. The queue stays as it is.",

  process: "Process queue",
  processed: "Stash was asked to process the queue",
  pause: "Pause",
  pauseHour: "For 1 hour",
  pauseMorning: (time: string) => `Until tomorrow, ${time}`,
  pauseOpen: "Until I resume",
  pausedNow: "Pushing is paused",
  syncAll: "Sync all scenes",
  syncAllTitle: (n: number | null) => (n === null ? "Sync all scenes?" : `Sync ${of(n, "scene", "scenes")}?`),
  syncAllText: (n: number | null) =>
    `${n === null ? "All scenes are" : n === 1 ? "The scene is" : `All ${num(n)} scenes are`} compared with Plex, and pushed where Plex differs. The settings decide which scenes are left out.`,
  syncAllUndo: "“Preview changes” lists what would change. “Restore Plex metadata” undoes it.",
  syncYes: (n: number | null) => (n === null ? "Sync all scenes" : `Sync ${of(n, "scene", "scenes")}`),
  syncRecent: "Sync recent scenes",
  syncRecentTitle: "Pushes the scenes that were updated within the last 24 hours",
  compare: "Compare Stash and Plex",
  compareTitle: "Lists what is only in Stash or only in Plex",
  compared: "Stash was asked to compare. The result appears in Gaps.",
  asksSync: "Stash was asked to sync",
  why: {
    paused: "Pushing is paused: resume to process or sync.",
    problem: "Correct the setting above to process or sync.",
    busy: "A run is at work or waits in Stash's queue. Process and sync when it has ended.",
    empty: "Nothing waits to be pushed.",
  },

  chart: "Last 30 days",
  chartNone: "Nothing has been pushed in the last 30 days.",
  pushed: "pushed",
  failed: "failed, tried again",
  dead: "began to need a look",
  down: "paused because Plex failed",
  columns: ["Day (UTC)", "Pushed", "Failed", "Look", "Paused"],
  utc: "Days begin at midnight UTC.",
  clipped: "Bars with a white edge are cut. Point at one for its numbers.",
  sum: (pushed: number, failed: number, dead: number, down: number) =>
    `${of(pushed, "push", "pushes")}, ${of(failed, "failure", "failures")}, ${num(dead)} that began to need a look` +
    (down ? `, paused for ${duration(down)} because Plex failed` : ""),
  table: "Show as a table",

  plex: "Plex server",
  unknown: "Plex has not been asked yet",
  unknownText: "Run “Check connection” to see whether it answers.",
  answers: "Answers",
  silentPlex: "Does not answer",
  version: "Version",
  address: "Address",
  latency: "Response time",
  ms: (n: number) => `${num(n)} ms`,
  last: "Last answer",
  others: "It may answer at",
  library: "Library",
  files: "Files",
  read: "Read",
  filesOf: (n: number, capped: boolean) => (capped ? `${num(n)}+` : num(n)),
  noLibraries: "No library has been read yet. The next run reads them.",
  outages: (n: number) => `Past outages (${n === 50 ? "the last " : ""}${n})`,
  lasted: (ms: number) => `for ${duration(ms)}`,
  still: "not over yet",

  report: "Report a problem",
  reportText: "The report has the state of the queue and the last activities, without titles, paths, addresses and tokens.",
  withCheck: "With a connection check, which takes up to 17 seconds",
};
