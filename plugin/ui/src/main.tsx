import { Guard } from "./guard";
import { before, PATH, React, register } from "./host";
import { Loaded } from "./loaded";
import { NavItem } from "./places/nav";
import { addToSceneList } from "./places/scenelist";
import { addSceneTab } from "./places/scenetab";
import { registerSettings } from "./places/settings";

/** Registers everything once, even if the script runs twice, as with two copies of the plugin. */
function start() {
  if (window.plexsyncLoaded) return;
  window.plexsyncLoaded = true;
  register(PATH, () => (
    <Guard>
      <Loaded name="Page" props={{}} />
    </Guard>
  ));
  before("MainNavBar.UtilityItems", (p) => ({
    ...p,
    children: (
      <>
        <Guard quiet>
          <NavItem />
        </Guard>
        {p.children}
      </>
    ),
  }));
  registerSettings();
  addSceneTab();
  addToSceneList();
}

start();
