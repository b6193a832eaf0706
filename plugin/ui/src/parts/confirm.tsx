import { Button, Modal, React, useState } from "../host";
import { text } from "../text/common";
import { Act } from "./act";

interface Props<T> {
  /** The button that opens the question. */
  button: React.ReactNode;
  variant?: string;
  disabled?: boolean;
  title: string;
  /** What will happen, and whether it can be undone. */
  children: React.ReactNode;
  /** The button that does it. */
  yes: string;
  yesVariant?: string;
  yesDisabled?: boolean;
  run: () => Promise<T>;
  then?: (answer: T) => string | void;
}

/** A button that asks before it does something that cannot be undone. */
export function Confirm<T>(p: Props<T>) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <Button size="sm" variant={p.variant ?? "danger"} disabled={p.disabled} onClick={() => setOpen(true)}>
        {p.button}
      </Button>
      <Modal show={open} onHide={close} aria-labelledby="plexsync-question" className="plexsync">
        <Modal.Header>
          <Modal.Title as="h2" className="h5" id="plexsync-question">
            {p.title}
          </Modal.Title>
        </Modal.Header>
        <Modal.Body>{p.children}</Modal.Body>
        <Modal.Footer>
          <Button size="sm" variant="secondary" onClick={close}>
            {text.cancel}
          </Button>
          <Act
            disabled={p.yesDisabled}
            variant={p.yesVariant ?? p.variant ?? "danger"}
            run={p.run}
            then={(answer) => {
              close();
              return p.then?.(answer);
            }}
          >
            {p.yes}
          </Act>
        </Modal.Footer>
      </Modal>
    </>
  );
}
