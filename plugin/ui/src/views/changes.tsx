import { operation } from "../api";
import { React, useState } from "../host";
import { Act } from "../parts/act";
import { preview as previewText } from "../text/preview";

const say = previewText;

/** A value that would be written to Plex. Performers, tags and groups are lists with commas. */
export interface Change {
  field: string;
  action: "set" | "clear" | "add" | "remove";
  from: string;
  to: string;
}

const PICTURES = ["poster", "background"];
const isPicture = (c: Change) => PICTURES.includes(c.field);
const isList = (c: Change) => c.action === "add" || c.action === "remove";

/** What would change in one item, old and new side by side. pictures name an old and a new picture. */
export function Changes({ list, after, pictures }: { list: Change[]; after: string; pictures: string[] }) {
  const fields = [...new Set(list.map((c) => c.field))];
  return (
    <table className="plexsync-changes">
      <thead>
        <tr>
          <th>{say.fieldHead}</th>
          <th>{say.now}</th>
          <th>{after}</th>
        </tr>
      </thead>
      <tbody>
        {fields.map((name) => {
          const [old, made] = sides(list.filter((c) => c.field === name), pictures);
          return (
            <tr key={name}>
              <th scope="row">{say.field(name)}</th>
              <td data-side={say.now}>{old}</td>
              <td data-side={after}>{made}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function sides(list: Change[], pictures: string[]): React.ReactNode[] {
  if (list.some(isList)) {
    return [<Names sign="−" kind="del" list={list.map((c) => c.from)} />, <Names sign="+" kind="ins" list={list.map((c) => c.to)} />];
  }
  const change = list[0];
  if (isPicture(change)) return [empty(change.from && pictures[0]), empty(change.to && pictures[1])];
  const words = compare(change.from, change.to);
  return [<Words list={words} kind="del" />, <Words list={words} kind="ins" />];
}

const empty = (shown: React.ReactNode) => shown || <i className="text-muted">{say.empty}</i>;

/** Names that would be removed, or added. */
const Names = (p: { sign: string; kind: "del" | "ins"; list: string[] }) => (
  <>
    {p.list
      .flatMap((names) => names.split(", "))
      .filter(Boolean)
      .map((name, i) => React.createElement(p.kind, { key: i, className: "plexsync-name" }, p.sign + " " + name))}
  </>
);

type Part = ["same" | "del" | "ins", string];

const Words = ({ list, kind }: { list: Part[]; kind: "del" | "ins" }) => {
  const shown = list.filter(([what]) => what === "same" || what === kind);
  return <>{empty(shown.length > 0 && shown.map(([what, word], i) => (what === "same" ? word : React.createElement(what, { key: i }, word))))}</>;
};

/** Which words of two texts are the same, by their longest common subsequence. */
export function compare(from: string, to: string): Part[] {
  const a = from.match(/\S+\s*|\s+/g) ?? [];
  const b = to.match(/\S+\s*|\s+/g) ?? [];
  const long = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const same = (i: number, k: number) => a[i].trim() === b[k].trim();
  for (let i = a.length - 1; i >= 0; i--) {
    for (let k = b.length - 1; k >= 0; k--) long[i][k] = same(i, k) ? long[i + 1][k + 1] + 1 : Math.max(long[i + 1][k], long[i][k + 1]);
  }
  const parts: Part[] = [];
  const put = (what: Part[0], word: string) => {
    const last = parts[parts.length - 1];
    last?.[0] === what ? (last[1] += word) : parts.push([what, word]);
  };
  let i = 0;
  let k = 0;
  while (i < a.length || k < b.length) {
    if (i < a.length && k < b.length && same(i, k)) put("same", b[k++]), i++;
    else if (k === b.length || (i < a.length && long[i + 1][k] >= long[i][k + 1])) put("del", a[i++]);
    else put("ins", b[k++]);
  }
  return parts;
}

interface Picture {
  url: string | null;
  why: string;
}

type Shown = Record<"cover" | "poster" | "background", Picture | null>;

/** The pictures of a scene in Stash and in Plex, asked for by a click. */
export function Pictures({ scene, item, list }: { scene: number; item: string; list: Change[] }) {
  const [shown, setShown] = useState<Shown | null>(null);
  if (!scene || !list.some(isPicture)) return null;
  if (!shown) {
    return (
      <Act icon="faImage" run={() => operation<Shown>("pictures", { scene_id: scene, rating_key: item })} then={setShown}>
        {say.pictures}
      </Act>
    );
  }
  return (
    <div className="plexsync-reports-pictures" role="status">
      {(["cover", "poster", "background"] as const).map((name) => {
        const one = shown[name];
        return (
          one && (
            <figure key={name}>
              {one.url ? <img src={one.url} alt={say[name]} /> : <div className="text-muted">{say.noPicture(one.why)}</div>}
              <figcaption className="text-muted">{say[name]}</figcaption>
            </figure>
          )
        );
      })}
    </div>
  );
}
