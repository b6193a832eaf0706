export const copyReport = {
  copy: "Copy report",
  copied: "The report is in the clipboard, without titles, paths, names and tokens",
  report: "Report for an issue",
  reportText: "Copy the selected text. It contains no titles, paths, names of libraries or tags, addresses or tokens.",
};
