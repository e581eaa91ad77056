// The page pane: one page byte by byte, and all pages small beside it.

import { SIDE, CELLS, cellsOf, countedOf, historyOf, lifeOf, scaleOf } from "./bytes.mjs";
import { byId, el, inNextFrame, radios } from "./dom.mjs";
import { eventsOnPage } from "./model.mjs";
import { called, counted, plain, several, targetName } from "./words.mjs";

const LEAST = 4,
  BIGGEST = 7; // pixels that a cell is across
const RIM = 4; // pixels around the cells, for the line around what a race shares
const COLOURS = 8;
const MOST = 48; // pages shown small at first
const CHUNK = 6; // of which so many are drawn in one go

/** The page pane of a model. */
export function pagesOf(model, focus, ink, go) {
  const { facts } = model;
  const sizes = new Map(facts.sizes);
  const racy = new Map(facts.racy);
  const findingsOn = grouped(facts.findings);
  const pages = [...sizes.keys()]
    .filter((page) => eventsOf(page) > 0)
    .sort((a, b) => weight(b) - weight(a) || a - b);
  let mode = "last",
    cursor = 0,
    shown = MOST,
    history = null;

  function eventsOf(page) {
    return model.whole
      ? eventsOnPage(model, page).length
      : (facts.touched.find(([one]) => one === page)?.[1] ?? 0);
  }

  function weight(page) {
    return (racy.has(page) ? 2 : 0) + (findingsOn.has(page) ? 1 : 0);
  }

  const map = el("canvas", {
    id: "map",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "page of bytes",
    "aria-describedby": "cell-said",
  });
  const said = el("p", { class: "cell-said", id: "cell-said", role: "status" });
  const owners = el("ul", { class: "owners", "aria-label": "Threads, by who touched last" });
  const many = el("div", { class: "many", role: "group", "aria-label": "All pages" });
  const body = byId("page-body");
  const setMode = radios(byId("page-mode"), (value) => {
    mode = value;
    setMode(value);
    draw();
  });
  setMode(mode);
  if (pages.length === 0) {
    const none = model.whole
      ? "No page was touched."
      : "No page has a race, and the bytes of others are not counted here.";
    body.replaceChildren(el("p", { class: "empty" }, none));
    return { draw: () => {}, pages };
  }
  body.replaceChildren(map, said, owners, many);

  const pageNow = () => {
    const { page, finding } = focus.now;
    const wanted = page ?? (finding === null ? null : facts.findings[finding].page);
    return sizes.has(wanted) ? wanted : pages[0];
  };

  /** The event up to which the page is shown: what is looked at, or the end. */
  const untilNow = (page) => {
    if (!model.whole) return model.count; // what is not held was counted to the end
    const { event, finding } = focus.now;
    const one = finding === null ? null : model.facts.findings[finding];
    const until = event ?? (one?.page === page ? one.second?.event : null) ?? null;
    return until === null || eventsOnPage(model, page).indexOf(until) < 0 ? model.count : until;
  };

  const historyNow = (page, until) => {
    if (!model.whole) return countedOf(model, page, sizes.get(page));
    const events = eventsOnPage(model, page);
    return historyOf(model, events, sizes.get(page), until, lifeOf(model, events, until));
  };

  const draw = () => {
    const page = pageNow();
    const size = sizes.get(page);
    const until = untilNow(page);
    history = historyNow(page, until);
    const target = model.facts.targets[page];
    byId("pages-title").textContent = target[2]
      ? `${targetName(target)} “${called(target)}”`
      : targetName(target);
    map.setAttribute(
      "aria-label",
      `${targetName(target)}, ${counted(size)} bytes; arrows move between bytes`,
    );
    const ranks = ranksOf(history.last);
    const dense = Math.ceil(devicePixelRatio || 1);
    const cell = Math.max(
      LEAST,
      Math.min(Math.floor((body.clientWidth - 28 - 2 * RIM) / SIDE), BIGGEST),
    );
    map.style.width = map.style.height = `${SIDE * cell + 2 * RIM}px`;
    paint(map, page, history, ranks, cell * dense, RIM * dense);
    owners.replaceChildren(
      ...[...ranks].slice(0, COLOURS + 1).map(([thread, rank]) => owner(thread, rank)),
      el(
        "li",
        { class: "dim" },
        until < model.count ? `as of event ${model.at[until]}` : "at the end of the trace",
      ),
    );
    tell(Math.min(cursor, CELLS - 1));
    drawMany();
  };

  const owner = (thread, rank) => {
    const swatch = el("i");
    swatch.style.setProperty("--swatch", colourOf(rank));
    return el("li", {}, swatch, rank < COLOURS ? plain(facts.threads[thread]) : "others");
  };

  const colourOf = (rank) => (rank < COLOURS ? ink.now.threads[rank] : ink.now.other);

  /** thread -> its place among those that touched a byte last, most bytes first. */
  const ranksOf = (last) => {
    const bytes = new Map();
    for (const event of last)
      if (event >= 0)
        bytes.set(model.columns.thread[event], (bytes.get(model.columns.thread[event]) ?? 0) + 1);
    // By number, so that a thread keeps its colour while time goes on, as long as there are few.
    const order = [...bytes].sort(([a, x], [b, y]) => (bytes.size <= COLOURS ? a - b : y - x));
    return new Map(
      order.map(([thread], rank) => [
        thread,
        bytes.size <= COLOURS && facts.threads.length <= COLOURS ? thread : rank,
      ]),
    );
  };

  const paint = (canvas, page, { heat, last, scale }, ranks, cell, rim) => {
    [canvas.width, canvas.height] = [SIDE * cell + 2 * rim, SIDE * cell + 2 * rim];
    const context = canvas.getContext("2d");
    context.fillStyle = ink.now.panel;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.translate(rim, rim);
    const hottest = Math.log1p(heat.reduce((a, b) => Math.max(a, b), 1));
    const cells = Math.min(CELLS, Math.ceil(sizes.get(page) / scale));
    const gap = rim === 0 ? 0 : 1;
    for (let at = 0; at < CELLS; at++) {
      const [x, y] = [(at % SIDE) * cell, Math.floor(at / SIDE) * cell];
      if (at >= cells || heat[at] === 0) {
        context.globalAlpha = 1;
        context.fillStyle = at >= cells ? ink.now.panel : ink.now.stripe;
      } else if (mode === "heat") {
        context.globalAlpha = 0.14 + (0.86 * Math.log1p(heat[at])) / hottest;
        context.fillStyle = ink.now.write;
      } else {
        const writes = facts.writes[model.columns.op[last[at]]];
        context.globalAlpha = writes ? 1 : 0.5;
        context.fillStyle = colourOf(ranks.get(model.columns.thread[last[at]]));
      }
      context.fillRect(x, y, cell - gap, cell - gap);
    }
    context.globalAlpha = 1;
    for (const [start, stop] of racy.get(page) ?? []) {
      const cells = cellsOf(start, stop, scale);
      if (rim === 0) wash(context, cells, cell);
      else outline(context, cells, cell, rim / RIM);
    }
    const one = focus.now.finding === null ? null : model.facts.findings[focus.now.finding];
    if (one?.page === page && one.overlap && rim > 0)
      outline(context, cellsOf(...one.overlap, scale), cell, (2.5 * rim) / RIM);
  };

  /** Small, racy bytes are a tint. */
  const wash = (context, [from, to], cell) => {
    context.fillStyle = ink.now.race;
    context.globalAlpha = 0.6;
    for (let at = from; at < to; at++)
      context.fillRect((at % SIDE) * cell, Math.floor(at / SIDE) * cell, cell, cell);
    context.globalAlpha = 1;
  };

  /** A line around the cells [from, to), however their rows break. */
  const outline = (context, [from, to], cell, width) => {
    const inside = (at, across) => across >= 0 && across < SIDE && at >= from && at < to;
    context.strokeStyle = ink.now.race;
    context.lineWidth = width;
    context.beginPath();
    for (let at = from; at < to; at++) {
      const [column, row] = [at % SIDE, Math.floor(at / SIDE)];
      const inset = -width / 2; // outside, so that the cells stay to be seen
      const [x, y] = [column * cell, row * cell];
      const edges = [
        [inside(at - 1, column - 1), x + inset, y + inset, x + inset, y + cell - inset],
        [
          inside(at + 1, column + 1),
          x + cell - inset,
          y + inset,
          x + cell - inset,
          y + cell - inset,
        ],
        [inside(at - SIDE, column), x + inset, y + inset, x + cell - inset, y + inset],
        [
          inside(at + SIDE, column),
          x + inset,
          y + cell - inset,
          x + cell - inset,
          y + cell - inset,
        ],
      ];
      for (const [shared, x0, y0, x1, y1] of edges) {
        if (shared) continue;
        context.moveTo(x0, y0);
        context.lineTo(x1, y1);
      }
    }
    context.stroke();
  };

  const tell = (cell) => {
    cursor = cell;
    const { heat, last, scale } = history;
    const start = cell * scale;
    const where =
      scale === 1
        ? `Byte ${start} (0x${start.toString(16)})`
        : `Bytes ${start} to ${start + scale}`;
    const event = last[cell];
    if (event < 0) {
      said.replaceChildren(`${where}: not touched.`);
      return;
    }
    const { thread, op } = model.columns;
    said.replaceChildren(
      `${where}: ${several(heat[cell], "touch").replace("touchs", "touches")}, last the ${facts.ops[op[event]]} by ${plain(facts.threads[thread[event]])}, `,
      el(
        "button",
        { type: "button", class: "link", onclick: () => go({ event }) },
        `event ${model.at[event]}`,
      ),
    );
  };

  const cellAt = ({ offsetX, offsetY }) => {
    const across = map.getBoundingClientRect().width - 2 * RIM;
    const [column, row] = [offsetX, offsetY].map((at) =>
      Math.min(SIDE - 1, Math.max(0, Math.floor(((at - RIM) / across) * SIDE))),
    );
    return row * SIDE + column;
  };
  const choose = (cell) =>
    history.last[cell] >= 0 && go({ event: history.last[cell], page: pageNow() });
  map.addEventListener("pointermove", (event) => tell(cellAt(event)));
  map.addEventListener("click", (event) => {
    tell(cellAt(event));
    choose(cursor);
  });
  map.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: SIDE, ArrowUp: -SIDE }[event.key];
    if (step) {
      tell(Math.min(CELLS - 1, Math.max(0, cursor + step)));
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter") choose(cursor);
  });

  // The small ones are drawn once for each mode and theme, a few in a frame, from the top.
  let smalls = new Map(),
    drawnAs = "";
  const drawMany = () => {
    many.hidden = pages.length < 2;
    if (many.hidden) return;
    const as = `${mode} ${ink.version} ${shown}`;
    if (as !== drawnAs) {
      drawnAs = as;
      smalls = new Map(pages.slice(0, shown).map((page) => [page, smallOf(page)]));
      const more =
        pages.length > shown
          ? [
              el(
                "button",
                {
                  type: "button",
                  class: "link",
                  onclick: () => {
                    shown += 4 * MOST;
                    draw();
                  },
                },
                `${counted(pages.length - shown)} more`,
              ),
            ]
          : [];
      many.replaceChildren(...smalls.values(), ...more);
      drawSome([...smalls], as);
    }
    for (const [page, small] of smalls)
      small.setAttribute("aria-pressed", String(page === pageNow()));
  };
  const drawSome = (left, as) => {
    if (as !== drawnAs || left.length === 0) return;
    for (const [page, small] of left.slice(0, CHUNK)) {
      const past = model.whole
        ? historyOf(model, eventsOnPage(model, page), sizes.get(page), model.count)
        : historyNow(page, model.count);
      paint(small.firstChild, page, past, ranksOf(past.last), 1, 0);
    }
    setTimeout(() => drawSome(left.slice(CHUNK), as));
  };
  const smallOf = (page) => {
    const target = model.facts.targets[page];
    const bytes = (racy.get(page) ?? []).reduce((sum, [start, stop]) => sum + stop - start, 0);
    const told = `${targetName(target)}${target[2] ? `, ${called(target)}` : ""}: ${several(eventsOf(page), "event")}, ${several(bytes, "racy byte")}`;
    return el(
      "button",
      {
        type: "button",
        class: `small${bytes ? " racy" : ""}`,
        title: told,
        "aria-label": told,
        onclick: () => go({ page }),
      },
      el("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" }),
      el("span", {}, called(target)),
    );
  };

  const later = inNextFrame(draw);
  focus.tell((now, changed) => {
    const shared =
      changed.has("finding") && now.finding !== null ? facts.findings[now.finding] : null;
    if (shared?.overlap && sizes.has(shared.page))
      [cursor] = cellsOf(...shared.overlap, scaleOf(sizes.get(shared.page)));
    if (changed.has("finding") || changed.has("event") || changed.has("page")) later();
  });
  draw();
  return { draw: later, pages };
}

function grouped(findings) {
  const on = new Map();
  for (const { page } of findings) if (page !== null) on.set(page, (on.get(page) ?? 0) + 1);
  return on;
}
