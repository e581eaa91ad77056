// The strip above the lanes: the whole trace, where its races are, and which part is shown.

import { positionOf } from "./axis.mjs";
import { upTo } from "./density.mjs";
import { byId, inNextFrame, sharpened } from "./dom.mjs";
import { gutterOf } from "./timeline.mjs";

const HEIGHT = 30;

/** The strip of a model, that moves the timeline's view. */
export function overviewOf(model, focus, timeline, ink) {
  const canvas = byId("overview");
  let width = 0,
    density = null,
    madeFor = "";

  const gutter = () => gutterOf(width);
  const make = () => {
    const { axis } = focus.now;
    const as = `${axis} ${width}`;
    if (as === madeFor) return;
    madeFor = as;
    const columns = Math.max(width - gutter(), 1);
    const { a, b } = timeline.extents[axis];
    density = { count: new Float32Array(columns), marked: new Uint8Array(columns) };
    if (!model.whole) return makeFrom(model.density?.[axis]?.base, columns, a, (b - a) / columns);
    for (let event = 0; event < model.count; event++) {
      const place = ((positionOf(model, axis, event) - a) / (b - a)) * columns;
      const column = Math.min(columns - 1, Math.floor(place));
      density.count[column]++;
      density.marked[column] |= model.marked[event];
    }
  };

  /** The same from what was counted beforehand. */
  const makeFrom = (grid, columns, a, step) => {
    for (let at = 0; grid && at < columns; at++) {
      const from = a + at * step;
      const count = (sums) => upTo(grid, sums, 0, from + step) - upTo(grid, sums, 0, from);
      density.count[at] = count(grid.all);
      density.marked[at] = Number(count(grid.marked) > 0);
    }
  };

  const draw = () => {
    if (width === 0) return;
    make();
    const context = sharpened(canvas, width, HEIGHT);
    context.fillStyle = ink.now.panel;
    context.fillRect(0, 0, width, HEIGHT);
    const left = gutter(),
      columns = density.count.length;
    const most = Math.log1p(density.count.reduce((a, b) => Math.max(a, b), 1));
    context.fillStyle = ink.now.other;
    context.globalAlpha = 0.65;
    for (let at = 0; at < columns; at++) {
      if (density.count[at] === 0) continue;
      const height = Math.max(1, ((HEIGHT - 12) * Math.log1p(density.count[at])) / most);
      context.fillRect(left + at, HEIGHT - 4 - height, 1, height);
    }
    context.globalAlpha = 1;
    context.fillStyle = ink.now.race;
    for (let at = 0; at < columns; at++)
      if (density.marked[at]) context.fillRect(left + at - 0.5, 3, 2, HEIGHT - 7);
    paintView(context, left, columns);
  };

  const paintView = (context, left, columns) => {
    const view = timeline.viewNow(),
      whole = timeline.extents[focus.now.axis];
    const x = (at) => left + ((at - whole.a) / (whole.b - whole.a)) * columns;
    const [from, to] = [x(view.a), Math.max(x(view.b), x(view.a) + 3)];
    context.globalAlpha = 0.62;
    context.fillStyle = ink.now.panel;
    context.fillRect(left, 0, from - left, HEIGHT);
    context.fillRect(to, 0, left + columns - to, HEIGHT);
    context.globalAlpha = 1;
    context.strokeStyle = ink.now.focus;
    context.lineWidth = 1.5;
    context.strokeRect(from + 0.5, 1.5, Math.max(to - from - 1, 2), HEIGHT - 3);
    context.fillStyle = ink.now.dim;
    context.font = `11px ${ink.now.font}`;
    context.textBaseline = "middle";
    context.fillText("all", 12, HEIGHT / 2);
  };

  const move = ({ offsetX }) => {
    const whole = timeline.extents[focus.now.axis],
      view = timeline.viewNow();
    const at =
      whole.a + ((offsetX - gutter()) / Math.max(width - gutter(), 1)) * (whole.b - whole.a);
    const span = view.b - view.a;
    const a = Math.min(Math.max(at - span / 2, whole.a), whole.b - span);
    timeline.look({ a, b: a + span });
  };
  let held = false;
  canvas.addEventListener("pointerdown", (event) => {
    held = true;
    canvas.setPointerCapture(event.pointerId);
    move(event);
  });
  canvas.addEventListener("pointermove", (event) => held && move(event));
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => (held = false));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      timeline.zoom(Math.exp(-event.deltaY / 320));
    },
    { passive: false },
  );

  const later = inNextFrame(draw);
  new ResizeObserver(() => {
    width = Math.floor(canvas.getBoundingClientRect().width);
    later();
  }).observe(canvas);
  focus.tell((now, changed) => {
    if (changed.has("a") || changed.has("b") || changed.has("axis")) later();
  });
  return { draw: later };
}
