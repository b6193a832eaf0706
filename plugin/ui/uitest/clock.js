// A clock that runs with the real one and can be set forward: timers fire in their order, as if the time had passed.
(() => {
  const real = { set: setTimeout.bind(window), clear: clearTimeout.bind(window), now: Date.now.bind(Date), mono: performance.now.bind(performance), fetch: window.fetch.bind(window) };
  let ahead = 0, last = 0, pending = 0, stepping = false;
  const timers = new Map();
  const now = () => real.now() + ahead;
  const arm = (id) => {
    const t = timers.get(id);
    if (t && !stepping) t.handle = real.set(() => fire(id), Math.max(0, t.due - now()));
  };
  const fire = (id) => {
    const t = timers.get(id);
    if (!t) return;
    if (stepping && t.due > now()) return;
    if (t.every === undefined) timers.delete(id);
    else {
      t.due = Math.max(t.due + t.every, now() - t.every);
      arm(id);
    }
    typeof t.call === "function" ? t.call(...t.args) : (0, eval)(t.call);
  };
  const add = (call, delay, args, repeat) => {
    const wait = Math.max(Number(delay) || 0, repeat ? 1 : 0), id = ++last;
    timers.set(id, { call, args, due: now() + wait, every: repeat ? wait : undefined });
    arm(id);
    return id;
  };
  const remove = (id) => {
    real.clear(timers.get(id)?.handle);
    timers.delete(id);
  };
  window.setTimeout = (call, delay, ...args) => add(call, delay, args, false);
  window.setInterval = (call, delay, ...args) => add(call, delay, args, true);
  window.clearTimeout = window.clearInterval = remove;
  performance.now = () => real.mono() + ahead;
  const RealDate = Date;
  window.Date = class Date extends RealDate {
    constructor(...args) {
      args.length ? super(...args) : super(now());
    }
    static now() {
      return now();
    }
  };
  window.fetch = (...args) => {
    pending++;
    const done = (v) => (pending--, v);
    return real.fetch(...args).then(async (r) => {
      r.clone().arrayBuffer().then(() => real.set(done, 0), done);
      return r;
    }, (e) => { done(); throw e; });
  };
  const pause = (ms) => new Promise((resolve) => real.set(resolve, ms));
  // settle waits until no request is on its way, but not for one that takes long.
  const settle = async () => {
    await pause(0);
    for (let i = 0; i < 500 && pending > 0; i++) await pause(10);
    await pause(0);
  };
  window.uitestAdvance = async (ms) => {
    await settle();
    const end = now() + ms;
    stepping = true;
    for (const t of timers.values()) real.clear(t.handle);
    for (;;) {
      const next = [...timers].filter(([, t]) => t.due <= end).sort((a, b) => a[1].due - b[1].due || a[0] - b[0])[0];
      if (!next) break;
      if (next[1].due > now()) ahead += next[1].due - now();
      fire(next[0]);
      await settle();
    }
    if (end > now()) ahead += end - now();
    stepping = false;
    for (const id of timers.keys()) arm(id);
  };
})();
