// The timeline: what the lanes show of the focus, and what a pointer or a key does to it.

import {
  ORDER,
  TIME,
  around,
  extentOf,
  held,
  narrowest,
  panned,
  positionOf,
  ticks,
  zoomed,
} from "./axis.mjs";
import { future, past } from "./cones.mjs";
import { byId, inNextFrame, sharpened } from "./dom.mjs";
import { hit } from "./hit.mjs";
import { heightOf, lanesOf, laneAt } from "./lanes.mjs";
import { paintLanes, paintNames, xOf } from "./paint.mjs";
import { sectionsOf, waitsOf } from "./sections.mjs";
import { paintArrows, paintFocus } from "./strokes.mjs";
import { tipOf } from "./tip.mjs";
import { counted, duration } from "./words.mjs";

const HEAD = 22; // pixels for the scale
const CLICK = 4; // pixels that a click may move
const STEP = 1.5;

/** The timeline of a model in its canvas; returns what the keys do to it. */
export function timelineOf(model, focus, ink) {
  const canvas = byId("lanes");
  const sections = sectionsOf(model);
  const waits = waitsOf(model);
  const lanes = lanesOf(sections);
  const extents = {
    [ORDER]: extentOf(model, ORDER),
    [TIME]: model.time ? extentOf(model, TIME) : null,
  };
  const pasts = new Map();
  let scroll = 0,
    size = { width: 0, height: 0, gutter: 0 };

  const viewNow = () => {
    const { axis, a, b } = focus.now;
    return a === null ? extents[axis] : held({ a, b }, extents[axis], narrowest(axis));
  };
  const look = (view) => {
    const whole = extents[focus.now.axis];
    const all = view.a <= whole.a && view.b >= whole.b;
    focus.set(all ? { a: null, b: null } : { a: view.a, b: view.b });
  };
  const pastOf = (event) => {
    if (!pasts.has(event)) {
      if (pasts.size > 64) pasts.clear();
      pasts.set(event, past(model, event));
    }
    return pasts.get(event);
  };
  const futures = new Map();
  const futureOf = (event) => {
    if (!futures.has(event)) {
      if (futures.size > 64) futures.clear();
      futures.set(event, future(model, event));
    }
    return futures.get(event);
  };

  const sceneNow = () => {
    const { axis, event, finding } = focus.now;
    const one = finding === null ? null : model.facts.findings[finding];
    const width = Math.max(size.width - size.gutter, 1);
    const centre = event ?? one?.second?.event ?? one?.first?.event ?? null;
    return {
      model,
      sections,
      waits,
      lanes,
      axis,
      view: viewNow(),
      width,
      ink: ink.now,
      hatch: ink.hatch,
      event,
      finding: one,
      chosen: centre === null ? -1 : model.columns.thread[centre],
      cones:
        centre === null
          ? null
          : {
              thread: model.columns.thread[centre],
              past: pastOf(centre),
              future: futureOf(centre),
            },
      pasts: one?.why ? { first: pastOf(one.first.event), second: pastOf(one.second.event) } : null,
    };
  };

  const measure = () => {
    const { width, height } = canvas.getBoundingClientRect();
    size = { width: Math.floor(width), height: Math.floor(height), gutter: width < 560 ? 84 : 132 };
    scroll = Math.max(0, Math.min(scroll, heightOf(lanes) - (size.height - HEAD)));
  };

  const draw = () => {
    const began = performance.now();
    const context = sharpened(canvas, size.width, size.height);
    const scene = sceneNow();
    context.fillStyle = ink.now.panel;
    context.fillRect(0, 0, size.width, size.height);
    const from = Math.max(0, laneAt(lanes, scroll));
    const last = laneAt(lanes, scroll + size.height - HEAD);
    const to = last < 0 ? lanes.length : last + 1;
    context.save();
    context.beginPath();
    context.rect(size.gutter, HEAD, scene.width, size.height - HEAD);
    context.clip();
    context.translate(size.gutter, HEAD - scroll);
    paintLanes(context, scene, from, to);
    paintArrows(context, scene);
    paintFocus(context, scene);
    context.restore();
    context.save();
    context.beginPath();
    context.rect(0, HEAD, size.gutter, size.height - HEAD);
    context.clip();
    context.translate(0, HEAD - scroll);
    paintNames(context, scene, from, to, size.gutter);
    context.restore();
    paintScale(context, scene);
    canvas.dataset.drawn = String(performance.now() - began);
  };

  const paintScale = (context, scene) => {
    const { view, width, axis } = scene;
    context.fillStyle = ink.now.panel;
    context.fillRect(0, 0, size.width, HEAD);
    context.fillStyle = ink.now.line;
    context.fillRect(0, HEAD - 1, size.width, 1);
    context.fillRect(size.gutter - 1, 0, 1, size.height);
    context.font = `11px ${ink.now.font}`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillStyle = ink.now.dim;
    context.fillText(axis === TIME ? "time" : "event", 12, HEAD / 2);
    for (const at of ticks(view, Math.max(2, Math.floor(width / 110)))) {
      if (axis === ORDER && !Number.isInteger(at)) continue;
      const x = size.gutter + xOf(scene, axis === ORDER ? at + 0.5 : at);
      if (x < size.gutter || x > size.width - 52) continue;
      context.fillStyle = ink.now.line;
      context.fillRect(Math.round(x), HEAD - 6, 1, 6);
      context.fillStyle = ink.now.dim;
      context.fillText(axis === TIME ? duration(at) : counted(at), Math.round(x) + 4, HEAD / 2);
    }
  };

  const redraw = inNextFrame(draw);
  const at = ({ offsetX, offsetY }) => ({
    x: offsetX - size.gutter,
    y: offsetY - HEAD + scroll,
    inGutter: offsetX < size.gutter,
  });
  const hitAt = (point) => hit(model, sections, lanes, sceneNow(), point.x, point.y);
  const positionAt = (x) => {
    const view = viewNow();
    return view.a + (x / (size.width - size.gutter)) * (view.b - view.a);
  };
  const zoom = (factor, x = (size.width - size.gutter) / 2) => {
    look(
      zoomed(viewNow(), factor, positionAt(x), extents[focus.now.axis], narrowest(focus.now.axis)),
    );
  };
  const scrollBy = (pixels) => {
    scroll = Math.max(0, Math.min(scroll + pixels, heightOf(lanes) - (size.height - HEAD)));
    redraw();
  };

  const showLane = (thread) => {
    const lane = lanes[thread];
    const room = size.height - HEAD;
    if (lane.top < scroll) scroll = lane.top;
    else if (lane.top + lane.height > scroll + room)
      scroll = Math.min(lane.top, lane.top + lane.height - room);
  };

  /** Bring what is looked at into view: closer where it would not be seen, else not at all. */
  const frame = (always) => {
    const { axis, event, finding } = focus.now;
    const one = finding === null ? null : model.facts.findings[finding];
    const events = [
      event,
      one?.first?.event,
      one?.second?.event,
      one?.why?.first.event,
      one?.why?.second.event,
    ].filter((number) => number !== null && number !== undefined);
    if (events.length === 0) return;
    const main = always ? events : events.slice(0, event === null ? 2 : 1);
    const places = main.map((number) => positionOf(model, axis, number));
    const view = viewNow();
    const inView = places.every((place) => place >= view.a && place < view.b);
    if (always || !inView) look(around(places, extents[axis], narrowest(axis)));
  };

  listen();
  new ResizeObserver(() => {
    measure();
    redraw();
  }).observe(canvas);
  focus.tell((now, changed) => {
    if (changed.has("event") || changed.has("finding")) {
      const one = now.finding === null ? null : model.facts.findings[now.finding];
      const centre = now.event ?? one?.second?.event ?? one?.first?.event;
      if (centre !== undefined && centre !== null) showLane(model.columns.thread[centre]);
      if (changed.has("finding") && one) frame(needsRoom(one));
      else if (changed.has("event")) frame(false);
    }
    redraw();
  });

  /** Whether both sides of a finding would be closer than one can see. */
  function needsRoom(one) {
    const view = viewNow();
    const room = (size.width - size.gutter) / (view.b - view.a);
    return Boolean(one.first || one.second) && focus.now.axis === ORDER && room < 6;
  }

  function listen() {
    const down = new Map();
    let start = null;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const point = at(event);
        const pixels = event.deltaMode === 1 ? 16 : 1;
        if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
          look(
            panned(
              viewNow(),
              ((event.deltaX || event.deltaY) * pixels) / (size.width - size.gutter),
              extents[focus.now.axis],
            ),
          );
        } else if (point.inGutter) scrollBy(event.deltaY * pixels);
        else zoom(Math.exp((-event.deltaY * pixels) / 320), point.x);
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      down.set(event.pointerId, event);
      start = { view: viewNow(), scroll, points: [...down.values()].map(at), moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!down.has(event.pointerId)) return tip(event);
      down.set(event.pointerId, event);
      drag([...down.values()].map(at));
    });
    const up = (event) => {
      if (!down.delete(event.pointerId)) return;
      canvas.classList.remove("dragged");
      if (start && !start.moved && event.type === "pointerup") choose(at(event));
      start = null;
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => tipOf(null));
    canvas.addEventListener("dblclick", (event) => zoom(4, at(event).x));

    function drag(points) {
      if (!start || points.length !== start.points.length) return;
      const [now] = points,
        [before] = start.points;
      if (
        !start.moved &&
        Math.hypot(now.x - before.x, now.y - before.y) < CLICK &&
        points.length === 1
      )
        return;
      start.moved = true;
      tipOf(null);
      canvas.classList.add("dragged");
      const width = size.width - size.gutter;
      const extent = extents[focus.now.axis];
      if (points.length === 2) {
        const [wide, narrow] = [
          Math.abs(start.points[0].x - start.points[1].x),
          Math.abs(points[0].x - points[1].x),
        ];
        const middle = (start.points[0].x + start.points[1].x) / 2;
        const centre = start.view.a + (middle / width) * (start.view.b - start.view.a);
        look(
          zoomed(
            start.view,
            Math.max(narrow, 8) / Math.max(wide, 8),
            centre,
            extent,
            narrowest(focus.now.axis),
          ),
        );
        return;
      }
      look(panned(start.view, (before.x - now.x) / width, extent));
      scrollBy(start.scroll - scroll + (before.y - start.scroll - (now.y - scroll)));
    }
  }

  function choose(point) {
    const found = hitAt(point);
    if (found.event < 0) {
      focus.set({ event: null });
      return;
    }
    focus.set({
      event: found.event,
      ...findingWith(model, found.event, focus.now.finding),
      ...pageWith(model, found.event),
    });
  }

  function tip(event) {
    const point = at(event);
    const found = point.inGutter || point.y < scroll ? null : hitAt(point);
    tipOf(
      found && found.event >= 0 ? { model, ...found } : null,
      event.offsetX,
      event.offsetY + canvas.offsetTop,
      size.width,
    );
  }

  measure();
  return {
    redraw,
    draw,
    frame,
    zoom,
    look,
    viewNow,
    extents,
    lanes,
    sections,
    pan: (share) => look(panned(viewNow(), share, extents[focus.now.axis])),
    all: () => focus.set({ a: null, b: null }),
    in: () => zoom(STEP),
    out: () => zoom(1 / STEP),
    scrollBy,
    step(by) {
      const { event } = focus.now;
      if (event === null) return;
      const thread = model.columns.thread[event];
      const next = model.rank[event] + by;
      if (next < model.begins[thread] || next >= model.begins[thread + 1]) return;
      const other = model.order[next];
      focus.set({ event: other, ...pageWith(model, other) });
    },
    cross(by) {
      const { event } = focus.now;
      const thread = (event === null ? -1 : model.columns.thread[event]) + by;
      if (thread < 0 || thread >= lanes.length || model.begins[thread] === model.begins[thread + 1])
        return;
      const low = model.begins[thread],
        high = model.begins[thread + 1];
      let best = low;
      for (let at = low; at < high && model.order[at] <= (event ?? 0); at++) best = at;
      focus.set({ event: model.order[best], ...pageWith(model, model.order[best]) });
    },
    height: heightOf(lanes) + HEAD,
  };
}

/** The finding to look at with an event: the one now if it names the event, else the first that does. */
export function findingWith(model, event, now) {
  const naming = model.findingsOf.get(event) ?? [];
  return naming.length === 0 || naming.includes(now) ? {} : { finding: naming[0] };
}

/** The page to look at with an event. */
export function pageWith(model, event) {
  const target = model.columns.target[event];
  return target >= 0 && model.facts.targets[target][0] === 0 ? { page: target } : {};
}
