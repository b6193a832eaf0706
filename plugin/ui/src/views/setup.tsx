import { Loading } from "../parts/state";
import { Link, PATH, React } from "../host";
import { useLive } from "../live";
import { useAddress } from "../route";
import { setup as setupText } from "../text/setup";
import { Connection } from "./setup/connection";
import { Wizard } from "./setup/wizard";
import { SettingsView } from "./settings";

const say = setupText;

/** The first set-up, or, once Plex is known, the connection and the settings. */
export function Setup() {
  const { pulse, failure } = useLive();
  const [query] = useAddress();
  const settings = query.tab === "settings";
  if (!pulse && !settings) return failure ? null : <Loading />; // the banner says why
  if (!settings && (query.step || !pulse!.configured)) return <Wizard />;
  return (
    <>
      <ul className="nav nav-pills plexsync-segments" aria-label={say.parts}>
        <Part query="" current={!settings}>
          {say.connection.title}
        </Part>
        <Part query="?tab=settings" current={settings}>
          {say.settings}
        </Part>
      </ul>
      {settings ? <SettingsView /> : <Connection />}
    </>
  );
}

const Part = (p: { query: string; current: boolean; children: React.ReactNode }) => (
  <li className="nav-item">
    <Link to={`${PATH}/setup${p.query}`} className={"nav-link" + (p.current ? " active" : "")} aria-current={p.current ? "page" : undefined}>
      {p.children}
    </Link>
  </li>
);
