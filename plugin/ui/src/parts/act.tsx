import { Button, Icon, React, useEffect, useRef, useState, useToast } from "../host";

interface Props<T> {
  /** What a click does. While it is at work, further clicks do nothing; a failure is shown as a toast. */
  run: () => Promise<T>;
  /** What follows a success. A text that it returns is shown as a toast. */
  then?: (answer: T) => string | void;
  variant?: string;
  icon?: string;
  disabled?: boolean;
  label?: string; // if the children do not say it
  title?: string;
  className?: string;
  children?: React.ReactNode;
}

/** A button that does something which takes time. */
export function Act<T>(p: Props<T>) {
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const mounted = useMounted();
  const click = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const answer = await p.run(); // not inside the call: without a "then" it would not be evaluated
      const said = p.then?.(answer);
      if (typeof said === "string") toast.success(said); // a promise is no text
    } catch (e) {
      toast.error(e);
    }
    if (mounted.current) setBusy(false);
  };
  const icon = busy ? "faSpinner" : p.icon;
  return (
    <Button size="sm" variant={p.variant ?? "secondary"} className={p.className} disabled={p.disabled} aria-disabled={busy} aria-label={p.label} title={p.title ?? p.label} onClick={click}>
      {icon && <Icon name={icon} spin={busy} />} {p.children}
    </Button>
  );
}

/** Whether the component is still shown, for what an answer may change. */
export function useMounted() {
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  return mounted;
}
