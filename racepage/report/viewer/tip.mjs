// What is said beside the pointer.

import { together } from "./cover.mjs";
import { byId, el } from "./dom.mjs";
import { rangeOf, targetOf } from "./model.mjs";
import { bytesTold, called, duration, plain, several, targetName } from "./words.mjs";

/** Show what is under the pointer, or nothing; `x` and `y` in the pane, which is `width` wide. */
export function tipOf(found, x = 0, y = 0, width = 0) {
  const tip = byId("tip");
  tip.hidden = !found;
  if (!found) return;
  tip.replaceChildren(
    ...(found.section ? sectionTold(found) : eventTold(found.model, found.event)),
  );
  const room = tip.offsetWidth;
  tip.style.left = `${Math.max(4, Math.min(x + 14, width - room - 6))}px`;
  tip.style.top = `${y + 16}px`;
}

function eventTold(model, event) {
  const { thread, op, site } = model.columns;
  const target = targetOf(model, event);
  const range = rangeOf(model, event);
  const frame = site[event] < 0 ? null : model.facts.frames[model.facts.sites[site[event]][0]];
  return [
    el("b", {}, `${plain(model.facts.threads[thread[event]])} ${model.facts.ops[op[event]]}`),
    target ? ` ${targetName(target, range)}` : "",
    target?.[2] ? el("span", { class: "dim" }, called(target)) : null,
    el(
      "span",
      { class: "dim" },
      `event ${model.at[event]}${range ? ` · ${bytesTold(range)}` : ""}${model.time ? ` · ${duration(model.time[event])}` : ""}`,
    ),
    frame ? el("span", { class: "dim mono" }, plain(`${frame[0]} ${frame[1]}`)) : null,
  ].filter(Boolean);
}

function sectionTold({ model, section }) {
  const { thread } = model.columns;
  const inside = together(model, section.start, section.end)
    ? model.rank[section.end] - model.rank[section.start] - 1
    : -1;
  const long = model.time
    ? ` · ${duration(model.time[section.end] - model.time[section.start])}`
    : "";
  return [
    el(
      "b",
      {},
      `${plain(model.facts.threads[thread[section.start]])} holds ${called(model.facts.targets[section.lock])}`,
    ),
    section.write ? "" : " to read",
    el(
      "span",
      { class: "dim" },
      `events ${model.at[section.start]} to ${model.at[section.end]}${inside < 0 ? "" : ` · ${several(inside, "event")} inside`}${long}`,
    ),
  ].filter(Boolean);
}
