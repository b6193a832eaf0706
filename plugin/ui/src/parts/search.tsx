import { Button, Form, Icon, React, useEffect, useState } from "../host";
import { useAddress } from "../route";
import { find as findText } from "../text/find";

/** A text that is part of the address once it is submitted. */
export function Search(p: { name: string; label: string; placeholder: string; numeric?: boolean }) {
  const [query, go] = useAddress();
  const current = query[p.name] ?? "";
  const [typed, setTyped] = useState(current);
  useEffect(() => setTyped(current), [current]);
  const submit = (value: string) => go({ [p.name]: value.trim(), cursor: "" });
  return (
    <Form
      className="plexsync-choose plexsync-search"
      role="search"
      onSubmit={(e: React.FormEvent) => {
        e.preventDefault();
        submit(typed);
      }}
    >
      <Form.Label className="text-muted" htmlFor={"plexsync-" + p.name}>
        {p.label}
      </Form.Label>
      <div className="d-flex">
        <Form.Control id={"plexsync-" + p.name} size="sm" className="text-input" type="search" inputMode={p.numeric ? "numeric" : undefined} pattern={p.numeric ? "[0-9]*" : undefined} placeholder={p.placeholder} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} />
        <Button size="sm" variant="secondary" type="submit" aria-label={findText.search} title={findText.search}>
          <Icon name="faSearch" />
        </Button>
      </div>
    </Form>
  );
}
