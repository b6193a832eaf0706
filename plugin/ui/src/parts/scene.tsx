import { address, Icon, Link, PATH, React } from "../host";
import { text } from "../text/common";
import type { Reason } from "../types";

/** The picture of a scene, as Stash shows it in lists. */
export const Thumb = ({ id }: { id: number }) => (
  <img className="plexsync-thumb" loading="lazy" alt="" src={address(`scene/${id}/screenshot`)} />
);

/** The title of a scene, as a link to what the plugin knows of it. */
export const SceneLink = ({ id, title }: { id: number; title: string }) => (
  <Link to={`${PATH}/scene/${id}`} className="text-break">
    <bdi>{title || text.untitled(id)}</bdi>
  </Link>
);

/** A link that opens an item in Plex's web app. */
export function PlexLink({ server, item }: { server: string; item: string }) {
  if (!server || !item) return null;
  const key = encodeURIComponent("/library/metadata/" + item);
  return (
    <a href={`https://app.plex.tv/desktop/#!/server/${encodeURIComponent(server)}/details?key=${key}`} target="_blank" rel="noopener noreferrer">
      {text.openInPlex} <Icon name="faExternalLinkAlt" />
    </a>
  );
}

/** Why something is so, and what a person can do about it. */
export function Because({ reason }: { reason: Reason | null | undefined }) {
  if (!reason) return null;
  return (
    <div className="plexsync-reason text-break">
      <div>{reason.text}</div>
      {reason.remedy && (
        <div className="text-muted">
          <strong>{text.doThis}</strong> {reason.remedy}
        </div>
      )}
    </div>
  );
}
