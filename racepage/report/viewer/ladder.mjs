// Two small drawings of a finding: why nothing orders its sides, and which bytes they share.

import { el, svg } from "./dom.mjs";
import { cut, plain } from "./words.mjs";

const WIDEST = 640,
  MARGIN = 40;

/** As wide as there is room, so that words keep their size. */
function across() {
  return Math.max(300, Math.min(WIDEST, innerWidth - MARGIN));
}

/** Two life lines, time downwards: what each side knew last of the other, and the arrow that is
 * missing. */
export function ladder(model, { first, second, why }) {
  const { thread, op } = model.columns;
  const wide = across();
  const [left, right] = [first, second].map((side) =>
    plain(model.facts.threads[thread[side.event]]),
  );
  const marks = [
    { event: first.event, lane: 0, role: "first" },
    { event: second.event, lane: 1, role: "second" },
    why.first.event !== null && {
      event: why.first.event,
      lane: 0,
      role: "dot",
      knows: 1,
      side: second,
    },
    why.second.event !== null && {
      event: why.second.event,
      lane: 1,
      role: "dot",
      knows: 0,
      side: first,
    },
  ]
    .filter(Boolean)
    .sort((a, b) => a.event - b.event);
  const top = 40,
    step = 34;
  marks.forEach((mark, at) => (mark.y = top + at * step));
  const height = top + marks.length * step;
  const x = [wide * 0.36, wide * 0.64];
  const parts = [];
  for (const [lane, name] of [left, right].entries()) {
    parts.push(
      svg(
        "text",
        { x: x[lane], y: 16, "text-anchor": "middle", "font-weight": 600 },
        cut(name, 22),
      ),
    );
    parts.push(svg("line", { class: "life", x1: x[lane], x2: x[lane], y1: 24, y2: height - 6 }));
  }
  for (const mark of marks.filter(({ role }) => role === "dot")) {
    const to = marks.find(({ event, role }) => event === mark.side.event && role !== "dot");
    // What the other one knows reached it somewhere between here and its access.
    const end = Math.max(mark.y + 9, to.y - 13);
    const way = mark.lane === 0 ? 1 : -1;
    parts.push(
      svg("line", {
        class: "knows",
        x1: x[mark.lane] + 6 * way,
        y1: mark.y,
        x2: x[1 - mark.lane] - 6 * way,
        y2: end,
      }),
    );
    const tip = x[1 - mark.lane] - 3 * way;
    parts.push(svg("path", { class: "tip", d: `M${tip} ${end}l${-8 * way} -4.5v9z` }));
  }
  const [one, other] = ["first", "second"].map((role) => marks.find((mark) => mark.role === role));
  parts.push(svg("line", { class: "missing", x1: x[0], y1: one.y, x2: x[1], y2: other.y }));
  const middle = { x: (x[0] + x[1]) / 2, y: (one.y + other.y) / 2 };
  parts.push(
    svg("rect", {
      x: middle.x - 36,
      y: middle.y - 9,
      width: 72,
      height: 18,
      rx: 4,
      fill: "var(--panel)",
    }),
  );
  parts.push(
    svg(
      "text",
      { class: "lost", x: middle.x, y: middle.y + 4, "text-anchor": "middle" },
      "unordered",
    ),
  );
  for (const mark of marks) {
    parts.push(svg("circle", { class: mark.role, cx: x[mark.lane], cy: mark.y, r: 5.5 }));
    const told = `${model.facts.ops[op[mark.event]]}, event ${model.at[mark.event]}`;
    const outside = mark.lane === 0 ? { x: x[0] - 14, "text-anchor": "end" } : { x: x[1] + 14 };
    parts.push(
      svg("text", { ...outside, y: mark.y + 4, class: mark.role === "dot" ? "faint" : "" }, told),
    );
  }
  const label = `${left} and ${right} are unordered: no chain of synchronisation leads from one access to the other.`;
  return svg(
    "svg",
    { class: "ladder", viewBox: `0 0 ${wide} ${height}`, role: "img", "aria-label": label },
    ...parts,
  );
}

/** The ranges of both sides above what they share, on one scale. */
export function ruler(first, second, overlap) {
  const wide = across();
  const ranges = [first, second].filter(Boolean);
  const low = Math.min(...ranges.map(([start]) => start)),
    high = Math.max(...ranges.map(([, stop]) => stop));
  const scale = (wide - 150) / Math.max(high - low, 1);
  const x = (at) => 60 + (at - low) * scale;
  const bar = (range, y, role, name) =>
    range && [
      svg("text", { x: 0, y: y + 8 }, name),
      svg("rect", { class: "track", x: x(low), y, width: wide - 150, height: 9, rx: 2 }),
      svg("rect", {
        class: role,
        x: x(range[0]),
        y,
        width: Math.max((range[1] - range[0]) * scale, 2),
        height: 9,
        rx: 2,
      }),
      svg("text", { x: wide - 82, y: y + 8 }, `${range[0]}:${range[1]}`),
    ];
  return el(
    "div",
    {},
    svg(
      "svg",
      {
        class: "bytes",
        viewBox: `0 0 ${wide} 48`,
        role: "img",
        "aria-label": `They share bytes ${overlap[0]} to ${overlap[1]}`,
      },
      bar(first, 2, "first", "first"),
      bar(second, 18, "second", "second"),
      bar(overlap, 34, "both", "both"),
    ),
  );
}
