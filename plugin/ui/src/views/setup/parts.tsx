import { operation } from "../../api";
import { Icon, React, useEffect, useRef } from "../../host";
import { useLive } from "../../live";
import { Act } from "../../parts/act";
import { Notice } from "../../parts/notice";
import { setup as setupText } from "../../text/setup";

/** What is shown while the plugin asks others, which takes some seconds. */
export const Asking = ({ children }: { children: string }) => (
  <p role="status" className="plexsync-loading text-muted">
    <Icon name="faSpinner" spin /> {children}
  </p>
);

/** A function that returns a signal for reading operations which a click starts. Leaving aborts the last one. */
export function useSignal(): () => AbortSignal {
  const last = useRef<AbortController>();
  useEffect(() => () => last.current?.abort(), []);
  return () => {
    last.current?.abort();
    last.current = new AbortController();
    return last.current.signal;
  };
}

/** A Plex server that is not the one to which scenes were pushed, and the button that accepts it. */
export function AcceptServer(p: { id: string; name: string; former: string; then: () => void }) {
  const { refresh } = useLive();
  const say = setupText.accept;
  return (
    <Notice kind="warning" title={say.title} text={say.text(p.former, p.name)} live>
      <Act
        variant="primary"
        run={() => operation("accept-server", { server: p.id })}
        then={() => {
          refresh();
          p.then();
          return say.done(p.name);
        }}
      >
        {say.yes(p.name)}
      </Act>
    </Notice>
  );
}
