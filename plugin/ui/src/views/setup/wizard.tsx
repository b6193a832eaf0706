import { useAsk } from "../../ask";
import { Button, Card, Icon, Link, PATH, React, useEffect, useHistory, useState } from "../../host";
import { useLive } from "../../live";
import { Failed, Loading } from "../../parts/state";
import { useAddress } from "../../route";
import { setup as setupText } from "../../text/setup";
import { FirstPreview, Start } from "./first";
import { ChooseLibraries } from "./libraries";
import { ChooseServer } from "./servers";
import { SignIn, startedHere } from "./signin";
import { Token } from "./token";
import type { Account } from "./types";

const say = setupText;

const STEPS = ["connect", "server", "libraries", "preview", "start"] as const;
type Step = (typeof STEPS)[number];

/** The address of a step. With a token there is no step for the server, since the address names it. */
const to = (step: string, token: boolean) => `${PATH}/setup?step=${step}${token ? "&how=token" : ""}`;

/** The first set-up: its steps, and the one that the address names. What a step has done is in the plugin. */
export function Wizard() {
  const { pulse } = useLive();
  const history = useHistory();
  const [query] = useAddress();
  const [connected, setConnected] = useState(false); // just now, which pulse does not know yet
  const configured = connected || pulse!.configured;
  const token = query.how === "token";
  const steps = STEPS.filter((s) => s !== "server" || !token);
  const asked = steps.find((s) => s === query.step) ?? "connect";
  // Without a connection there is nothing to choose or to preview.
  const step = configured || asked === "server" ? asked : "connect";
  const at = steps.indexOf(step);
  const next = () => {
    if (step === "server" || token) setConnected(true);
    history.push(to(steps[at + 1], token));
  };
  const known = (s: Step) => (s === "connect" ? step === "server" || configured : steps.indexOf(s) < at);

  useEffect(() => {
    if (query.step !== step) history.replace(to(step, token)); // so that a reload, and what follows, stay in the set-up
  }, [query.step, step]);

  return (
    <section aria-labelledby="plexsync-step">
      <p className="text-muted">{say.intro}</p>
      <ol className="plexsync-setup-steps">
        {steps.map((s, i) => {
          const state = i === at ? "current" : known(s) ? "done" : "open";
          const inside = (
            <>
              <span className="plexsync-step-number" aria-hidden="true">
                {state === "done" ? <Icon name="faCheck" /> : i + 1}
              </span>
              <span className="plexsync-step-name">{say.steps[s]}</span>
              <span className="sr-only"> ({say.states[state]})</span>
            </>
          );
          return (
            <li key={s} className={"plexsync-step plexsync-step-" + state} aria-current={i === at ? "step" : undefined}>
              {i !== at && (configured || s === "connect") ? <Link to={to(s, token)}>{inside}</Link> : <span>{inside}</span>}
            </li>
          );
        })}
      </ol>
      <Card className="plexsync-setup-panel">
        <Card.Body>
          <h3 className="h5" id="plexsync-step">
            {say.titles[step]}
          </h3>
          {step === "connect" && <Connect token={token} next={next} />}
          {step === "server" && <ChooseServer done={next} signIn={() => history.push(to("connect", false) + "&again=1")} />}
          {step === "libraries" && <ChooseLibraries done={next} />}
          {step === "preview" && <FirstPreview done={next} />}
          {step === "start" && <Start />}
        </Card.Body>
      </Card>
      <p className="mt-3">
        <Link to={`${PATH}/setup?tab=settings`}>{say.allSettings}</Link>
      </p>
    </section>
  );
}

/** How to connect: by a sign-in, or by an address and a token. */
function Connect({ token, next }: { token: boolean; next: () => void }) {
  const history = useHistory();
  const [query] = useAddress();
  const { data, failure, again } = useAsk<Account>("account", {}, true);
  if (failure) return <Failed failure={failure} again={again} />;
  if (!data) return <Loading />;
  const other = (how: boolean) => history.push(to("connect", how));
  const signedIn = data.signed_in && !data.refused && !query.again && !token;
  return (
    <>
      {token ? (
        <Token address={data.source === "settings" ? data.address : ""} done={next} />
      ) : signedIn && !startedHere()?.link ? (
        <>
          <p>
            <Icon name="faCheckCircle" className="plexsync-setup-good" /> {say.signIn.already(data.name)}
          </p>
          <div className="plexsync-actions">
            <Button size="sm" variant="primary" onClick={next}>
              {say.toServer}
            </Button>
            <Link className="btn btn-secondary btn-sm" to={to("connect", false) + "&again=1"}>
              {say.signIn.another}
            </Link>
          </div>
        </>
      ) : (
        <SignIn pending={data.pending} done={next} />
      )}
      <hr />
      <p className="mb-0 text-muted">
        {token ? say.orSignIn : say.orToken}{" "}
        <Button size="sm" variant="link" className="p-0 align-baseline" onClick={() => other(!token)}>
          {token ? say.signIn.start : say.token.title}
        </Button>
      </p>
    </>
  );
}
