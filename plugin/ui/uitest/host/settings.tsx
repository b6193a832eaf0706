import { useMutation, useQuery } from "@apollo/client";
import React from "react";
import { Button, Form, Modal, Nav } from "react-bootstrap";
import { FormattedMessage, useIntl } from "react-intl";
import { Link, useLocation } from "react-router-dom";
import { GQL, client } from "./client";
import { LoadingIndicator, chunk } from "./parts";
import { components, container, registered } from "./patch";

// The page of the settings sends all settings of a plugin so long after the last of several edits.
const writeAfter = 500;

type Values = Record<string, any>;
type Context = { plugins: Record<string, Values>; savePluginSettings: (id: string, values: Values) => void };
const SettingsContext = React.createContext<Context | undefined>(undefined);

export function useSettings() {
  const context = React.useContext(SettingsContext);
  if (!context) throw new Error("useSettings must be used within a SettingsContext");
  return context;
}

// Provider reads the settings once: an open page does not follow later changes.
function Provider({ children }: { children?: React.ReactNode }) {
  const { data } = useQuery(GQL.ConfigurationDocument);
  const [plugins, setPlugins] = React.useState<Record<string, Values>>();
  const timers = React.useRef<Record<string, ReturnType<typeof setTimeout>>>({});
  React.useEffect(() => {
    if (data && !plugins) setPlugins(data.configuration.plugins);
  }, [data]);
  const save = (id: string, values: Values) => {
    setPlugins({ ...plugins, [id]: values });
    clearTimeout(timers.current[id]);
    timers.current[id] = setTimeout(() => {
      const variables = { plugin_id: id, input: values };
      void client.mutate({ mutation: GQL.ConfigurePluginDocument, variables, refetchQueries: [GQL.ConfigurationDocument] });
    }, writeAfter);
  };
  if (!plugins) return <LoadingIndicator />;
  return <SettingsContext.Provider value={{ plugins, savePluginSettings: save }}>{children}</SettingsContext.Provider>;
}

function Section({ heading, children }: { heading: React.ReactNode; children?: React.ReactNode }) {
  return (
    <div className="setting-section">
      <h1>{heading}</h1>
      <div className="card">{children}</div>
    </div>
  );
}

function PlainSetting({ id, heading, subHeading, children, className = "", disabled, tooltipText, onClick }: any) {
  return (
    <div id={id} className={`setting ${className} ${disabled ? "disabled" : ""}`} onClick={onClick}>
      <div>
        <h3 title={tooltipText}>{heading}</h3>
        {subHeading && <div className="sub-heading">{subHeading}</div>}
      </div>
      <div>{children}</div>
    </div>
  );
}

function Dialog({ id, heading, value, renderField, close }: any) {
  const [now, setNow] = React.useState(value);
  return (
    <Modal show id={`setting-dialog-${id}`} onHide={() => close()}>
      <Form
        onSubmit={(e) => {
          e.preventDefault();
          close(now);
        }}
      >
        <Modal.Header closeButton>{heading}</Modal.Header>
        <Modal.Body>{renderField(now, setNow)}</Modal.Body>
        <Modal.Footer>
          <Button variant="secondary" onClick={() => close()}>
            <FormattedMessage id="actions.cancel" />
          </Button>
          <Button type="submit" variant="primary" onClick={() => close(now)}>
            <FormattedMessage id="actions.confirm" />
          </Button>
        </Modal.Footer>
      </Form>
    </Modal>
  );
}

function PlainModalSetting({ id, heading, subHeading, value, renderValue, renderField, onChange, disabled, buttonText }: any) {
  useSettings();
  const [open, setOpen] = React.useState(false);
  const close = (now?: any) => {
    setOpen(false);
    if (now !== undefined) onChange(now);
  };
  return (
    <div id={id} className="setting">
      {open && <Dialog {...{ id, heading, value, renderField, close }} />}
      <div>
        <h3>{heading}</h3>
        <div className="value">{renderValue ? renderValue(value) : value}</div>
        {subHeading && <div className="sub-heading">{subHeading}</div>}
      </div>
      <div>
        <Button onClick={() => setOpen(true)} disabled={disabled}>
          {buttonText ?? <FormattedMessage id="actions.edit" />}
        </Button>
      </div>
    </div>
  );
}

function field(type: string, read: (text: string) => any) {
  return (value: any, set: (v: any) => void) => (
    <Form.Control className="text-input" type={type} value={value ?? ""} onChange={(e) => set(read(e.currentTarget.value))} />
  );
}

function PluginSetting({ pluginID, setting, value, onChange }: any) {
  const { BooleanSetting, NumberSetting, StringSetting } = components as any;
  const common = {
    id: `plugin-${pluginID}-${setting.name}`, heading: setting.display_name || setting.name, subHeading: setting.description ?? undefined, onChange,
  };
  switch (setting.type) {
    case "BOOLEAN":
      return <BooleanSetting {...common} checked={value ?? false} />;
    case "NUMBER":
      return <NumberSetting {...common} value={value ?? 0} />;
    default:
      return <StringSetting {...common} value={value ?? ""} />;
  }
}

function PlainPluginSettings({ pluginID, settings }: any) {
  const { plugins, savePluginSettings } = useSettings();
  const values = plugins[pluginID] ?? {};
  return (
    <div className="plugin-settings">
      {settings.map((s: any) => (
        <PluginSetting key={s.name} pluginID={pluginID} setting={s} value={values[s.name]} onChange={(v: any) => savePluginSettings(pluginID, { ...values, [s.name]: v })} />
      ))}
    </div>
  );
}

function Plugins() {
  const { data } = useQuery(GQL.PluginsDocument);
  const [enable] = useMutation(GQL.SetPluginsEnabledDocument, { refetchQueries: [GQL.PluginsDocument] });
  const { PluginSettings, SettingGroup } = components as any;
  if (!data) return <LoadingIndicator />;
  return (
    <Section heading={<FormattedMessage id="config.categories.plugins" />}>
      {data.plugins.map((p: any) => (
        <SettingGroup key={p.id} settingProps={{ heading: `${p.name} ${p.version ? `(${p.version})` : ""}`, subHeading: p.description, className: p.enabled ? "" : "disabled" }}
          topLevel={
            <Button size="sm" onClick={() => void enable({ variables: { enabledMap: { [p.id]: !p.enabled } } })}>
              <FormattedMessage id={p.enabled ? "actions.disable" : "actions.enable"} />
            </Button>
          }
        >
          {p.enabled && p.settings?.length > 0 && <PluginSettings pluginID={p.id} settings={p.settings} />}
        </SettingGroup>
      ))}
    </Section>
  );
}

function Tools() {
  const { Setting, SettingsToolsSection } = components as any;
  return (
    <>
      <Section heading={<FormattedMessage id="config.tools.heading" />}>
        <SettingsToolsSection>
          <Setting heading={<Button>GraphQL playground</Button>} />
        </SettingsToolsSection>
      </Section>
      <Section heading={<FormattedMessage id="config.tools.scene_tools" />}>
        <SettingsToolsSection>
          <Setting heading={<Link to="/sceneFilenameParser"><Button tabIndex={-1}>Scene Filename Parser</Button></Link>} />
          <Setting heading={<Link to="/sceneDuplicateChecker"><Button tabIndex={-1}>Scene Duplicate Checker</Button></Link>} />
        </SettingsToolsSection>
      </Section>
    </>
  );
}

function SettingsPage() {
  const tab = new URLSearchParams(useLocation().search).get("tab") ?? "tasks";
  const intl = useIntl();
  React.useEffect(() => {
    document.title = "Settings | Stash";
  }, []);
  return (
    <div className="row">
      <div className="col-sm-3 col-xl-2" id="settings-menu-container">
        <Nav variant="pills" className="flex-column" activeKey={tab}>
          {["tasks", "plugins", "tools"].map((key) => (
            <Nav.Item key={key}>
              <Nav.Link as={Link} eventKey={key} to={`/settings?tab=${key}`}>
                {intl.formatMessage({ id: `config.categories.${key}` })}
              </Nav.Link>
            </Nav.Item>
          ))}
        </Nav>
      </div>
      <div className="col-sm-9 col-xl-10" id="settings-container">
        <Provider>
          {tab === "plugins" && <Plugins />}
          {tab === "tools" && <Tools />}
        </Provider>
      </div>
    </div>
  );
}

function Group({ settingProps, topLevel, children }: any) {
  const { Setting } = components as any;
  return (
    <div className="setting-group">
      <Setting {...settingProps}>{topLevel}</Setting>
      <div className="collapsible-section">{children}</div>
    </div>
  );
}

export const loadSettings = chunk(() => {
  registered("Setting", PlainSetting);
  const ModalSetting: any = registered("ModalSetting", PlainModalSetting);
  registered("StringSetting", (props: any) => <ModalSetting {...props} renderField={field("text", String)} />);
  registered("NumberSetting", (props: any) => <ModalSetting {...props} renderField={field("number", (v) => Number.parseInt(v || "0", 10))} />);
  registered("BooleanSetting", ({ id, checked, onChange, ...props }: any) => (
    <PlainSetting {...props} id={id}>
      <Form.Check type="switch" id={`${id}-switch`} label="" aria-label={props.heading} checked={checked} onChange={() => onChange(!checked)} />
    </PlainSetting>
  ));
  registered("SettingGroup", Group);
  registered("PluginSettings", PlainPluginSettings);
  container("SettingsToolsSection");
  registered("SettingsPage", SettingsPage);
});
