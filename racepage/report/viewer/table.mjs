// The table of findings: of thousands, the rows that are in view are on the page.

import { byId, el, inNextFrame } from "./dom.mjs";
import { chosen, recordsOf } from "./rows.mjs";
import { counted, several } from "./words.mjs";

const HEIGHT = 46;
const BEYOND = 6; // rows above and below what is in view
const COLUMNS = [
  ["kind", "Finding"],
  ["first", "First"],
  ["second", "Second"],
  ["count", "×"],
];

/** The table of a model; returns what the keys do to it. */
export function tableOf(model, focus, pick) {
  const records = recordsOf(model);
  const rows = byId("rows"),
    table = byId("table"),
    query = byId("query");
  let numbers = [];

  const header = COLUMNS.map(([key, name]) =>
    el(
      "span",
      { role: "columnheader", "data-key": key },
      el(
        "button",
        {
          type: "button",
          tabindex: -1,
          title: `Sort by ${name === "×" ? "count" : name.toLowerCase()}`,
          onclick: () => sortBy(key),
        },
        name,
      ),
    ),
  );
  byId("table-head").append(...header);

  function sortBy(key) {
    const next = { [key]: `-${key}`, [`-${key}`]: "number" }[focus.now.sort] ?? key;
    focus.set({
      sort:
        key === "count" && focus.now.sort !== "-count" && focus.now.sort !== "count"
          ? "-count"
          : next,
    });
  }

  const choose = () => {
    numbers = chosen(records, focus.now.query, focus.now.sort);
    byId("spacer").style.height = `${numbers.length * HEIGHT}px`;
    rows.style.setProperty("--rows", `${numbers.length * HEIGHT + 2}px`);
    table.setAttribute("aria-rowcount", String(numbers.length + 1));
    byId("shown").textContent =
      numbers.length === records.length
        ? counted(records.length)
        : `${counted(numbers.length)} of ${counted(records.length)}`;
    for (const head of header) {
      const way =
        { [head.dataset.key]: "ascending", [`-${head.dataset.key}`]: "descending" }[
          focus.now.sort
        ] ?? "none";
      head.setAttribute("aria-sort", way);
    }
    draw();
  };

  const draw = () => {
    const from = Math.max(0, Math.floor(rows.scrollTop / HEIGHT) - BEYOND);
    const to = Math.min(
      numbers.length,
      Math.ceil((rows.scrollTop + rows.clientHeight) / HEIGHT) + BEYOND,
    );
    const shown = numbers.slice(from, to).map((number, at) => rowOf(number, from + at));
    const none = numbers.length
      ? []
      : [
          el(
            "p",
            { class: "none" },
            records.length
              ? "No finding has these words."
              : `Nothing was found in ${several(model.facts.events, "event")}.`,
          ),
        ];
    rows.replaceChildren(byId("spacer") ?? el("div", { id: "spacer" }), ...shown, ...none);
    const active = numbers.indexOf(focus.now.finding);
    if (active >= from && active < to)
      table.setAttribute("aria-activedescendant", `finding-${focus.now.finding}`);
    else table.removeAttribute("aria-activedescendant");
  };

  const rowOf = (number, at) => {
    const record = records[number];
    const finding = model.facts.findings[number];
    const quiet = finding.suppressed || finding.known;
    const row = el(
      "div",
      {
        role: "row",
        id: `finding-${number}`,
        class: `row${quiet ? " quieted" : ""}`,
        "aria-rowindex": at + 2,
        "aria-selected": String(number === focus.now.finding),
        onclick: () => pick(number),
        title: finding.suppressed,
      },
      cell(
        `${finding.rule} ${record.kind}`,
        record.label ? `${record.label} ${rangeTold(finding.overlap)}` : record.where,
      ),
      cell(record.first.thread, `${record.first.op} ${record.first.place}`),
      cell(record.second.thread, `${record.second.op} ${record.second.place}`),
      el("span", { role: "gridcell", class: "count" }, counted(record.count)),
    );
    row.style.top = `${at * HEIGHT}px`;
    return row;
  };

  const show = () => {
    const at = numbers.indexOf(focus.now.finding);
    if (at >= 0) {
      if (at * HEIGHT < rows.scrollTop) rows.scrollTop = at * HEIGHT;
      else if ((at + 1) * HEIGHT > rows.scrollTop + rows.clientHeight)
        rows.scrollTop = (at + 1) * HEIGHT - rows.clientHeight;
    }
    draw();
  };

  const later = inNextFrame(draw);
  rows.addEventListener("scroll", later);
  new ResizeObserver(later).observe(rows);
  query.addEventListener("input", () => focus.set({ query: query.value }));
  query.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && query.value) {
      focus.set({ query: "" });
      event.stopPropagation();
    } else if (event.key === "Enter" || event.key === "Escape") {
      table.focus();
      if (event.key === "Enter" && numbers.length && !numbers.includes(focus.now.finding))
        pick(numbers[0]);
    }
  });
  focus.tell((now, changed) => {
    if (changed.has("query") && query.value !== now.query) query.value = now.query;
    if (changed.has("query") || changed.has("sort")) choose();
    if (changed.has("finding")) show();
  });
  query.value = focus.now.query;
  choose();
  show();

  return {
    /** The finding `by` rows further on; the first (or last) where none is chosen. */
    move(by) {
      if (numbers.length === 0) return;
      const at = numbers.indexOf(focus.now.finding);
      const next =
        at < 0
          ? by > 0
            ? 0
            : numbers.length - 1
          : Math.min(Math.max(at + by, 0), numbers.length - 1);
      pick(numbers[next]);
    },
    ends: (last) => numbers.length && pick(numbers[last ? numbers.length - 1 : 0]),
  };
}

function cell(above, below) {
  return el(
    "span",
    { role: "gridcell" },
    el("span", { class: "line" }, above),
    el("span", { class: "line" }, below),
  );
}

function rangeTold(range) {
  return range ? `[${range[0]}:${range[1]}]` : "";
}
