import { React } from "./host";
import { Notice } from "./parts/notice";
import { text } from "./text/common";

/**
 * Keeps an exception of the page away from Stash, which would show nothing at all. A quiet one shows nothing in place of
 * what failed.
 */
export class Guard extends React.Component<{ quiet?: boolean; children?: React.ReactNode }, { error?: unknown }> {
  state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? "unknown" };
  }

  render() {
    if (this.state.error === undefined) return this.props.children ?? null;
    return this.props.quiet ? null : <Notice kind="danger" title={text.title} text={text.failure.bug(String(this.state.error))} />;
  }
}
