import { operation } from "../../api";
import { Button, Modal, React, useToast, useState } from "../../host";
import { text } from "../../text/common";
import { queue as queueText } from "../../text/queue";
import type { Target } from "./types";

const say = queueText;

interface Asked {
  target: Target;
  n: number;
  capped?: boolean;
  confirm?: string;
}

/**
 * Asks before rows are removed. For a whole list the plugin says how many there are; it refuses the removal if the list
 * has grown since.
 */
export function useRemoval(remove: (target: Target, more: object) => void) {
  const toast = useToast();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [open, setOpen] = useState(false);
  const ask = async (target: Target) => {
    try {
      if (target.scene_ids) {
        setAsked({ target, n: target.scene_ids.length });
      } else {
        const a = await operation<{ would_remove: number; capped: boolean; confirm: string }>("remove", target);
        setAsked({ target, n: a.would_remove, capped: a.capped, confirm: a.confirm });
      }
      setOpen(true);
    } catch (e) {
      toast.error(e);
    }
  };
  const close = () => setOpen(false);
  const dialog = (
    <Modal show={open} onHide={close} onExited={() => setTimeout(() => setAsked(null))} aria-labelledby="plexsync-removal" className="plexsync">
      {asked && (
        <>
          <Modal.Header>
            <Modal.Title as="h2" className="h5" id="plexsync-removal">
              {say.removeTitle(asked.n, asked.capped)}
            </Modal.Title>
          </Modal.Header>
          <Modal.Body>{say.removeText}</Modal.Body>
          <Modal.Footer>
            <Button size="sm" variant="secondary" onClick={close}>
              {text.cancel}
            </Button>
            <Button
              size="sm"
              variant="danger"
              onClick={() => {
                close();
                remove(asked.target, asked.confirm ? { confirm: asked.confirm } : {});
              }}
            >
              {say.removeYes(asked.n, asked.capped)}
            </Button>
          </Modal.Footer>
        </>
      )}
    </Modal>
  );
  return { ask, dialog };
}
