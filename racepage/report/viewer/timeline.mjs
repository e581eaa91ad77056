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
  zoomed,
} from "./axis.mjs";
import { future, past } from "./cones.mjs";
import { byId, inNextFrame, sharpened } from "./dom.mjs";
import { hit } from "./hit.mjs";
import { lanesOf, laneAt } from "./lanes.mjs";
import { paintLanes, paintNames } from "./paint.mjs";
import { HEAD, paintScale } from "./scale.mjs";
import { lowerBound } from "./search.mjs";
import { paintArrows, paintFocus } from "./strokes.mjs";
import { tipOf } from "./tip.mjs";

const CLICK = 4; // pixels that a click may move
const STEP = 1.5;

/** The timeline of a model in its canvas; returns what the keys do to it. */
export function timelineOf(model, focus, ink) {
  const canvas = byId("lanes");
  let lanes = lanesOf(model.sections);
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

  const findingNow = () =>
    focus.now.finding === null ? null : model.facts.findings[focus.now.finding];
  /** The event that all is seen from: the one that is looked at, or the finding's later side. */
  const centreNow = () => {
    const one = findingNow();
    return focus.now.event ?? one?.second?.event ?? one?.first?.event ?? null;
  };

  const sceneNow = () => {
    const { axis, event } = focus.now;
    const one = findingNow();
    const width = Math.max(size.width - size.gutter, 1);
    const centre = centreNow();
    return {
      model,
      sections: model.sections,
      waits: model.waits,
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
    size = { width: Math.floor(width), height: Math.floor(height), gutter: gutterOf(width) };
    scroll = Math.max(0, Math.min(scroll, lanes.height - (size.height - HEAD)));
  };

  const draw = () => {
    const began = performance.now();
    const context = sharpened(canvas, size.width, size.height);
    const scene = sceneNow();
    context.fillStyle = ink.now.panel;
    context.fillRect(0, 0, size.width, size.height);
    const from = Math.max(0, laneAt(lanes, scroll));
    const last = laneAt(lanes, scroll + size.height - HEAD);
    const threads = lanes.order.slice(from, last < 0 ? lanes.order.length : last + 1);
    context.save();
    context.beginPath();
    context.rect(size.gutter, HEAD, scene.width, size.height - HEAD);
    context.clip();
    context.translate(size.gutter, HEAD - scroll);
    paintLanes(context, scene, threads);
    paintArrows(context, scene);
    paintFocus(context, scene);
    context.restore();
    context.save();
    context.beginPath();
    context.rect(0, HEAD, size.gutter, size.height - HEAD);
    context.clip();
    context.translate(0, HEAD - scroll);
    paintNames(context, scene, threads, size.gutter);
    context.restore();
    paintScale(context, scene, size);
    canvas.dataset.drawn = String(performance.now() - began);
  };

  const redraw = inNextFrame(draw);
  const at = ({ offsetX, offsetY }) => ({
    x: offsetX - size.gutter,
    y: offsetY - HEAD + scroll,
    inGutter: offsetX < size.gutter,
  });
  const hitAt = (point) => hit(model, model.sections, lanes, sceneNow(), point.x, point.y);
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
    scroll = Math.max(0, Math.min(scroll + pixels, lanes.height - (size.height - HEAD)));
    redraw();
  };

  /** Where not all lanes are in view, those of a finding go to the top, next to each other. */
  const arrange = (one) => {
    const named = [one?.first?.event, one?.second?.event, ...(one?.related ?? [])];
    const threads = named.filter((event) => event >= 0).map((event) => model.columns.thread[event]);
    const few = [...new Set(threads)].slice(0, 6).sort((a, b) => a - b);
    const fits = lanes.height <= size.height - HEAD;
    lanes = lanesOf(model.sections, fits ? [] : few);
    scroll = 0;
  };

  const showLane = (thread) => {
    const lane = lanes.of[thread];
    const room = size.height - HEAD;
    if (lane.top < scroll) scroll = lane.top;
    else if (lane.top + lane.height > scroll + room)
      scroll = Math.min(lane.top, lane.top + lane.height - room);
  };

  /** Bring what is looked at into view: closer where it would not be seen, else not at all. */
  const frame = (always) => {
    const { axis, event } = focus.now;
    const one = findingNow();
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
      const one = findingNow();
      if (changed.has("finding")) arrange(one);
      const centre = centreNow();
      if (centre !== null) showLane(model.columns.thread[centre]);
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
    /** After the model got other events. */
    renew() {
      pasts.clear();
      futures.clear();
      lanes = lanesOf(model.sections, lanes.order);
      redraw();
    },
    pan: (share) => look(panned(viewNow(), share, extents[focus.now.axis])),
    all: () => focus.set({ a: null, b: null }),
    in: () => zoom(STEP),
    out: () => zoom(1 / STEP),
    scrollBy,
    /** To the thread's next event, or the one before. */
    step(by) {
      const from = centreNow();
      if (from === null) return;
      const thread = model.columns.thread[from];
      const next = model.rank[from] + by;
      if (next < model.begins[thread] || next >= model.begins[thread + 1]) return;
      const event = model.order[next];
      focus.set({ event, ...pageWith(model, event) });
    },
    /** To the lane above or below: its last event up to the one that is looked at. */
    cross(by) {
      const from = centreNow();
      const place = from === null ? -1 : lanes.order.indexOf(model.columns.thread[from]);
      const thread = lanes.order[place + by];
      if (thread === undefined) return;
      const low = model.begins[thread],
        high = model.begins[thread + 1];
      if (low === high) return;
      const next = lowerBound(model.order, (from ?? 0) + 1, low, high);
      const event = model.order[Math.max(next - 1, low)];
      focus.set({ event, ...pageWith(model, event) });
    },
    height: lanes.height + HEAD,
  };
}

/** How wide the names of the threads are, in a timeline of a width. */
export function gutterOf(width) {
  return width < 560 ? 92 : 132;
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
