import { Card, Form, React, useState } from "../../host";
import { CopyReport } from "../../parts/copyreport";
import { overview as overviewText } from "../../text/overview";

const say = overviewText;

/** A text to paste into an issue. */
export function Report() {
  const [check, setCheck] = useState(false);
  return (
    <Card className="plexsync-overview-panel">
      <Card.Body>
        <h3 className="h5">{say.report}</h3>
        <p className="text-muted">{say.reportText}</p>
        <div className="plexsync-actions">
          <CopyReport check={check} />
          <Form.Check id="plexsync-with-check" label={say.withCheck} checked={check} onChange={(e) => setCheck(e.currentTarget.checked)} />
        </div>
      </Card.Body>
    </Card>
  );
}
