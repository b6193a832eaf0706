import { useQuery } from "@apollo/client";
import { faEllipsisH, faPencil, faPlay, faPlus, faTrash } from "@fortawesome/free-solid-svg-icons";
import React from "react";
import { Button, ButtonGroup, Dropdown, Nav, Tab } from "react-bootstrap";
import { FormattedMessage, useIntl } from "react-intl";
import { Link, useHistory, useParams } from "react-router-dom";
import { GQL, base } from "./client";
import { Icon, LoadingIndicator, chunk } from "./parts";
import { components, container, registered } from "./patch";

const titleOf = (scene: any) => scene.title || scene.files[0]?.basename || "";

// SceneListOperations in v0.30.0 and v0.30.1 has the props items (how many scenes are on this page, a number),
// hasSelection, operations ({text, onClick, isDisplayed?, className?}[], the entries of its menu) and the functions
// onEdit, onDelete, onPlay, onCreateNew. It ignores children, and has no ids of the selected scenes: an entry is added to
// operations, and the selection has to come from elsewhere. onPlay goes to a page whose address names the selected scenes
// (models/sceneQueue.ts). v0.29.3 has the component, but no patch point.
function PlainOperations({ items, hasSelection, operations, onEdit, onDelete, onPlay, onCreateNew }: any) {
  const intl = useIntl();
  const [open, setOpen] = React.useState(false);
  return (
    <div className="scene-list-operations">
      <ButtonGroup>
        {!!items && (
          <Button variant="secondary" className="play-button" title={intl.formatMessage({ id: "actions.play" })} onClick={() => onPlay()}>
            <Icon icon={faPlay} />
          </Button>
        )}
        {!hasSelection && (
          <Button variant="secondary" className="create-new-button" title={intl.formatMessage({ id: "actions.create_entity" })} onClick={() => onCreateNew()}>
            <Icon icon={faPlus} />
          </Button>
        )}
        {hasSelection && (
          <>
            <Button variant="secondary" title={intl.formatMessage({ id: "actions.edit" })} onClick={() => onEdit()}>
              <Icon icon={faPencil} />
            </Button>
            <Button variant="danger" title={intl.formatMessage({ id: "actions.delete" })} onClick={() => onDelete()}>
              <Icon icon={faTrash} />
            </Button>
          </>
        )}
        <Dropdown as={ButtonGroup} show={open} onToggle={setOpen}>
          <Dropdown.Toggle variant="secondary" id="more-menu" aria-label="More">
            <Icon icon={faEllipsisH} />
          </Dropdown.Toggle>
          <Dropdown.Menu className="bg-secondary text-white">
            {operations.map((o: any) =>
              o.isDisplayed && !o.isDisplayed() ? null : (
                <Dropdown.Item key={o.text} className={`bg-secondary text-white ${o.className ?? ""}`} onClick={o.onClick}>
                  {o.text}
                </Dropdown.Item>
              ),
            )}
          </Dropdown.Menu>
        </Dropdown>
      </ButtonGroup>
    </div>
  );
}

function PlainCard({ scene, selected, onSelectedChanged }: any) {
  const { "SceneCard.Details": Details, "SceneCard.Overlays": Overlays, "SceneCard.Popovers": Popovers } = components as any;
  return (
    <div className="scene-card card">
      <input type="checkbox" className="card-check" aria-label={"Select " + titleOf(scene)} checked={selected} onChange={() => onSelectedChanged(!selected, false)} />
      <div className="thumbnail-section">
        <Link to={"/scenes/" + scene.id}>
          <img className="scene-card-preview-image" loading="lazy" alt="" src={base + `scene/${scene.id}/screenshot`} />
        </Link>
        <Overlays scene={scene} />
      </div>
      <div className="card-section">
        <Link to={"/scenes/" + scene.id}>
          <h5 className="card-section-title">{titleOf(scene)}</h5>
        </Link>
        <Details scene={scene} />
      </div>
      <Popovers scene={scene} />
    </div>
  );
}

function SceneList() {
  const { data } = useQuery(GQL.FindScenesDocument, { variables: { filter: { per_page: 40 } } });
  const [selected, setSelected] = React.useState<string[]>([]);
  const intl = useIntl();
  const history = useHistory();
  React.useEffect(() => {
    document.title = "Scenes | Stash";
  }, []);
  if (!data) return <LoadingIndicator />;
  const { SceneCard, SceneListOperations } = components as any;
  const scenes: any[] = data.findScenes.scenes;
  const hasSelection = selected.length > 0;
  const none = () => {};
  const play = () => history.push(hasSelection ? `/scenes/${selected[0]}?${selected.map((id) => "qs=" + id).join("&")}&continue=false` : `/scenes/${scenes[0].id}?qfp=1&continue=false`);
  const entry = (id: string, onClick: () => void, isDisplayed?: () => boolean) => ({ text: intl.formatMessage({ id }), onClick, isDisplayed });
  const operations = [
    entry("actions.select_all", () => setSelected(scenes.map((s) => s.id)), () => scenes.length > 0),
    entry("actions.select_none", () => setSelected([]), () => hasSelection),
    entry("actions.generate", none, () => hasSelection),
  ];
  const choose = (id: string, on: boolean) => setSelected((old) => (on ? [...old, id] : old.filter((other) => other !== id)));
  return (
    <div className="item-list-container scene-list">
      <div className="filtered-list-toolbar btn-toolbar">
        <span className="selected-count">{hasSelection ? `${selected.length} selected` : `${data.findScenes.count} scenes`}</span>
        <SceneListOperations items={scenes.length} hasSelection={hasSelection} operations={operations} onEdit={none} onDelete={none} onPlay={play} onCreateNew={none} />
      </div>
      <div className="row justify-content-center">
        {scenes.map((s) => (
          <SceneCard key={s.id} scene={s} selecting={hasSelection} selected={selected.includes(s.id)} onSelectedChanged={(on: boolean) => choose(s.id, on)} />
        ))}
      </div>
    </div>
  );
}

export const loadSceneList = chunk(() => {
  container("SceneCard.Details");
  container("SceneCard.Overlays");
  container("SceneCard.Popovers");
  registered("SceneCard", PlainCard);
  registered("SceneListOperations", PlainOperations);
  registered("FilteredSceneList", SceneList);
});

// ScenePage keeps the key of its tab when the next scene is shown, and mounts all panes at once.
function ScenePage({ scene, ...props }: any) {
  const [key, setKey] = React.useState("scene-details-panel");
  const { "ScenePage.Tabs": Tabs, "ScenePage.TabContent": Content } = components as any;
  React.useEffect(() => {
    document.title = `${titleOf(scene)} | Stash`;
  }, [scene]);
  return (
    <div className="row">
      <div className="scene-tabs order-xl-first order-last">
        <h3 className="scene-header">{titleOf(scene)}</h3>
        <Tab.Container id="scene-page" activeKey={key} onSelect={(k) => k && setKey(k)}>
          <Nav variant="tabs" className="mr-auto">
            <Tabs scene={scene} {...props}>
              <Nav.Item>
                <Nav.Link eventKey="scene-details-panel">
                  <FormattedMessage id="details" />
                </Nav.Link>
              </Nav.Item>
              <Nav.Item>
                <Nav.Link eventKey="scene-file-info-panel">
                  <FormattedMessage id="file_info" />
                </Nav.Link>
              </Nav.Item>
            </Tabs>
          </Nav>
          <Tab.Content>
            <Content scene={scene} {...props}>
              <Tab.Pane eventKey="scene-details-panel">
                <p>{scene.details || scene.date}</p>
              </Tab.Pane>
              <Tab.Pane eventKey="scene-file-info-panel">
                {scene.files.map((f: any) => (
                  <p key={f.path} className="text-break">
                    {f.path}
                  </p>
                ))}
              </Tab.Pane>
            </Content>
          </Tab.Content>
        </Tab.Container>
      </div>
      <div className="scene-player-container">
        <img className="w-100" alt="" src={base + `scene/${scene.id}/screenshot`} />
      </div>
    </div>
  );
}

function SceneLoader() {
  const { id } = useParams<{ id: string }>();
  const { data } = useQuery(GQL.FindSceneDocument, { variables: { id } });
  const { ScenePage } = components as any;
  if (!data) return <LoadingIndicator />;
  if (!data.findScene) return <h1>No scene found with id {id}.</h1>;
  return <ScenePage scene={data.findScene} queueScenes={[]} />;
}

export const loadScene = chunk(() => {
  container("ScenePage.Tabs");
  container("ScenePage.TabContent");
  registered("ScenePage", ScenePage);
  registered("SceneLoader", SceneLoader);
});
