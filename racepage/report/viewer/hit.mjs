// What is under the pointer.

import { TIME, positionOf } from "./axis.mjs";
import { rowFrom } from "./cover.mjs";
import { BAND, LEVEL, laneAt, levelTop } from "./lanes.mjs";
import { lowerBound, lowerBoundBy } from "./search.mjs";

/** How far from an event, in pixels, still means it. */
export const REACH = 7;

/** `{thread, event, section}` at a point of the lanes: `event` is -1 where none is near, `section`
 * null where none is. `width` pixels show `view`. */
export function hit(model, sections, lanes, { axis, view, width }, x, y) {
  const place = laneAt(lanes, y);
  if (place < 0) return { thread: -1, event: -1, section: null };
  const thread = lanes.order[place];
  const lane = lanes.of[thread];
  const at = view.a + (x / width) * (view.b - view.a);
  if (y > lane.band + BAND + 2) {
    const level = Math.floor((y - levelTop(lane, 0)) / LEVEL);
    const section =
      level < lane.levels ? sectionAt(model, axis, sections[thread][level], at) : null;
    return { thread, event: section ? section.start : -1, section };
  }
  return { thread, event: nearest(model, { axis, view, width }, thread, at), section: null };
}

/** The thread's event that is drawn nearest to a position, -1 where none is within reach. A marked
 * one within reach goes before any other. */
export function nearest(model, { axis, view, width }, thread, at) {
  const reach = Math.max((REACH * (view.b - view.a)) / width, axis === TIME ? 0 : 0.5);
  const low = model.begins[thread],
    high = model.begins[thread + 1];
  const place = (position) =>
    axis === TIME
      ? lowerBoundBy(model.order, model.time, position, low, high)
      : lowerBound(model.order, rowFrom(model, position), low, high);
  const from = place(at - reach),
    to = Math.min(place(at + reach) + 1, high);
  const isMarked = model.sums[5][to] > model.sums[5][from];
  if (!isMarked) return closer(model, axis, at, reach, place(at), low, high);
  let best = -1;
  for (let one = from; one < to; one++) {
    const event = model.order[one];
    if (
      model.marked[event] &&
      (best < 0 || distance(model, axis, event, at) < distance(model, axis, best, at))
    )
      best = event;
  }
  return best >= 0 && distance(model, axis, best, at) <= reach
    ? best
    : closer(model, axis, at, reach, place(at), low, high);
}

function closer(model, axis, at, reach, place, low, high) {
  const near = [place - 1, place]
    .filter((one) => one >= low && one < high)
    .map((one) => model.order[one]);
  const far = (event) => distance(model, axis, event, at);
  const best = near.reduce((a, b) => (a >= 0 && far(a) <= far(b) ? a : b), -1);
  return best >= 0 && far(best) <= reach ? best : -1;
}

function distance(model, axis, event, at) {
  return Math.abs(positionOf(model, axis, event) - at);
}

function sectionAt(model, axis, level, at) {
  if (!level) return null;
  const starts = (one) => positionOf(model, axis, level.start[one]);
  let low = 0,
    high = level.start.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts(middle) <= at) low = middle + 1;
    else high = middle;
  }
  const one = low - 1;
  if (one < 0 || positionOf(model, axis, level.end[one]) < at) return null;
  return {
    start: level.start[one],
    end: level.end[one],
    lock: level.lock[one],
    write: level.write[one],
  };
}
