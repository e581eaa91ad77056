// One event as the detail pane tells it: who did what where, and by whom it was started.

import { el } from "./dom.mjs";
import { duration, plain, several, shortPlace, targetName } from "./words.mjs";

const FRAMES = 12;

/** Who, what, and on which bytes of what. */
export function headTold(teller, event, target, range) {
  const { model } = teller;
  const { thread, op } = model.columns;
  return el(
    "p",
    { class: "what" },
    el("span", { class: "who" }, plain(model.facts.threads[thread[event]])),
    el("span", { class: "op" }, model.facts.ops[op[event]]),
    target ? el("span", { class: "mono" }, targetName(target, range)) : null,
    link(teller, event),
  );
}

/** A button that leads to an event. */
export function link({ model, go }, event) {
  return el(
    "button",
    { type: "button", class: "link", onclick: () => go({ event }) },
    `event ${model.at[event]}`,
  );
}

/** The frames of an event, innermost first, with the lines that stand there. */
export function stackTold(model, event) {
  const site = model.columns.site[event];
  if (site < 0) return el("p", { class: "stack dim" }, "Where it stands was not recorded.");
  const frames = model.facts.sites[site].map((frame) => model.facts.frames[frame]);
  return el(
    "ol",
    { class: "stack", "aria-label": "Call stack, innermost first" },
    frames
      .slice(0, FRAMES)
      .map(([place, name, code]) =>
        el(
          "li",
          {},
          el(
            "span",
            { class: "where", title: plain(place) },
            name ? [el("b", {}, plain(name)), " "] : null,
            shortPlace(place),
          ),
          code ? el("code", {}, plain(code)) : null,
        ),
      ),
    frames.length > FRAMES
      ? el("li", { class: "dim" }, `and ${several(frames.length - FRAMES, "caller")} more`)
      : null,
  );
}

/** Who started the thread of an event. */
export function startTold(teller, event) {
  const { model } = teller;
  model.starters ??= startersOf(model);
  const start = model.starters.get(model.columns.thread[event]);
  if (start === undefined) return [];
  return [
    el("dt", {}, "started"),
    el(
      "dd",
      {},
      `by ${plain(model.facts.threads[model.columns.thread[start]])}, `,
      link(teller, start),
    ),
  ];
}

function startersOf(model) {
  const { op, target } = model.columns;
  const number = new Map(model.facts.threads.map((name, at) => [name, at]));
  const starters = new Map();
  for (let event = 0; event < model.count; event++) {
    if (op[event] === model.number.start)
      starters.set(number.get(model.facts.targets[target[event]][1]), event);
  }
  return starters;
}

/** When an event was, where that is known: a term and its description. */
export function timeTold(model, event) {
  return model.time ? [el("dt", {}, "time"), el("dd", {}, duration(model.time[event]))] : [];
}
