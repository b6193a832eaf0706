import { operation, saveSettings, storedSettings } from "../../api";
import { Button, Form, Icon, Link, PATH, React, useState, useToast } from "../../host";
import { useLive } from "../../live";
import { useMounted } from "../../parts/act";
import { Notice } from "../../parts/notice";
import { sentence } from "../../parts/words";
import { setup as setupText } from "../../text/setup";
import { AcceptServer, useSignal } from "./parts";
import type { CheckAnswer } from "./types";

const say = setupText.token;

interface Problems {
  plexUrl?: string;
  plexToken?: string;
  other?: string; // of another setting, or of Stash
}

/** What keeps an address and a token from working, by the field that a person corrects. */
function problemsOf(answer: CheckAnswer): Problems | null {
  const found: Problems = {};
  for (const one of answer.checks) {
    if (one.ok) continue;
    if (one.code === "setting-plexUrl") found.plexUrl = sentence(one.hint);
    else if (one.code === "setting-plexToken") found.plexToken = sentence(one.hint);
    else if (one.reason?.code === "token_refused") found.plexToken = say.refused;
    else if (one.reason?.code === "paths_hidden") found.plexToken = sentence(one.detail);
    else if (one.code === "plex") found.plexUrl = sentence(one.detail);
    else if (!answer.checks.some((c) => c.code === "plex")) found.other = sentence(`${one.name}: ${one.detail} ${one.hint}`);
  }
  return found.plexUrl || found.plexToken || found.other ? found : null;
}

/** Enters the address and the token of Plex, which are checked before they are saved. done is called when they are in use. */
export function Token({ address, done }: { address: string; done: () => void }) {
  const { pulse, refresh } = useLive();
  const toast = useToast();
  const mounted = useMounted();
  const signal = useSignal();
  const [url, setUrl] = useState(address);
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problems>({});
  const [other, setOther] = useState<{ id: string; name: string } | null>(null);

  const save = async () => {
    await saveSettings({ "05plexUrl": url.trim(), "10plexToken": token.trim() });
    refresh();
  };
  const submit = async (e: React.FormEvent) => {
    e.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblems({});
    try {
      const settings = { ...(await storedSettings()), "05plexUrl": url.trim(), "10plexToken": token.trim() };
      const answer = await operation<CheckAnswer>("check", { settings }, signal());
      const wrong = problemsOf(answer);
      if (!mounted.current) return;
      if (wrong) setProblems(wrong);
      else {
        await save();
        const { server, known_server } = answer;
        if (server && known_server && server.id !== known_server) setOther(server);
        else if (mounted.current) done();
      }
    } catch (failure) {
      if (mounted.current) toast.error(failure);
    }
    if (mounted.current) setBusy(false);
  };

  if (other) return <AcceptServer id={other.id} name={other.name || other.id} former={pulse?.name || pulse?.server || ""} then={done} />;
  return (
    <Form onSubmit={submit} autoComplete="off" noValidate>
      <Field id="url" label={say.address} help={say.addressHelp} problem={problems.plexUrl}>
        {(props) => <Form.Control {...props} type="url" placeholder="http://192.168.1.5:32400" value={url} onChange={(e) => setUrl(e.currentTarget.value)} />}
      </Field>
      <Field id="token" label={say.token} help={say.tokenHelp} problem={problems.plexToken}>
        {(props) => <Form.Control {...props} type="password" autoComplete="off" value={token} onChange={(e) => setToken(e.currentTarget.value)} />}
      </Field>
      {problems.other && (
        <Notice kind="danger" title={say.other} text={problems.other} live>
          <Link to={`${PATH}/setup?tab=settings`}>{setupText.allSettings}</Link>
        </Notice>
      )}
      <Button type="submit" size="sm" variant="primary" aria-disabled={busy}>
        <Icon name={busy ? "faSpinner" : "faCheck"} spin={busy} /> {busy ? say.checking : say.save}
      </Button>
    </Form>
  );
}

/** A field with what it expects, and what is wrong with it. */
function Field(p: { id: string; label: string; help: string; problem?: string; children: (props: object) => React.ReactNode }) {
  const id = "plexsync-" + p.id;
  return (
    <Form.Group>
      <Form.Label htmlFor={id}>{p.label}</Form.Label>
      {p.children({ id, className: "text-input", isInvalid: !!p.problem, "aria-describedby": `${id}-help ${id}-problem`, spellCheck: false })}
      <div id={id + "-problem"} role="alert" className="plexsync-setup-problem text-break">
        {p.problem && (
          <>
            <Icon name="faTimesCircle" /> {p.problem}
          </>
        )}
      </div>
      <Form.Text id={id + "-help"} className="text-muted">
        {p.help}
      </Form.Text>
    </Form.Group>
  );
}
