// Lets the panes show a model, and moves the focus between them.

import { ORDER, TIME, converted } from "./axis.mjs";
import { rowOf } from "./cover.mjs";
import { detailOf } from "./detail.mjs";
import { byId, el, radios } from "./dom.mjs";
import { focusOn, fromHash, toHash } from "./focus.mjs";
import { listenToKeys } from "./keys.mjs";
import { overviewOf } from "./overview.mjs";
import { pagesOf } from "./pages.mjs";
import { tableOf } from "./table.mjs";
import { inks, themed } from "./theme.mjs";
import { findingWith, pageWith, timelineOf } from "./timeline.mjs";
import { counted, duration, heldTold, plain, several, targetName } from "./words.mjs";

/** Show a model. `absent(event)` is told of an event of the trace that the address asks for, and the
 * page does not hold. Returns the focus, the timeline, and what makes all show the model anew. */
export function show(model, absent = () => {}) {
  const { facts } = model; // of which findings and tables are another's after a renewal
  const ink = { now: inks(), hatch: null, version: 0 };
  ink.hatch = hatched(ink.now);
  const asked = () => {
    const wanted = fromHash(location.hash, {
      findings: facts.findings.length,
      events: facts.events,
      pages: new Map(facts.sizes),
      timed: model.time !== null,
    });
    const event = wanted.event === null ? null : rowOf(model, wanted.event);
    if (event !== null && event < 0) queueMicrotask(() => absent(wanted.event));
    return { ...wanted, event: event < 0 ? null : event };
  };
  const focus = focusOn(asked());
  const pick = (finding) => {
    const one = model.facts.findings[finding];
    focus.set({ finding, event: null, ...(one.page === null ? {} : { page: one.page }) });
  };
  const go = (change) => {
    const { event, finding } = change;
    const more =
      event === undefined || event === null
        ? {}
        : { ...findingWith(model, event, focus.now.finding), ...pageWith(model, event) };
    const page =
      finding === undefined || facts.findings[finding].page === null
        ? {}
        : { page: facts.findings[finding].page };
    focus.set({
      ...more,
      ...page,
      ...change,
      ...(change.page === undefined ? {} : { page: change.page }),
    });
  };

  tellHead(model);
  tellHeld(model);
  const timeline = timelineOf(model, focus, ink);
  const overview = overviewOf(model, focus, timeline, ink);
  const table = tableOf(model, focus, pick);
  const detail = detailOf(model, focus, go);
  const pages = pagesOf(model, focus, ink, go);
  document.documentElement.style.setProperty(
    "--timeline",
    `${Math.min(timeline.height + (model.whole ? 60 : 84), Math.round(innerHeight * 0.46))}px`,
  );

  const nextTheme = themed(() => {
    ink.now = inks();
    ink.hatch = hatched(ink.now);
    ink.version++;
    timeline.redraw();
    overview.draw();
    pages.draw();
  });
  const setAxis = radios(byId("axis"), turn);
  setAxis(focus.now.axis);
  if (!model.time) {
    const button = byId("axis").querySelector("[data-value=time]");
    button.disabled = true;
    button.title = "This trace has no times";
  }
  function turn(axis) {
    if (axis === focus.now.axis || (axis === TIME && !model.time)) return;
    const whole = focus.now.a === null;
    const view = whole ? null : converted(model, focus.now.axis, timeline.viewNow());
    focus.set({ axis, a: view?.a ?? null, b: view?.b ?? null });
  }

  listenToKeys({
    next: () => table.move(1),
    previous: () => table.move(-1),
    first: () => table.ends(false),
    last: () => table.ends(true),
    search: () => byId("query").focus(),
    left: () => timeline.pan(-0.15),
    right: () => timeline.pan(0.15),
    in: timeline.in,
    out: timeline.out,
    before: () => timeline.step(-1),
    after: () => timeline.step(1),
    above: () => timeline.cross(-1),
    below: () => timeline.cross(1),
    frame: () => timeline.frame(true),
    all: timeline.all,
    axis: () => turn(focus.now.axis === ORDER ? TIME : ORDER),
    theme: nextTheme,
    back: () => focus.set(focus.now.event === null ? { finding: null } : { event: null }),
  });
  byId("tools").addEventListener("click", ({ target }) => {
    const does = target.closest("[data-do]")?.dataset.do;
    if (does)
      ({
        out: timeline.out,
        in: timeline.in,
        all: timeline.all,
        focus: () => timeline.frame(true),
      })[does]();
  });

  let written = location.hash.replace(/^#/, ""),
    waits = 0;
  const { dataset } = document.documentElement;
  dataset.settled = "";
  focus.tell((now, changed) => {
    delete dataset.settled;
    setAxis(now.axis);
    if (changed.has("event") || changed.has("finding"))
      byId("said").textContent = spoken(model, now);
    clearTimeout(waits);
    waits = setTimeout(() => {
      const event = now.event === null ? null : model.at[now.event];
      written = toHash({ ...now, event });
      history.replaceState(null, "", `#${written}`);
      dataset.settled = "";
    }, 120);
  });
  addEventListener("hashchange", () => {
    if (location.hash.replace(/^#/, "") !== written) focus.set(asked());
  });

  const { finding, event, a } = focus.now;
  if (finding === null && event === null && facts.findings.length) pick(0);
  else if (a === null) timeline.frame(true);
  timeline.draw();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  return {
    focus,
    timeline,
    go,
    /** After the model got other events: `row` has the new row of an old one. */
    renew(row) {
      timeline.renew();
      const { event } = focus.now;
      if (event !== null) focus.now = { ...focus.now, event: row(event) };
      detail.draw(false);
      pages.draw();
    },
  };
}

/** What a screen reader is told of what is looked at. */
function spoken(model, { finding, event }) {
  const { thread, op, target } = model.columns;
  if (event !== null) {
    const where = target[event] < 0 ? "" : ` ${targetName(model.facts.targets[target[event]])}`;
    return `Event ${model.at[event]}: ${plain(model.facts.threads[thread[event]])} ${model.facts.ops[op[event]]}${where}`;
  }
  return finding === null
    ? "Nothing is selected"
    : `Finding ${finding + 1}: ${plain(model.facts.findings[finding].message)}`;
}

function tellHead(model) {
  const { facts } = model;
  byId("subject").textContent = plain(facts.subject);
  const verdict = byId("verdict");
  verdict.textContent =
    facts.verdict === "findings" ? several(facts.findings.length, "finding") : facts.verdict;
  verdict.classList.add(facts.verdict);
  const parts = [
    several(facts.events, "event"),
    several(facts.threads.length, "thread"),
    several(facts.pages, "page"),
    facts.racyEvents ? `${several(facts.racyEvents, "racy event")}` : null,
    model.time ? duration(model.time.reduce((a, b) => Math.max(a, b), 0)) : null,
    facts.lost ? `${counted(facts.lost)} bytes lost` : facts.complete ? null : "not complete",
  ];
  const line = byId("facts");
  line.textContent = parts.filter(Boolean).join(" · ");
  if (facts.warnings.length) {
    const told = facts.warnings.map(plain).join("\n");
    line.append(
      " · ",
      el("span", { title: told, "aria-label": told }, several(facts.warnings.length, "warning")),
    );
  }
  const keys = [
    ["read", "read"],
    ["write", "write"],
    ["life", "alloc, free"],
    ["sync", "synchronises"],
    ["section", "lock held"],
    ["race", "race"],
    ["unordered", "unordered with the selection"],
  ];
  byId("legend").append(...keys.map(([name, told]) => el("span", { class: `key-${name}` }, told)));
}

/** Where a page does not hold every event, it says so, and which it does hold. */
function tellHeld({ whole, facts }) {
  if (whole) return;
  const note = byId("held");
  note.textContent = heldTold(facts);
  note.hidden = false;
}

/** The pattern of waiting: lines aslant. */
function hatched(now) {
  const canvas = el("canvas", { width: 6, height: 6 });
  const context = canvas.getContext("2d");
  context.strokeStyle = now.other;
  context.beginPath();
  for (const at of [-3, 0, 3, 6]) {
    context.moveTo(at, 6);
    context.lineTo(at + 6, 0);
  }
  context.stroke();
  return context.createPattern(canvas, "repeat");
}
