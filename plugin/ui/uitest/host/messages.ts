// The texts of Stash that the host page and plugins use by their id.
const english: Record<string, string> = {
  "actions.cancel": "Cancel", "actions.confirm": "Confirm", "actions.edit": "Edit", "actions.delete": "Delete", "actions.save": "Save", "actions.close": "Close",
  "actions.play": "Play", "actions.select_all": "Select All", "actions.select_none": "Select None", "actions.enable": "Enable", "actions.disable": "Disable",
  "actions.generate": "Generate", "actions.create_entity": "Create Scene",
  "loading.generic": "Loading…", scenes: "Scenes", groups: "Groups", performers: "Performers", studios: "Studios", tags: "Tags", stats: "Statistics",
  details: "Details", file_info: "File Info", history: "History", "config.categories.plugins": "Plugins", "config.categories.tools": "Tools", "config.categories.tasks": "Tasks",
  "config.tools.heading": "Tools", "config.tools.scene_tools": "Scene Tools",
};

const german: Record<string, string> = {
  "actions.cancel": "Abbrechen", "actions.confirm": "Bestätigen", "actions.edit": "Bearbeiten", "actions.save": "Speichern", "actions.close": "Schließen",
  "loading.generic": "Wird geladen…", scenes: "Szenen", groups: "Gruppen", performers: "Darsteller", tags: "Tags", details: "Details",
};

export const messages = (language: string) => (language.startsWith("de") ? { ...english, ...german } : english);
