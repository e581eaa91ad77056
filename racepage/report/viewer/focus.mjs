// The one focus that drives every pane, and its form in the address.
//
//   finding  the finding that is looked at, or null
//   event    the event that is looked at, or null
//   page     the page that is looked at (a target's number), or null
//   axis     "order" or "time"
//   a, b     the stretch that the timeline shows; null for all of it
//   query    the filter of the table
//   sort     the table's order: a column's name, with "-" before it for downwards

export const START = Object.freeze({
  finding: null,
  event: null,
  page: null,
  axis: "order",
  a: null,
  b: null,
  query: "",
  sort: "number",
});

const SHORT = {
  finding: "f",
  event: "e",
  page: "p",
  axis: "x",
  a: "a",
  b: "b",
  query: "q",
  sort: "s",
};

/** A focus: `now` is what it is on, `set` changes some of it and tells everybody. */
export function focusOn(start = START) {
  const told = [];
  const focus = {
    now: { ...START, ...start },
    tell: (one) => told.push(one),
    set(change) {
      const before = focus.now;
      const keys = Object.keys(change).filter((key) => change[key] !== before[key]);
      if (keys.length === 0) return;
      focus.now = { ...before, ...change };
      for (const one of told) one(focus.now, new Set(keys), before);
    },
  };
  return focus;
}

/** What stands in the address for a focus: only what differs from the start. */
export function toHash(now) {
  const parts = new URLSearchParams();
  for (const [key, short] of Object.entries(SHORT)) {
    if (now[key] !== START[key])
      parts.set(
        short,
        typeof now[key] === "number" ? String(Number(now[key].toPrecision(12))) : now[key],
      );
  }
  return parts.toString();
}

/** The focus that an address asks for. What makes no sense in this trace is left out. */
export function fromHash(hash, { findings, events, pages, timed }) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const whole = (key, fits) => {
    const text = parts.get(SHORT[key]);
    return text !== null && /^\d{1,15}$/.test(text) && fits(Number(text)) ? Number(text) : null;
  };
  const real = (key) => {
    const number = Number.parseFloat(parts.get(SHORT[key]) ?? "");
    return Number.isFinite(number) ? number : null;
  };
  const [a, b] = [real("a"), real("b")];
  const fits = a !== null && b !== null && a < b;
  return {
    finding: whole("finding", (one) => one < findings),
    event: whole("event", (one) => one < events),
    page: whole("page", (one) => pages.has(one)),
    axis: parts.get("x") === "time" && timed ? "time" : "order",
    a: fits ? a : null,
    b: fits ? b : null,
    query: (parts.get("q") ?? "").slice(0, 200),
    sort: /^-?(number|kind|page|first|second|count)$/.test(parts.get("s") ?? "")
      ? parts.get("s")
      : START.sort,
  };
}
