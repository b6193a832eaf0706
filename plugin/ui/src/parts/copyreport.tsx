import { operation } from "../api";
import { Button, Form, Modal, React, useRef, useState } from "../host";
import { text } from "../text/common";
import { copyReport as say } from "../text/copyreport";
import { Act } from "./act";

/** Copies a report for an issue, on request with a check of the connection. Where a page may not use the clipboard, such as over http, it shows the text. */
export function CopyReport({ check }: { check: boolean }) {
  const [shown, setShown] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const copy = async () => {
    const report = (await operation<{ text: string }>("copy-report", check ? { check } : {})).text;
    try {
      await navigator.clipboard.writeText(report);
      return say.copied;
    } catch {
      setShown(report);
    }
  };
  return (
    <>
      <Act icon="faCopy" run={copy} then={(said) => said}>
        {say.copy}
      </Act>
      <Modal show={shown !== ""} onEntered={() => field.current?.select()} onHide={() => setShown("")} size="lg" className="plexsync" aria-labelledby="plexsync-report">
        <Modal.Header>
          <Modal.Title as="h2" className="h5" id="plexsync-report">
            {say.report}
          </Modal.Title>
        </Modal.Header>
        <Modal.Body>
          <p>{say.reportText}</p>
          <Form.Control as="textarea" className="text-input" ref={field} rows={14} readOnly aria-label={say.report} value={shown} />
        </Modal.Body>
        <Modal.Footer>
          <Button size="sm" variant="secondary" onClick={() => setShown("")}>
            {text.close}
          </Button>
        </Modal.Footer>
      </Modal>
    </>
  );
}
