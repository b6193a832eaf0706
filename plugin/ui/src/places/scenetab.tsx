import { Guard } from "../guard";
import { before, Nav, React, Tab } from "../host";
import { Panel } from "../scene/panel";
import { text } from "../text";

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
            <Nav.Link eventKey={KEY}>{text.places.tab}</Nav.Link>
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
                <Panel id={Number(p.scene?.id)} tab />
              </div>
            </Guard>
          </Tab.Pane>
        </Guard>
      </>
    ),
  }));
}
