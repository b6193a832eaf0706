import { Card, Icon, React } from "../host";

export type Kind = "success" | "info" | "warning" | "danger";

const ICONS: Record<Kind, string> = { success: "faCheckCircle", info: "faInfoCircle", warning: "faExclamationTriangle", danger: "faTimesCircle" };

/** A box that says how something stands, and what to do. Children are the controls. live: it is read aloud when it appears. */
export function Notice(p: { kind: Kind; title: string; text?: React.ReactNode; live?: boolean; children?: React.ReactNode }) {
  return (
    <Card className={`plexsync-notice plexsync-${p.kind}`} role={p.live ? "status" : undefined}>
      <Card.Body className="d-flex">
        <span className="plexsync-notice-icon">
          <Icon name={ICONS[p.kind]} />
        </span>
        <div className="plexsync-notice-text text-break">
          <strong>{p.title}</strong>
          {p.text && <div>{p.text}</div>}
          {p.children && <div className="plexsync-actions mt-2">{p.children}</div>}
        </div>
      </Card.Body>
    </Card>
  );
}
