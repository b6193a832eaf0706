import { Guard } from "../guard";
import { after, before, Button, component, Form, ID, instead, Link, PATH, React } from "../host";
import { SETTINGS } from "../route";
import { text } from "../text/common";
import { places as placesText } from "../text/places";

const say = placesText.settings;

/** Adds to Stash's own settings: links to the page, and dots in place of the token. */
export function registerSettings() {
  after("PluginSettings", (p, result) =>
    p.pluginID === ID ? (
      <>
        <Guard quiet>
          <Links />
        </Guard>
        {result}
      </>
    ) : (
      result
    ),
  );
  instead("StringSetting", (p, next) => {
    const Modal = component("ModalSetting");
    if (p.id !== `plugin-${ID}-10plexToken` || !Modal) return next();
    return <Modal {...p} renderValue={(value: string) => <span>{value ? "••••••••" : ""}</span>} renderField={(_: string, set: (v: string) => void) => <TokenField set={set} />} />;
  });
  // The section is rendered twice; the one for scenes has two tools.
  before("SettingsToolsSection", (p) => {
    const Setting = component("Setting");
    if (React.Children.count(p.children) < 2 || !Setting) return p;
    const link = (
      <Link to={PATH}>
        <Button tabIndex={-1}>{text.title}</Button>
      </Link>
    );
    return {
      ...p,
      children: (
        <>
          {p.children}
          <Guard quiet>
            <Setting heading={link} subHeading={say.tool} />
          </Guard>
        </>
      ),
    };
  });
}

const Links = () => (
  <div className="setting">
    <div>
      <h3>{text.title}</h3>
      <div className="sub-heading">{say.text}</div>
      <div className="plexsync-actions mt-2">
        <Link className="btn btn-primary btn-sm" to={SETTINGS}>
          {say.open}
        </Link>
        <Link className="btn btn-secondary btn-sm" to={PATH}>
          {say.page}
        </Link>
      </div>
    </div>
  </div>
);

/** The field for a new token. It does not get the old one, which would be in the document. */
const TokenField = ({ set }: { set: (value: string) => void }) => (
  <>
    <Form.Control className="text-input" type="password" autoComplete="new-password" aria-label={say.newToken} placeholder={say.newToken} onChange={(e) => set(e.currentTarget.value)} />
    <div className="text-muted mt-2">{say.token}</div>
  </>
);
