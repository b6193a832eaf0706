const scene = (id: number) => `scene ${id}`;

export const find = {
  open: "Find the file…",
  title: "Which file in Plex is this scene?",
  label: "Part of the file’s path in Plex",
  search: "Search",
  similar: "Files that are like those of the scene, or that Plex could not tell apart:",
  matching: (part: string) => `Files whose path contains “${part}”:`,
  none: "Plex has no such file",
  noneText: "Enter a part of its path, such as the name of its folder. A file that is new in Plex is found after the next run.",
  incomplete: "Plex has so many files that only the newest were searched.",
  choose: "This one",
  chooseThis: (path: string) => `This one: ${path}`,
  chosenHere: "This is the file that was chosen for this scene.",
  chosenBy: (id: number) => `It was chosen for ${scene(id)}. Forget that choice first.`,
  owner: (id: number) => `It shows ${scene(id)} now. If you choose it, that scene is no longer pushed.`,
  linked: "Chosen. The scene is pushed to it next.",
  linkedLater: (why: string) => `Chosen. ${why || "The next run pushes the scene to it."}`,
};
