import { React } from "../host";
import { SceneLink, Thumb } from "./scene";

interface Props {
  id: number;
  title: string;
  /** What stands before the picture, such as a checkbox. */
  pick?: React.ReactNode;
  /** What is most important, beside the title. */
  badge?: React.ReactNode;
  facts?: React.ReactNode;
  actions?: React.ReactNode;
  children?: React.ReactNode;
}

/** One scene of a list: a line on a wide screen, a card on a narrow one. */
export const SceneRow = (p: Props) => (
  <li className="plexsync-row">
    <div className="plexsync-row-lead">
      {p.pick}
      <Thumb id={p.id} />
    </div>
    <div className="plexsync-row-head">
      <SceneLink id={p.id} title={p.title} /> {p.badge}
    </div>
    <div className="plexsync-facts text-muted">{p.facts}</div>
    <div className="plexsync-row-body">{p.children}</div>
    {p.actions && <div className="plexsync-row-acts plexsync-actions">{p.actions}</div>}
  </li>
);
