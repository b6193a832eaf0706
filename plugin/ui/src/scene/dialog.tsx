import { Button, Icon, Modal, React, useState } from "../host";

/** A button that opens a dialog. What the dialog holds is rendered only while it is open, and gets what closes it. */
export function Dialog(p: { button: string; icon: string; title: string; large?: boolean; children: (close: () => void) => React.ReactNode }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <Button size="sm" variant="secondary" onClick={() => setOpen(true)}>
        <Icon name={p.icon} /> {p.button}
      </Button>
      <Modal show={open} onHide={close} size={p.large ? "lg" : undefined} aria-labelledby="plexsync-dialog" className="plexsync">
        <Modal.Header>
          <Modal.Title as="h2" className="h5" id="plexsync-dialog">
            {p.title}
          </Modal.Title>
        </Modal.Header>
        {open && p.children(close)}
      </Modal>
    </>
  );
}
