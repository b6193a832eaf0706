// What the codes and names of the plugin mean, for all views.

export const words = {
  /** Why a scene waits or needs a look, by the code of its reason or else by its class. */
  causes: {
    ambiguous: "Several items fit",
    bad_answer: "Unreadable answer",
    cancelled: "Run was stopped",
    chosen_elsewhere: "Item chosen for another scene",
    chosen_gone: "Chosen item is gone",
    crashed: "The plugin crashed",
    item_changed: "Item changed during the push",
    misconfigured: "A setting is wrong",
    not_changed: "Plex did not keep it",
    not_found: "Not in Plex yet",
    other_scene: "Item belongs to another scene",
    panic: "A bug in the plugin",
    picture_refused: "Plex refuses the picture",
    rejected: "Cannot be pushed as it is",
    server_down: "Plex did not answer",
    stash_unavailable: "Stash did not answer",
    temporary: "Temporary failure",
    unauthorised: "Sign-in refused",
    unready: "Library not read yet",
    value_refused: "Plex refuses a value",
  } as Record<string, string>,
  /** Why a scene was queued. Other texts of the plugin are plain already. */
  triggers: {
    "Scene.Create": "added to Stash",
    "Scene.Update": "edited in Stash",
    "Scene.Destroy": "deleted in Stash",
    "Tag.Merge": "its tags were merged",
    "Sync all": "“Sync all scenes”",
    "Sync recent": "“Sync recent scenes”",
    "sync-scene": "pushed by hand",
    "sync-scenes": "pushed by hand",
  } as Record<string, string>,
  /** What an attempt ended with, and the icon for it. */
  outcomes: {
    synced: ["Pushed", "faCheckCircle"],
    retry: ["Failed, retried later", "faRedo"],
    miss: ["Not in Plex yet", "faSearch"],
    snooze: ["Waits for a library", "faClock"],
    release: ["Interrupted", "faUndo"],
    bury: ["Needs a look", "faExclamationTriangle"],
    skipped: ["Left out", "faBan"],
    gone: ["Gone from Stash", "faTrash"],
    restored: ["Restored", "faHistory"],
  } as Record<string, [string, string]>,
  fields: { contentRating: "content rating" } as Record<string, string>,
  /** How the Plex item of a scene was found, to follow "Matched". */
  rules: {
    path: "by its path",
    pathMap: "by the path map",
    learned: "by a path that was learned from other files",
    "name+size": "by its name and size",
    folders: "by its name and folders",
    manual: "by hand",
  } as Record<string, string>,
};
