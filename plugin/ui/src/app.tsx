// What the page consists of. It is a module of its own, which is loaded when somebody opens the page or the tab of a
// scene, since Stash shows nothing before it has loaded the scripts of all plugins.
export { Page } from "./page";
export { Panel } from "./scene/panel";
