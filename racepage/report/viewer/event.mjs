// An event that is looked at: what it was, and what is ordered with it.

import { future, past } from "./cones.mjs";
import { el } from "./dom.mjs";
import { rangeOf, targetOf } from "./model.mjs";
import { heldAt } from "./sections.mjs";
import { headTold, link, stackTold, startTold, timeTold } from "./side.mjs";
import { called, counted, plain, several } from "./words.mjs";

const THREADS = 40;

/** All there is to tell of an event; `finding` is the one to go back to, or null. */
export function eventTold(teller, event, finding) {
  const { model, go } = teller;
  const { thread, site } = model.columns;
  const target = targetOf(model, event);
  const held = heldAt(model.sections[thread[event]], event);
  const naming = model.findingsOf.get(event) ?? [];
  return [
    el(
      "h3",
      {},
      `Event ${model.at[event]}`,
      target?.[2] ? el("span", { class: "dim" }, `“${called(target)}”`) : null,
    ),
    finding === null
      ? null
      : el(
          "p",
          { class: "tags" },
          el(
            "button",
            { type: "button", class: "link", onclick: () => go({ finding, event: null }) },
            "Back to the finding",
          ),
        ),
    el(
      "div",
      { class: "sides" },
      el(
        "article",
        { class: "side" },
        headTold(teller, event, target, rangeOf(model, event)),
        stackTold(model, event),
        el(
          "dl",
          { class: "fields" },
          el("dt", {}, "holding"),
          el(
            "dd",
            {},
            held.length
              ? held
                  .map(
                    ({ lock, write }) =>
                      `${called(model.facts.targets[lock])} (${write ? "write" : "read"})`,
                  )
                  .join(", ")
              : "no lock",
          ),
          ...startTold(teller, event),
          ...timeTold(model, event),
        ),
      ),
    ),
    naming.length
      ? el(
          "p",
          { class: "tags" },
          naming
            .slice(0, 8)
            .map((one) =>
              el(
                "button",
                { type: "button", class: "link", onclick: () => go({ finding: one }) },
                `${model.facts.findings[one].rule} ${model.facts.findings[one].kind}`,
              ),
            ),
        )
      : null,
    el("h4", {}, `What is ordered with it${model.whole ? "" : ", of the events that are held"}`),
    orderTold(teller, event),
  ].filter(Boolean);
}

/** For every thread: up to where it happens before the event, and from where on after. */
function orderTold(teller, event) {
  const { model } = teller;
  const { known } = past(model, event);
  const first = future(model, event);
  const rows = model.facts.threads
    .map((name, thread) => ({ name, thread }))
    .filter(
      ({ thread }) =>
        thread !== model.columns.thread[event] && model.begins[thread] < model.begins[thread + 1],
    );
  return el(
    "table",
    { class: "knows-table" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ["Thread", "before it, up to", "after it, from", "unordered"].map((title) =>
          el("th", { scope: "col" }, title),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      rows
        .slice(0, THREADS)
        .map(({ name, thread }) =>
          el(
            "tr",
            {},
            el("td", {}, plain(name)),
            el("td", {}, known[thread] < 0 ? "–" : link(teller, known[thread])),
            el("td", {}, first[thread] >= model.count ? "–" : link(teller, first[thread])),
            el("td", {}, unorderedTold(model, thread, known[thread], first[thread])),
          ),
        ),
    ),
    rows.length > THREADS
      ? el(
          "tfoot",
          {},
          el(
            "tr",
            {},
            el(
              "td",
              { colspan: 4, class: "dim" },
              `and ${several(rows.length - THREADS, "thread")} more`,
            ),
          ),
        )
      : null,
  );
}

/** How many of a thread's events are unordered with one: of those that are not held, who knows. */
function unorderedTold(model, thread, known, first) {
  const count = unorderedIn(model, thread, known, first);
  return model.whole ? counted(count) : `${counted(count)} or more`;
}

function unorderedIn(model, thread, known, first) {
  const from = known < 0 ? model.begins[thread] : model.rank[known] + 1;
  const to = first >= model.count ? model.begins[thread + 1] : model.rank[first];
  return Math.max(0, to - from);
}
