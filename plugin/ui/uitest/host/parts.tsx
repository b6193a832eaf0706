import { FontAwesomeIcon } from "@fortawesome/react-fontawesome";
import React from "react";
import { Spinner, Toast } from "react-bootstrap";
import { useIntl } from "react-intl";
import { components, registered } from "./patch";

export const Icon = registered<any>("Icon", ({ icon, className = "", color, size }) => (
  <FontAwesomeIcon icon={icon} className={`fa-icon ${className}`} color={color} size={size} />
));

export const LoadingIndicator = registered<any>("LoadingIndicator", ({ message, inline, small }) => {
  const intl = useIntl();
  const text = message ?? intl.formatMessage({ id: "loading.generic" });
  return (
    <div className={`LoadingIndicator ${inline ? "inline" : ""} ${small ? "small" : ""}`}>
      <Spinner animation="border" role="status" size={small ? "sm" : undefined}>
        <span className="sr-only">{text}</span>
      </Spinner>
      {text !== "" && <h4 className="LoadingIndicator-message">{text}</h4>}
    </div>
  );
});

// Boundary shows an error in place of what it holds, and keeps doing so after navigation.
export class Boundary extends React.Component<{}, { error?: Error }> {
  state: { error?: Error } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="ErrorMessage-container">
        <h2>Something went wrong.</h2>
        <pre>{String(this.state.error.stack)}</pre>
      </div>
    );
  }
}

type Message = { id: number; variant: string; text: string; full?: string };
const ToastContext = React.createContext<((m: Omit<Message, "id">) => void) | undefined>(undefined);

function textOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : JSON.stringify(error);
}

// useToast works only inside of the provider, and so only in components.
export function useToast() {
  const show = React.useContext(ToastContext);
  if (!show) throw new Error("useToast: no toast provider");
  return React.useMemo(
    () => ({
      toast: show,
      success: (text: any) => show({ variant: "success", text }),
      error: (error: unknown) => {
        console.error(error);
        show({ variant: "danger", text: textOf(error) });
      },
    }),
    [show],
  );
}

export function ToastProvider({ children }: { children?: React.ReactNode }) {
  const [message, setMessage] = React.useState<Message>();
  const [whole, setWhole] = React.useState(false);
  const show = React.useCallback((m: Omit<Message, "id">) => {
    setMessage((old) => (old?.variant === "danger" && m.variant === "success" ? old : { ...m, id: Date.now() }));
    setWhole(false);
  }, []);
  React.useEffect(() => {
    if (!message || whole) return;
    const timer = setTimeout(() => setMessage(undefined), message.variant === "danger" ? 5000 : 3000);
    return () => clearTimeout(timer);
  }, [message, whole]);
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div className="toast-container" aria-live="polite">
        {message && (
          <Toast onClose={() => setMessage(undefined)} className={message.variant}>
            <Toast.Header>
              <span className="mr-auto">{whole || message.text.length < 100 ? message.text : message.text.slice(0, 100) + "…"}</span>
              {message.variant === "danger" && !whole && (
                <button type="button" className="btn btn-link btn-sm" onClick={() => setWhole(true)}>
                  Details
                </button>
              )}
            </Toast.Header>
          </Toast>
        )}
      </div>
    </ToastContext.Provider>
  );
}

// chunk is a part of Stash that is loaded when it is first needed: only then its components exist.
export function chunk(register: () => void) {
  let loaded: Promise<void> | undefined;
  return () => (loaded ??= new Promise<void>((resolve) => setTimeout(() => resolve(register()), 20)));
}

// useLoadComponents is true until all chunks have been loaded.
export function useLoadComponents(chunks: (() => Promise<unknown>)[]) {
  const [loading, setLoading] = React.useState(true);
  React.useEffect(() => {
    let gone = false;
    void Promise.all(chunks.map((load) => load())).then(() => !gone && setLoading(false));
    return () => {
      gone = true;
    };
  }, []);
  return loading;
}

// Lazy shows a component of a chunk when it has been loaded.
export function Lazy({ load, name }: { load: () => Promise<unknown>; name: string }) {
  const loading = useLoadComponents([load]);
  const Component = components[name] as any;
  return loading ? <LoadingIndicator /> : <Component />;
}
