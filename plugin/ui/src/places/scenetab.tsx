import { Guard } from "../guard";
import { before, Nav, React, Tab } from "../host";
import { Loaded } from "../loaded";
import { places as placesText } from "../text/places";

const KEY = "plex-sync-panel";

/** Adds the tab to Stash's page of a scene. Nothing of its panel exists before the tab is opened. */
export function addSceneTab() {
  before("ScenePage.Tabs", (p) => ({
    ...p,
    children: (
      <>
        {p.children}
        <Guard quiet>
          <Nav.Item>
            <Nav.Link eventKey={KEY}>{placesText.tab}</Nav.Link>
          </Nav.Item>
        </Guard>
      </>
    ),
  }));
  before("ScenePage.TabContent", (p) => ({
    ...p,
    children: (
      <>
        {p.children}
        <Guard>
          <Tab.Pane eventKey={KEY} mountOnEnter unmountOnExit>
            <Guard key={p.scene?.id}>
              <div className="plexsync">
                <Loaded name="Panel" props={{ id: Number(p.scene?.id), tab: true }} />
              </div>
            </Guard>
          </Tab.Pane>
        </Guard>
      </>
    ),
  }));
}
