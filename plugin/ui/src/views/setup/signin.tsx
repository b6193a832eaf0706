import { operation } from "../../api";
import { Button, Icon, React, useEffect, useRef, useState } from "../../host";
import { Act, useMounted } from "../../parts/act";
import { Notice } from "../../parts/notice";
import { When } from "../../parts/when";
import { sentence } from "../../parts/words";
import { setup as setupText } from "../../text/setup";
import type { SignInState } from "./types";

const say = setupText.signIn;

/** A sign-in that a person has started in this tab. Without a code it is over, and the handle only lets its owner type an address. */
interface Started {
  handle: string;
  link?: string;
  code?: string; // only a short one, which a person types
  until?: string;
}

const KEY = "stash-plex-sync.sign-in";

/** The sign-in of this tab. The tab keeps it, so that a reload goes on with it. It is no token and gives no access. */
export function startedHere(): Started | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

function keep(s: Started | null) {
  try {
    s ? sessionStorage.setItem(KEY, JSON.stringify(s)) : sessionStorage.removeItem(KEY);
  } catch {
    // Without storage, a reload begins again.
  }
}

const OVER = ["expired", "replaced", "refused", "clock"];

/** Signs in at plex.tv. done is called when the account is known. */
export function SignIn({ pending, done }: { pending: boolean; done: () => void }) {
  const [started, setStarted] = useState(() => {
    const s = startedHere();
    return s?.link ? s : null;
  });
  const [state, setState] = useState<SignInState | null>(null);
  const mounted = useMounted();
  const popup = useRef<Window | null>(null);

  const start = async (short: boolean) => {
    // Browsers open a window only during the click, so it is opened before its address is known.
    const opened = short ? null : window.open("about:blank", "_blank");
    if (opened) opened.opener = null;
    popup.current = opened;
    try {
      const answer = await operation<SignInState>("pin-start", { short });
      if (!answer.handle) opened?.close();
      else opened?.location.replace(answer.link);
      if (!mounted.current) return;
      const until = () => new Date(Date.now() + answer.expires * 1000).toISOString();
      const next = answer.handle ? { handle: answer.handle, link: answer.link, code: short ? answer.code : "", until: until() } : null;
      keep(next);
      setStarted(next);
      setState(answer);
    } catch (e) {
      opened?.close();
      throw e;
    }
  };
  const stop = () => {
    popup.current?.close();
    keep(null);
    setStarted(null);
    setState(null);
  };

  usePolling(started?.handle, (answer) => {
    setState(answer);
    if (answer.state === "claimed") {
      popup.current?.close();
      keep({ handle: answer.handle });
      done();
    } else if (OVER.includes(answer.state)) {
      keep(null);
      setStarted(null);
    }
  });

  if (state?.state === "claimed") return <Notice kind="success" title={say.claimed(state.name)} live />;
  if (started) return <Waiting started={started} state={state} stop={stop} />;
  return (
    <>
      {state && <Notice kind="warning" title={sentence(state.text)} text={sentence(state.remedy)} live />}
      {!state && pending && <Notice kind="info" title={say.elsewhere} text={say.elsewhereText} />}
      <p>{say.what}</p>
      <div className="plexsync-actions">
        <Act variant="primary" icon="faSignInAlt" run={() => start(false)}>
          {state ? say.again : say.start}
        </Act>
        <Act run={() => start(true)}>{say.short}</Act>
      </div>
    </>
  );
}

/** What a person does while the page waits, and what keeps plex.tv from answering. */
function Waiting({ started, state, stop }: { started: Started; state: SignInState | null; stop: () => void }) {
  return (
    <div role="group" aria-label={say.waiting}>
      {state && state.state !== "pending" ? (
        <Notice kind="warning" title={sentence(state.text)} text={`${sentence(state.remedy)} ${say.goesOn}`} live />
      ) : (
        <p role="status">
          <Icon name="faSpinner" spin /> {say.waiting}
        </p>
      )}
      {started.code ? (
        <ol className="plexsync-todo">
          <li>
            {say.open} <PlexTV link={started.link!}>{say.linkPage}</PlexTV>
          </li>
          <li>
            {say.type} <strong className="plexsync-code">{started.code}</strong>
          </li>
        </ol>
      ) : (
        <p>
          {say.popup} <PlexTV link={started.link!}>{say.link}</PlexTV>
        </p>
      )}
      <div className="plexsync-actions">
        <Button size="sm" variant="secondary" onClick={stop}>
          {say.cancel}
        </Button>
        <span className="text-muted">
          {say.ends} <When at={started.until ?? null} />
        </span>
      </div>
    </div>
  );
}

const PlexTV = ({ link, children }: { link: string; children: React.ReactNode }) => (
  <a href={link} target="_blank" rel="noopener noreferrer">
    {children} <Icon name="faExternalLinkAlt" />
  </a>
);

/** Asks for the state of a sign-in, as often as the plugin wants, while the page is shown. */
function usePolling(handle: string | undefined, tell: (s: SignInState) => void) {
  const told = useRef(tell);
  told.current = tell;
  useEffect(() => {
    if (!handle) return;
    let timer = 0;
    let asking = false;
    let ended = false;
    const poll = async () => {
      window.clearTimeout(timer);
      if (ended || asking || document.hidden) return;
      asking = true;
      let pause = 5;
      try {
        const answer = await operation<SignInState>("pin-poll", { handle }); // not aborted: it stores the sign-in
        if (!ended) told.current(answer);
        pause = answer.retry_after;
        ended = ended || answer.state === "claimed" || OVER.includes(answer.state);
      } catch {
        // Stash did not answer, which the banner says. The next look follows.
      }
      asking = false;
      if (!ended) timer = window.setTimeout(poll, pause * 1000);
    };
    poll();
    document.addEventListener("visibilitychange", poll);
    return () => {
      ended = true;
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", poll);
    };
  }, [handle]);
}
