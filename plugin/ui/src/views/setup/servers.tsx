import { operation } from "../../api";
import { useAsk } from "../../ask";
import { Badge, Button, Form, Icon, React, useState } from "../../host";
import { useLive } from "../../live";
import { Act } from "../../parts/act";
import { Notice } from "../../parts/notice";
import { Failed } from "../../parts/state";
import { sentence } from "../../parts/words";
import { text } from "../../text/common";
import { setup as setupText } from "../../text/setup";
import { AcceptServer, Asking } from "./parts";
import { startedHere } from "./signin";
import type { Choice, Server, Servers, Tried } from "./types";

const say = setupText.servers;

interface Picked {
  server: Server;
  address: string;
}

/** The address that is used unless a person picks another one: the best one of the first server that answers. */
function best(list: Server[], own: string): Picked | null {
  for (const server of list) {
    const typed = server.addresses.find((a) => a.own && a.ok && a.address.includes(own));
    if (own && typed) return { server, address: typed.address };
  }
  const server = list.find((s) => s.best);
  return server ? { server, address: server.best } : null;
}

/** Chooses the server to push to, and its address. signedOut is called if nobody is signed in. */
export function ChooseServer({ done, signIn }: { done: () => void; signIn: () => void }) {
  const { pulse, refresh } = useLive();
  const [own, setOwn] = useState("");
  const { data, failure, loading, again } = useAsk<Servers>("servers", own ? { address: own } : {}, true);
  const [chosen, setChosen] = useState<Picked | null>(null);
  const [refused, setRefused] = useState("");
  const [other, setOther] = useState<Server | null>(null);

  if (failure) return <Failed failure={failure} again={again} />;
  if (loading || !data) return <Asking>{say.asking}</Asking>;
  if (other) return <AcceptServer id={other.machine_id} name={other.name} former={pulse?.name || pulse?.server || ""} then={done} />;
  if (data.state !== "ok") {
    const out = data.state === "signed_out" || data.state === "refused";
    return (
      <Notice kind="warning" title={sentence(data.text)} text={sentence(data.remedy)} live>
        <Button size="sm" variant="primary" onClick={out ? signIn : again}>
          {out ? say.signIn : text.failure.again}
        </Button>
      </Notice>
    );
  }
  const picked = chosen ?? best(data.servers, own);
  const choose = async () => {
    const handle = startedHere()?.handle;
    return operation<Choice>("choose-server", { machine_id: picked!.server.machine_id, address: picked!.address, handle });
  };
  const chose = (answer: Choice) => {
    setRefused(answer.ok ? "" : answer.text);
    if (!answer.ok) return;
    refresh();
    answer.changed ? setOther(picked!.server) : done();
  };
  return (
    <>
      {data.text && <Notice kind="warning" title={sentence(data.text)} text={sentence(data.remedy)} live />}
      {data.servers.map((s) => (
        <ServerBox key={s.machine_id} server={s} picked={picked?.server === s ? picked.address : ""} pick={(address) => setChosen({ server: s, address })} />
      ))}
      {refused && <Notice kind="danger" title={say.refused} text={sentence(refused)} live />}
      <div className="plexsync-actions mb-3">
        {picked && (
          <Act variant="primary" icon="faCheck" run={choose} then={chose}>
            {say.use(picked.server.name)}
          </Act>
        )}
        <Button size="sm" variant="secondary" onClick={again}>
          {say.again}
        </Button>
      </div>
      {data.servers.length > 0 && (
        <OwnAddress
          tried={own}
          open={!!own || !picked}
          signIn={signIn}
          go={(address) => {
            setChosen(null);
            setOwn(address);
          }}
        />
      )}
    </>
  );
}

/** A server with its addresses, of which one can be picked. */
function ServerBox({ server: s, picked, pick }: { server: Server; picked: string; pick: (address: string) => void }) {
  const facts = [s.version && say.version(s.version), s.owned ? say.owned : say.shared, s.present ? "" : say.absent].filter(Boolean);
  const answering = s.addresses.filter((a) => a.ok);
  const silent = s.addresses.filter((a) => !a.ok);
  const radio = (a: Tried) => (
    <Form.Check
      key={a.address}
      type="radio"
      name="plexsync-address"
      id={`plexsync-${s.machine_id}-${a.address}`}
      className="plexsync-setup-pick"
      disabled={!a.ok}
      checked={picked === a.address}
      onChange={() => pick(a.address)}
      label={<AddressOf tried={a} best={a.address === s.best} />}
    />
  );
  return (
    <fieldset className={"plexsync-box" + (picked ? " plexsync-picked" : "")}>
      <legend className="h6">
        <Icon name="faServer" /> {s.name}
      </legend>
      <p className="text-muted">{facts.join(" · ")}</p>
      {s.problem && (
        <p>
          <Icon name="faExclamationTriangle" /> {sentence(s.problem)}
        </p>
      )}
      {answering.map(radio)}
      {silent.length > 0 && (
        <details open={answering.length === 0}>
          <summary className="text-muted">{say.silent(silent.length)}</summary>
          {silent.map(radio)}
        </details>
      )}
    </fieldset>
  );
}

const AddressOf = ({ tried: a, best }: { tried: Tried; best: boolean }) => (
  <>
    <span className="text-break">{a.address}</span> <Badge variant="secondary">{a.own ? say.own : a.relay ? say.relay : a.local ? say.local : say.remote}</Badge>{" "}
    {best && (
      <small className="plexsync-setup-good">
        <Icon name="faCheck" /> {say.best}
      </small>
    )}
    <small className="d-block text-muted text-break">{a.ok ? say.latency(a.latency_ms) : sentence(a.problem)}</small>
  </>
);

/** An address that plex.tv does not know, such as that of a container. Only who has just signed in may enter one. */
function OwnAddress(p: { tried: string; open: boolean; go: (address: string) => void; signIn: () => void }) {
  const [value, setValue] = useState(p.tried);
  if (!startedHere()) {
    return (
      <p className="text-muted">
        {say.ownNeeds}{" "}
        <Button size="sm" variant="link" className="p-0 align-baseline" onClick={p.signIn}>
          {say.signIn}
        </Button>
      </p>
    );
  }
  const submit = (e: React.FormEvent) => {
    e.preventDefault();
    p.go(value.trim().replace(/\/+$/, ""));
  };
  return (
    <details open={p.open}>
      <summary>{say.ownTitle}</summary>
      <Form onSubmit={submit} className="plexsync-own mt-2">
        <Form.Label htmlFor="plexsync-own">{say.ownLabel}</Form.Label>
        <div className="plexsync-actions">
          <Form.Control id="plexsync-own" size="sm" type="url" className="text-input" placeholder="http://172.17.0.1:32400" value={value} onChange={(e) => setValue(e.currentTarget.value)} />
          <Button type="submit" size="sm" variant="secondary" disabled={!value.trim()}>
            {say.ownTry}
          </Button>
        </div>
      </Form>
    </details>
  );
}
