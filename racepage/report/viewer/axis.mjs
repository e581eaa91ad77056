// The two ways to lay events out: in the trace's order, and by the clock.
//
// A position is an event's number and a half (each has a place one wide), or its nanoseconds. A view
// is the half-open stretch [a, b) of positions that is shown.

import { rowAt, rowFrom } from "./cover.mjs";
import { lowerBound, lowerBoundBy } from "./search.mjs";

export const ORDER = "order",
  TIME = "time";

/** Where an event stands. */
export function positionOf(model, axis, event) {
  return axis === TIME ? model.time[event] : model.at[event] + 0.5;
}

/** All there is to show, with a little room around it. */
export function extentOf(model, axis) {
  if (axis === ORDER) return { a: 0, b: Math.max(model.facts.events, 1) };
  let low = Infinity,
    high = -Infinity;
  for (const one of model.time) {
    if (one < low) low = one;
    if (one > high) high = one;
  }
  const room = Math.max((high - low) * 0.01, 50);
  return { a: low - room, b: high + room };
}

/** The narrowest stretch that is shown: four events, or 40 ns. */
export function narrowest(axis) {
  return axis === TIME ? 40 : 4;
}

/** A view, moved into the extent and no narrower or wider than makes sense. */
export function held({ a, b }, extent, least) {
  const whole = extent.b - extent.a;
  const span = Math.min(Math.max(b - a, Math.min(least, whole)), whole);
  const middle = (a + b) / 2;
  const start = Math.min(Math.max(middle - span / 2, extent.a), extent.b - span);
  return { a: start, b: start + span };
}

/** `factor` times narrower (or wider, below 1) around the position `at`, which stays where it is. */
export function zoomed(view, factor, at, extent, least) {
  const whole = extent.b - extent.a;
  const span = Math.min(Math.max((view.b - view.a) / factor, Math.min(least, whole)), whole);
  const share = (at - view.a) / (view.b - view.a);
  return held({ a: at - share * span, b: at + (1 - share) * span }, extent, least);
}

/** Moved by a share of itself. */
export function panned(view, share, extent) {
  const span = view.b - view.a;
  const start = Math.min(Math.max(view.a + share * span, extent.a), extent.b - span);
  return { a: start, b: start + span };
}

/** A view in which all the positions are, each with room beside it. */
export function around(positions, extent, least) {
  const low = Math.min(...positions),
    high = Math.max(...positions);
  const room = Math.max((high - low) * 0.35, least * 4);
  return held({ a: low - room, b: high + room }, extent, least);
}

/** For each of `width` columns of a view and its end: the place in `order` of the thread's first
 * event there. */
export function columnsOfLane(model, axis, thread, { a, b }, width) {
  const places = new Int32Array(width + 1);
  const high = model.begins[thread + 1];
  let low = model.begins[thread];
  for (let column = 0; column <= width; column++) {
    const edge = a + ((b - a) * column) / width;
    low =
      axis === TIME
        ? lowerBoundBy(model.order, model.time, edge, low, high)
        : lowerBound(model.order, rowFrom(model, edge), low, high);
    places[column] = low;
  }
  return places;
}

/** Round positions to label, at most `most` of them. */
export function ticks({ a, b }, most) {
  const rough = (b - a) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(a / step) * step; at < b; at += step) found.push(at);
  return found;
}

/** The same events by the other axis: a view of at least those that a view of `axis` shows. */
export function converted(model, axis, { a, b }) {
  let low = Infinity,
    high = -Infinity;
  if (axis === ORDER) {
    // Between windows, what is held on either side says when it was.
    const [first, last] = [rowAt(model, Math.floor(a)), rowAt(model, Math.ceil(b))];
    const [from, to] = first < last ? [first, last] : [first - 1, last + 1];
    for (let event = Math.max(0, from); event < Math.min(model.count, to); event++) {
      low = Math.min(low, model.time[event]);
      high = Math.max(high, model.time[event]);
    }
    return low <= high ? { a: low, b: high + 1 } : null;
  }
  for (let event = 0; event < model.count; event++) {
    if (model.time[event] < a || model.time[event] >= b) continue;
    if (low === Infinity) low = model.at[event];
    high = model.at[event] + 1;
  }
  return low < high ? { a: low, b: high } : null;
}
