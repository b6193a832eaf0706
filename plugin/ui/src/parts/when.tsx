import { React, useEffect, useIntl, useState } from "../host";
import { text } from "../text/common";
import type { Time } from "../types";

const STEPS: [number, "second" | "minute" | "hour" | "day"][] = [
  [60, "second"],
  [3600, "minute"],
  [86400, "hour"],
  [Infinity, "day"],
];
const SIZE = { second: 1, minute: 60, hour: 3600, day: 86400 };

/**
 * A time as its distance from now, in the reader's language; its title is the exact time in the browser's zone. A time
 * ahead that has passed is "now" until the next answer.
 */
export function When({ at, ahead }: { at: Time | undefined; ahead?: boolean }) {
  const intl = useIntl();
  const [now, setNow] = useState(Date.now);
  const distance = at ? (Date.parse(at) - now) / 1000 : 0;
  const seconds = ahead ? Math.max(distance, 0) : distance;
  const near = Math.abs(seconds) < 90;
  useEffect(() => {
    if (!at) return;
    const timer = setInterval(() => setNow(Date.now()), near ? 1000 : 30000);
    return () => clearInterval(timer);
  }, [at, near]);
  if (!at) return <>{text.never}</>;
  const unit = STEPS.find(([limit]) => Math.abs(seconds) < limit)![1];
  return (
    <time dateTime={at} title={intl.formatDate(at, { dateStyle: "medium", timeStyle: "medium" } as object)}>
      {intl.formatRelativeTime(Math.trunc(seconds / SIZE[unit]), unit, { numeric: "auto" })}
    </time>
  );
}

/** A time of the clock, with its day unless that is today. */
export function Moment({ at }: { at: Time | undefined }) {
  const intl = useIntl();
  if (!at) return <>{text.never}</>;
  const today = new Date(at).toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={intl.formatDate(at, { dateStyle: "medium", timeStyle: "medium" } as object)}>
      {intl.formatDate(at, (today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" }) as object)}
    </time>
  );
}
