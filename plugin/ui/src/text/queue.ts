const n = (count: number) => count.toLocaleString();
const scenes = (count: number) => (count === 1 ? "1 scene" : `${n(count)} scenes`);
const minutes = (count: number) => (count === 1 ? "1 minute" : `${count} minutes`);

export const queue = {
  segments: "Parts of the queue",
  all: "All queued",
  due: "Due now",
  waiting: "Waiting",
  dead: "Needs a look",
  search: "Find a scene",
  searchHint: "Title or scene number",
  cause: "Cause",
  anyCause: "All causes",
  sort: "Order",
  sorts: { due: "Next try first", died: "Newest first", attempts: "Most attempts first" },
  clear: "Show all",
  searchCapped: "Stash found more than 1,000 scenes, and only the 1,000 updated last are searched. A longer text finds others.",

  dueNow: "Due now",
  nextTry: "Next try",
  stopped: "Stopped",
  queued: "Queued",
  failed: (count: number, max?: number) => (max ? `Failed ${n(count)} of ${n(max)} times` : count === 1 ? "Failed once" : `Failed ${n(count)} times`),
  missed: (count: number, max?: number) => (max ? `Not found ${n(count)} of ${n(max)} times` : count === 1 ? "Not found once" : `Not found ${n(count)} times`),
  choose: (items: string, path: string) => `${items} Plex items fit ${path || "its file"} equally well. Choose the right one:`,
  more: (count: number) => `${n(count)} more ${count === 1 ? "fits" : "fit"}. “Choose the Plex item” lists all.`,

  select: (title: string) => `Select ${title}`,
  selectPage: "Select all on this page",
  shown: (count: number, of: string) => (n(count) === of ? scenes(count) : `${n(count)} of ${of} scenes`),
  selected: (count: number) => `${n(count)} selected`,
  allSelected: (count: string) => `All ${count} selected`,
  selectAll: (count: string) => `Select all ${count}`,
  push: "Push now",
  retry: "Retry now",
  later: "Postpone",
  laterIn: (count: number) => `In ${minutes(count)}`,
  remove: "Remove",
  actions: (title: string) => `More for ${title}`,

  working: (done: number, of: number) => (of > done ? `${n(done)} of ${n(of)}…` : `${n(done)} so far…`),
  stop: "Stop",
  ended: (done: number) => `Stopped after ${scenes(done)}.`,

  removeTitle: (count: number, capped?: boolean) => `Remove ${capped ? "more than " : ""}${scenes(count)}?`,
  removeText: "They leave the queue without being pushed, and Plex stays as it is. A removed scene is pushed again when you edit it or run “Sync all scenes”.",
  removeYes: (count: number, capped?: boolean) => (capped ? "Remove all" : `Remove ${scenes(count)}`),

  done: {
    retry: (count: number) => `${scenes(count)} ${count === 1 ? "is" : "are"} pushed next.`,
    postpone: (count: number) => `${scenes(count)} ${count === 1 ? "waits" : "wait"} for longer.`,
    remove: (count: number) => `${scenes(count)} removed.`,
  },
  nothing: { retry: "Nothing to push.", postpone: "They already wait for longer.", remove: "Nothing was removed." },
  missing: (count: number) => `${scenes(count)} had left the queue.`,
  stoppedBy: (why: string) => `Nothing was changed: ${why}`,
  noRun: "Stash did not start a run. The next one pushes them.",

  empty: {
    all: ["Nothing waits", "Every edit has been pushed. A new one appears here until it is in Plex."],
    due: ["Nothing is due", "Scenes appear here when the next run pushes them."],
    waiting: ["Nothing waits for a later try", "Scenes wait here when a push failed or Plex does not have them yet."],
    dead: ["Nothing needs a look", "Scenes that need your help appear here, with what to do."],
  } as Record<string, [string, string]>,
  deadToo: (count: string) => `See what needs a look (${count})`,
  noMatch: "Nothing matches",
  noMatchText: "No scene here fits the search and the cause.",
  pastEnd: "Nothing is left on this page",
  pastEndText: "The scenes that were here have left the list.",
};
