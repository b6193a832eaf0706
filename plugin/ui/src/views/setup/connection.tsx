import { operation, saveSettings } from "../../api";
import { useAsk } from "../../ask";
import { Card, Icon, Link, PATH, React, useHistory } from "../../host";
import { useLive } from "../../live";
import { Act } from "../../parts/act";
import { Confirm } from "../../parts/confirm";
import { Notice } from "../../parts/notice";
import { Failed, Loading } from "../../parts/state";
import { sentence } from "../../parts/words";
import { useAddress } from "../../route";
import { text } from "../../text/common";
import { setup as setupText } from "../../text/setup";
import { AcceptServer } from "./parts";
import { ChooseServer } from "./servers";
import { SignIn } from "./signin";
import { Token } from "./token";
import type { Account, Choice } from "./types";

const say = setupText.connection;

const to = (what: string) => `${PATH}/setup?do=${what}`;

/** Where Plex is and who has signed in, and what can be changed about it. */
export function Connection() {
  const history = useHistory();
  const [query] = useAddress();
  const { refresh } = useLive();
  const { data, failure, again } = useAsk<Account>("account");
  const failed = failure && <Failed failure={failure} again={again} />;
  if (!data) return failed ?? <Loading />;
  const back = () => {
    refresh();
    again();
    history.push(`${PATH}/setup`);
  };
  const forms: Record<string, [title: string, form: React.ReactNode]> = {
    server: [say.changeServer, <ChooseServer done={back} signIn={() => history.push(to("sign-in"))} />],
    "sign-in": [setupText.signIn.start, <SignIn pending={data.pending} done={() => history.push(to("server"))} />],
    token: [setupText.token.title, <Token address={data.source === "settings" ? data.address : ""} done={back} />],
  };
  const form = forms[query.do ?? ""];
  if (form) {
    return (
      <>
        {failed}
        <Card className="plexsync-setup-panel">
          <Card.Body>
            <h3 className="h5">{form[0]}</h3>
            {form[1]}
            <p className="mt-3 mb-0">
              <Link to={`${PATH}/setup`}>
                <Icon name="faArrowLeft" /> {say.back}
              </Link>
            </p>
          </Card.Body>
        </Card>
      </>
    );
  }
  return (
    <>
      {failed}
      <Warnings account={data} again={again} />
      <Card className="plexsync-setup-panel">
        <Card.Body>
          <h3 className="h5">{say.plex}</h3>
          <Facts account={data} />
          <Actions account={data} again={again} />
        </Card.Body>
      </Card>
      <p className="mt-3">
        {say.more} <Link to={`${PATH}/check`}>{text.nav.check}</Link> · <Link to={`${PATH}/setup?step=libraries${data.source === "settings" ? "&how=token" : ""}`}>{say.guide}</Link>
      </p>
    </>
  );
}

/** What a person should know or decide. */
function Warnings({ account: a, again }: { account: Account; again: () => void }) {
  const { pulse, refresh } = useLive();
  const stopped = pulse?.stopped?.code === "server_changed" ? pulse.stopped.params.machine : "";
  const chosen = a.source === "account" && pulse?.server && a.server!.machine_id !== pulse.server ? a.server!.machine_id : "";
  const changed = chosen || stopped;
  const name = a.server?.machine_id === changed ? a.server.name : pulse?.name;
  const renew = () => (refresh(), again());
  return (
    <>
      {changed && <AcceptServer id={changed} name={name || changed} former={(chosen && pulse?.name) || pulse?.server || ""} then={again} />}
      {a.problem && !pulse?.problem && <Notice kind="danger" title={say.problem} text={sentence(a.problem)} />}
      {a.is_exposed && <Notice kind="warning" title={say.exposed} text={say.exposedText} />}
      {a.can_empty && (
        <Notice kind="info" title={say.twice} text={say.twiceText}>
          <Act variant="primary" run={() => saveSettings({ "05plexUrl": null, "10plexToken": null })} then={() => (renew(), say.emptied)}>
            {say.empty}
          </Act>
        </Notice>
      )}
    </>
  );
}

function Facts({ account: a }: { account: Account }) {
  const { pulse } = useLive();
  const signed = a.source === "account";
  const facts: [string, React.ReactNode][] = [
    [say.how, signed ? say.bySignIn(a.name) : a.source === "settings" ? say.bySettings : say.byNothing],
    [say.server, (signed && a.server?.name) || pulse?.name || pulse?.server || ""],
    [say.address, a.address],
    [say.state, a.refused || pulse?.stopped?.code === "token_refused" ? say.refused : pulse?.reachable === null ? say.unasked : pulse?.reachable ? say.answers : say.silent],
  ];
  if (signed && a.server?.others.length) {
    facts.push([
      say.others,
      <ul className="list-unstyled mb-0">
        {a.server.others.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>,
    ]);
  }
  return (
    <dl className="plexsync-setup-facts">
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd className="text-break">{value}</dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

function Actions({ account: a, again }: { account: Account; again: () => void }) {
  const { refresh } = useLive();
  const renew = () => (refresh(), again());
  const button = (what: string, label: string, primary = false) => (
    <Link className={`btn btn-sm btn-${primary ? "primary" : "secondary"}`} to={to(what)}>
      {label}
    </Link>
  );
  const adopt = async () => {
    const answer = await operation<Choice>("adopt-settings");
    if (!answer.ok) throw new Error(answer.text);
  };
  return (
    <div className="plexsync-actions">
      {a.source !== "account" && button("token", say.changeToken)}
      {a.signed_in && !a.refused && button("server", say.changeServer)}
      {(!a.signed_in || a.refused) && button("sign-in", a.refused ? say.signInAgain : setupText.signIn.start, a.refused)}
      {a.can_adopt && (
        <Confirm variant="primary" button={say.adopt} title={say.adoptTitle} yes={say.adopt} run={adopt} then={() => (renew(), say.adopted)}>
          {say.adoptText}
        </Confirm>
      )}
      {(a.signed_in || a.server) && (
        <Confirm button={say.signOut} title={say.signOutTitle} yes={say.signOut} run={() => operation("sign-out")} then={() => (renew(), say.signedOut)}>
          {a.source === "settings" ? say.signOutKept : say.signOutText}
        </Confirm>
      )}
    </div>
  );
}
