const scene = (id: number) => `scene ${id}`;

export const find = {
  open: "Choose the Plex item",
  title: "Which Plex item shows this scene?",
  about: "Your choice counts until you forget it.",
  label: "Part of the path in Plex",
  search: "Search",
  similar: "Items whose files fit the scene:",
  matching: (part: string) => `Items whose path contains “${part}”:`,
  none: "Plex has no such item",
  noneText: "Search for a part of its path, such as the name of its folder. An item that is new in Plex is found after the next run.",
  incomplete: "Plex has very many files, so only the newest were searched.",
  choose: "Use this item",
  chooseThis: (path: string) => `Use this item: ${path}`,
  chosenHere: "It is chosen for this scene.",
  chosenBy: (id: number) => `It is chosen for ${scene(id)}. Forget that choice first.`,
  owner: (id: number) => `It shows ${scene(id)} now. If you use it, that scene is no longer pushed.`,
  linked: "Chosen. The scene is pushed to it next.",
  linkedLater: (why: string) => `Chosen. ${why || "The next run pushes the scene to it."}`,
};
