import { operation } from "../api";
import { useAsk } from "../ask";
import { Button, Modal, React } from "../host";
import { Act } from "../parts/act";
import { Failed } from "../parts/state";
import { text } from "../text/common";
import { scene as sceneText } from "../text/scene";
import { Dialog } from "./dialog";
import { Entry, fieldName, isPicture, Shown } from "./fields";
import type { Restored, RestoreReport } from "./types";

const say = sceneText;

interface Props {
  id: number;
  /** Calls it with what went wrong, or "". */
  done: (problem: string) => void;
}

/** A button that shows what a restore would put back, and does it after a confirmation. */
export const Restore = (p: Props) => (
  <Dialog button={say.restore} icon="faUndo" title={say.restoreTitle}>
    {(close) => <Question {...p} close={close} />}
  </Dialog>
);

function Question({ id, done, close }: Props & { close: () => void }) {
  const dry = useAsk<Restored>("restore", { scene_id: id, dry_run: true }, true);
  const report = dry.data && !dry.data.stopped ? dry.data.report : 0;
  const found = useAsk<RestoreReport>(report ? "report" : "", { id: report }, true);
  const failed = dry.failure ? dry : found.failure ? found : null;
  const stopped = dry.data?.stopped;
  return (
    <>
      <Modal.Body>
        {failed && <Failed failure={failed.failure!} again={failed.again} />}
        {stopped && <p>{stopped}</p>}
        {!failed && !stopped && !found.data && <p role="status">{say.restoreLoading}</p>}
        {found.data && (dry.data!.restored ? <Rows report={found.data} /> : <p>{say.restoreNone}</p>)}
      </Modal.Body>
      <Modal.Footer>
        <Button size="sm" variant="secondary" onClick={close}>
          {dry.data?.restored === 0 || stopped ? text.close : text.cancel}
        </Button>
        {found.data && dry.data!.restored > 0 && (
          <Act
            variant="danger"
            run={() => operation<Restored>("restore", { scene_id: id, confirm: report })}
            then={(r) => {
              close();
              const problem = r.stopped || r.problems.map((p) => p.reason).join("; ");
              done(problem);
              return problem ? undefined : say.restoreDone(r.restored);
            }}
          >
            {say.restoreYes}
          </Act>
        )}
      </Modal.Footer>
    </>
  );
}

const Rows = ({ report }: { report: RestoreReport }) => (
  <>
    <p>{say.restoreText}</p>
    {report.rows.map(({ details: d }, i) => (
      <div key={i}>
        <h3 className="h6">{say.restoreItem(d.rating_key)}</h3>
        <dl className="plexsync-scene-list">
          {d.changes?.map((c) => (
            <Entry
              key={c.field}
              name={fieldName(c.field)}
              value={
                <>
                  <del>{isPicture(c) ? say.picture : <Shown value={c.from} />}</del> → <ins>{isPicture(c) ? say.former : <Shown value={c.to} />}</ins>
                </>
              }
            />
          ))}
          {d.kept?.map((k) => <Entry key={"kept" + k.field} name={fieldName(k.field)} value={`${say.restoreKept}: ${k.why}`} />)}
        </dl>
        {d.reason && <p>{d.reason}</p>}
      </div>
    ))}
  </>
);
