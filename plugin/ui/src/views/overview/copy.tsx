import { operation } from "../../api";
import { Button, Card, Form, Modal, React, useEffect, useRef, useState } from "../../host";
import { Act } from "../../parts/act";
import { text } from "../../text/common";
import { overview as overviewText } from "../../text/overview";

const say = overviewText;

/** A text to paste into an issue. Browsers give the clipboard only to pages at https and localhost. */
export function CopyReport() {
  const [check, setCheck] = useState(false);
  const [shown, setShown] = useState("");
  const copy = async () => {
    const report = (await operation<{ text: string }>("copy-report", check ? { check } : {})).text;
    try {
      await navigator.clipboard.writeText(report);
      return true;
    } catch {
      setShown(report);
      return false;
    }
  };
  return (
    <Card className="plexsync-overview-panel">
      <Card.Body>
        <h3 className="h5">{say.report}</h3>
        <p className="text-muted">{say.reportText}</p>
        <div className="plexsync-actions">
          <Act icon="faCopy" run={copy} then={(done) => (done ? say.copied : undefined)}>
            {say.copy}
          </Act>
          <Form.Check id="plexsync-with-check" label={say.withCheck} checked={check} onChange={(e) => setCheck(e.currentTarget.checked)} />
        </div>
        {shown && <Shown report={shown} close={() => setShown("")} />}
      </Card.Body>
    </Card>
  );
}

function Shown({ report, close }: { report: string; close: () => void }) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <Modal show onHide={close} size="lg" aria-labelledby="plexsync-copy">
      <Modal.Header>
        <Modal.Title as="h2" className="h5" id="plexsync-copy">
          {say.copyTitle}
        </Modal.Title>
      </Modal.Header>
      <Modal.Body>
        <p>{say.copyText}</p>
        <Form.Control as="textarea" ref={field} className="text-input" rows={12} readOnly value={report} aria-label={say.copyTitle} />
      </Modal.Body>
      <Modal.Footer>
        <Button size="sm" variant="secondary" onClick={close}>
          {text.close}
        </Button>
      </Modal.Footer>
    </Modal>
  );
}
