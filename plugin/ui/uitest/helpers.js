// What the tests look for in a page. It is defined before the scripts of the page run.
window.uitest = (() => {
  const later = setTimeout.bind(window); // also where a test sets the clock forward
  const now = performance.now.bind(performance);
  const visible = (e) => {
    const style = getComputedStyle(e);
    return e.getClientRects().length > 0 && style.visibility !== "hidden" && style.display !== "none";
  };
  const clean = (text) => (text || "").replace(/\s+/g, " ").trim();
  const implied = {
    button: "button, input[type=button], input[type=submit], summary", link: "a[href]", textbox: "input:not([type]), input[type=text], input[type=password], input[type=search], input[type=url], input[type=email], textarea",
    checkbox: "input[type=checkbox]", radio: "input[type=radio]", combobox: "select", heading: "h1, h2, h3, h4, h5, h6", spinbutton: "input[type=number]", dialog: "dialog", table: "table", row: "tr", img: "img", tab: "[role=tab]",
  };
  const name = (e) => {
    const by = e.getAttribute("aria-labelledby");
    if (by) return clean(by.split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(" "));
    if (e.getAttribute("aria-label")) return clean(e.getAttribute("aria-label"));
    if (e.labels?.length) {
      const label = clean([...e.labels].map((l) => l.textContent).join(" "));
      if (label) return label;
    }
    const text = clean(e.matches("input, select, textarea") ? "" : e.innerText);
    return text || clean(e.getAttribute("alt") || e.querySelector?.("img[alt]")?.alt || e.getAttribute("title") || e.querySelector?.("[title]")?.title || e.getAttribute("placeholder") || e.value);
  };
  const byRole = (role, wanted) => {
    const selector = `[role="${role}"]` + (implied[role] ? ", " + implied[role] : "");
    const all = [...document.querySelectorAll(selector)].filter((e) => visible(e) && (e.getAttribute("role") ?? role) === role);
    return all.filter((e) => name(e) === wanted)[0] ?? all.filter((e) => name(e).includes(wanted))[0];
  };
  const byText = (wanted) => {
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
    while (walk.nextNode()) {
      const e = walk.currentNode;
      if (clean(e.textContent).includes(wanted) && visible(e) && ![...e.children].some((c) => clean(c.textContent).includes(wanted))) found.push(e);
    }
    return found.filter((e) => clean(e.textContent) === wanted)[0] ?? found[0];
  };
  const bySelector = (selector) => [...document.querySelectorAll(selector)].filter(visible)[0];
  // until resolves with true when a function returns something, and with false after so many milliseconds.
  const until = (f, limit) => new Promise((resolve) => {
    const end = now() + limit;
    const look = () => {
      let value;
      try { value = f(); } catch (e) { value = undefined; }
      if (value) resolve(true);
      else if (now() > end) resolve(false);
      else later(look, 10);
    };
    look();
  });
  let at;
  // place is the middle of an element that stands still and is covered by nothing else.
  const place = (e) => {
    if (!e || e.disabled) return undefined;
    e.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    const box = e.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) return undefined;
    const spot = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const moves = document.getAnimations().some((a) => a.playState === "running" && a.effect.target.contains(e));
    const still = !moves && at && Math.abs(at.x - spot.x) < 1 && Math.abs(at.y - spot.y) < 1;
    at = spot;
    const top = document.elementFromPoint(spot.x, spot.y);
    return still && top && (e.contains(top) || [...(e.labels ?? [])].some((l) => l.contains(top))) ? spot : undefined;
  };
  return { visible, name, byRole, byText, bySelector, until, place, clean };
})();
