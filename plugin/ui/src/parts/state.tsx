import { enablePlugin, Failure } from "../api";
import { Button, Icon, React } from "../host";
import { useLive } from "../live";
import { text } from "../text/common";
import { Act } from "./act";
import { Notice } from "./notice";

/** What a view shows until its first answer. */
export const Loading = () => (
  <p className="plexsync-loading text-muted" role="status">
    <Icon name="faSpinner" spin /> {text.loading}
  </p>
);

/** What a view shows when there is nothing to list: a title, why that is good or what to do, and controls. */
export const Empty = (p: { icon: string; title: string; text?: React.ReactNode; children?: React.ReactNode }) => (
  <div className="plexsync-empty text-center">
    <div className="plexsync-empty-icon text-muted">
      <Icon name={p.icon} />
    </div>
    <h3 className="h5">{p.title}</h3>
    {p.text && <p className="text-muted">{p.text}</p>}
    {p.children && <div className="plexsync-actions justify-content-center">{p.children}</div>}
  </div>
);

/** Why something could not be loaded, and what to do. In a view it says nothing if the banner above says it already. */
export function Failed({ failure, again }: { failure: Failure; again: () => void }) {
  const { failure: above } = useLive();
  if (above && above !== failure) return null;
  return (
    <Notice
      kind="danger"
      title={failure.title}
      text={
        <>
          {failure.text}
          {failure.why && <div className="text-muted">{failure.why}</div>}
        </>
      }
      live
    >
      {failure.kind === "disabled" && (
        <Act variant="primary" run={enablePlugin} then={again}>
          {text.failure.enable}
        </Act>
      )}
      <Button size="sm" variant="secondary" onClick={again}>
        {text.failure.again}
      </Button>
    </Notice>
  );
}
