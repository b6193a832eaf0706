import { Button, Form, React } from "../host";
import { text } from "../text/common";
import { useAddress } from "../route";

/** The buttons below a list that is read in pages. The cursor is part of the address, so Back leads to the page before. */
export function Paging({ next }: { next: string | number | null }) {
  const [query, go] = useAddress();
  if (!query.cursor && !next) return null;
  return (
    <div className="plexsync-actions my-2">
      <Button size="sm" variant="secondary" disabled={!query.cursor} onClick={() => go({ cursor: "" })}>
        {text.first}
      </Button>
      <Button size="sm" variant="secondary" disabled={!next} onClick={() => go({ cursor: String(next) })}>
        {text.more}
      </Button>
    </div>
  );
}

/** A choice that is part of the address. The first option is what an address without it means. */
export function Choose(p: { name: string; label: string; options: [value: string, shown: string][] }) {
  const [query, go] = useAddress();
  return (
    <Form.Group className="plexsync-choose" controlId={"plexsync-" + p.name}>
      <Form.Label className="text-muted">{p.label}</Form.Label>
      <Form.Control as="select" size="sm" className="input-control" value={query[p.name] ?? ""} onChange={(e) => go({ [p.name]: e.currentTarget.value, cursor: "" })}>
        {p.options.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </Form.Control>
    </Form.Group>
  );
}
