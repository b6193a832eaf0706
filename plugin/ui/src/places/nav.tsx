import { operation } from "../api";
import { Button, Icon, NavLink, PATH, React, useEffect, useState } from "../host";
import { onJob } from "../jobs";
import { needsOf, onNeeds, readNeeds, writeNeeds } from "../needs";
import { text } from "../text/common";
import type { Pulse } from "../types";

const OFTEN = 10 * 60 * 1000;

/** The icon in Stash's bar, with a dot when something needs a person. */
export function NavItem() {
  const [n, setN] = useState(() => readNeeds().n);
  useEffect(() => onNeeds(() => setN(readNeeds().n)), []);
  useEffect(() => onJob((_, over) => over && renew()), []);
  const title = n ? text.bar.needs(n) : text.title;
  return (
    <NavLink className="nav-utility plexsync-bar" to={PATH}>
      <Button className="minimal d-flex align-items-center h-100" title={title} aria-label={title}>
        <Icon name="faTv" />
        {n > 0 && <span className="plexsync-dot" />}
      </Button>
    </NavLink>
  );
}

/** Asks how many things need a person, if no tab has known it for ten minutes. The page itself asks anyway. */
async function renew() {
  const old = () => Date.now() - readNeeds().at >= OFTEN;
  if (document.hidden || location.pathname.includes(PATH) || !old()) return;
  const ask = async () => {
    if (!old()) return;
    writeNeeds(readNeeds().n); // so that the second icon, or another tab, does not ask, too
    writeNeeds(needsOf(await operation<Pulse>("run")));
  };
  try {
    // Browsers have locks only at https and localhost.
    await (navigator.locks ? navigator.locks.request("stash-plex-sync", { ifAvailable: true }, (lock) => lock && ask()) : ask());
  } catch {
    // The dot stays as it was until the page is opened.
  }
}
