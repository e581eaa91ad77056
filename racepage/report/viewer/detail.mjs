// The detail of what is looked at: of a finding everything that convinces, of an event what it was.

import { byId, el } from "./dom.mjs";
import { eventTold } from "./event.mjs";
import { ladder, ruler } from "./ladder.mjs";
import { rangeOf, targetOf } from "./model.mjs";
import { headTold, link, stackTold, startTold, timeTold } from "./side.mjs";
import { valuesTold } from "./values.mjs";
import { bytesTold, called, counted, plain, several, targetName } from "./words.mjs";

const COMPONENTS = 12;

/** Keep the detail pane at what is looked at; `go(change)` moves the focus. */
export function detailOf(model, focus, go) {
  const body = byId("detail-body");
  const teller = { model, go };
  const draw = (fromTop = true) => {
    const { finding, event } = focus.now;
    const one = finding === null ? null : model.facts.findings[finding];
    const named =
      one &&
      (event === null || [one.first?.event, one.second?.event, ...one.related].includes(event));
    if (fromTop) byId("detail").scrollTop = 0;
    body.replaceChildren(
      ...(named
        ? findingTold(teller, one)
        : event === null
          ? [emptyTold(model)]
          : eventTold(teller, event, one && finding)),
    );
  };
  focus.tell((now, changed) => {
    if (changed.has("finding") || changed.has("event")) draw();
  });
  draw();
  return { draw };
}

function emptyTold(model) {
  const some = model.facts.findings.length;
  return el(
    "p",
    { class: "empty" },
    some
      ? [
          el("b", {}, `${several(some, "finding")}. `),
          "Choose one in the table, or press ",
          el("kbd", {}, "j"),
          "; click anything in the timeline to see what it is.",
        ]
      : [
          el("b", {}, "Nothing was found. "),
          `This holds for this one execution. Click anything in the timeline to see what it is, or press `,
          el("kbd", {}, "?"),
          ".",
        ],
  );
}

function findingTold(teller, finding) {
  const { model } = teller;
  const target = finding.page === null ? null : model.facts.targets[finding.page];
  const summary = model.facts.rules[finding.kind]?.[1] ?? "";
  return [
    el(
      "h3",
      {},
      el("span", { class: "rule" }, `${finding.rule} ${finding.kind}`),
      target ? el("span", {}, targetName(target, finding.overlap)) : null,
      target?.[2] ? el("span", { class: "dim" }, `“${called(target)}”`) : null,
    ),
    el("p", { class: "lead" }, plain(finding.message)),
    el(
      "p",
      { class: "tags" },
      el("span", { class: "tag" }, summary),
      finding.count > 1
        ? el("span", { class: "tag" }, `seen ${counted(finding.count)} times; this is the first`)
        : null,
      finding.overlap ? el("span", { class: "tag" }, bytesTold(finding.overlap)) : null,
      finding.variables.length
        ? el("span", { class: "tag" }, finding.variables.map(plain).join(", "))
        : null,
      finding.suppressed
        ? el("span", { class: "tag" }, `suppressed: ${plain(finding.suppressed)}`)
        : null,
    ),
    el(
      "div",
      { class: "sides" },
      sideTold(teller, finding, "first"),
      sideTold(teller, finding, "second"),
    ),
    ...bytesShared(finding),
    ...valuesTold(finding),
    ...whyTold(teller, finding),
    ...relatedTold(teller, finding),
  ].filter(Boolean);
}

function sideTold(teller, finding, role) {
  const { model } = teller;
  const side = finding[role];
  if (!side) return null;
  const { event } = side;
  const target = side.target === null ? null : model.facts.targets[side.target];
  const locks = side.locks.map(
    ([lock, mode]) => `${lock === null ? "a lock" : called(model.facts.targets[lock])} (${mode})`,
  );
  return el(
    "article",
    { class: `side ${role}`, "aria-label": `The ${role} side` },
    headTold(teller, event, target, side.range),
    stackTold(model, event),
    el(
      "dl",
      { class: "fields" },
      el("dt", {}, "holding"),
      el("dd", {}, locks.length ? locks.join(", ") : "no lock"),
      el("dt", {}, "clock"),
      el("dd", {}, vectorTold(model, side)),
      ...startTold(teller, event),
      ...timeTold(model, event),
    ),
  );
}

function vectorTold(model, side) {
  const own = model.columns.thread[side.event];
  const parts = [...side.vector]
    .sort(([a], [b]) => (b === own) - (a === own))
    .slice(0, COMPONENTS)
    .map(([thread, clock]) =>
      el(
        "span",
        { class: "clock" },
        thread === own
          ? el("b", {}, `${plain(model.facts.threads[thread])} ${clock}`)
          : `${plain(model.facts.threads[thread])} ${clock}`,
      ),
    );
  const more = side.more + Math.max(0, side.vector.length - COMPONENTS);
  return more ? [...parts, `and ${counted(more)} more`] : parts;
}

function bytesShared({ first, second, overlap }) {
  if (!overlap || overlap[0] >= overlap[1] || !first?.range || !second?.range) return [];
  return [
    el("h4", {}, `Bytes they share: ${bytesTold(overlap)}`),
    ruler(first.range, second.range, overlap),
  ];
}

function whyTold(teller, finding) {
  if (!finding.why || !finding.first || !finding.second) return [];
  return [
    el("h4", {}, "Why nothing orders them"),
    ladder(teller.model, finding),
    el(
      "ul",
      { class: "why" },
      unknownTold(teller, finding.why.first, finding.first, finding.second),
      unknownTold(teller, finding.why.second, finding.second, finding.first),
    ),
  ];
}

/** Why `of` does not happen before `to`, which knows its thread up to `known`. */
function unknownTold(teller, known, of, to) {
  const { model } = teller;
  const { thread, op } = model.columns;
  const name = ({ event }) => plain(model.facts.threads[thread[event]]);
  const does = (side) => `${name(side)}’s ${model.facts.ops[op[side.event]]}`;
  if (known.clock === 0)
    return el("li", {}, `Nothing that ${name(of)} did is ordered before ${does(to)}.`);
  const after = `; ${does(of)} came later, at clock ${of.clock}.`;
  if (known.event === null)
    return el("li", {}, `${does(to)} knows ${name(of)} up to clock ${known.clock}${after}`);
  const target = targetOf(model, known.event);
  return el(
    "li",
    {},
    `The last of ${name(of)} that is ordered before ${does(to)} is ${model.facts.ops[op[known.event]]}${target ? ` ${called(target)}` : ""} (`,
    link(teller, known.event),
    `, clock ${known.clock})${after}`,
  );
}

function relatedTold(teller, finding) {
  const told = [finding.first?.event, finding.second?.event];
  const events = finding.related.filter((event) => !told.includes(event));
  if (events.length === 0) return [];
  return [
    el("h4", {}, "Also part of it"),
    el(
      "div",
      { class: "sides" },
      events
        .slice(0, 24)
        .map((event) =>
          el(
            "article",
            { class: "side" },
            headTold(teller, event, targetOf(teller.model, event), rangeOf(teller.model, event)),
            stackTold(teller.model, event),
          ),
        ),
    ),
  ];
}
