// Which events a page holds: all, or windows of them. A trace that is held whole is one window.
//
// Rows are what the page holds, numbered from 0; `model.at` has the event's number in the trace for
// each. A *window* is a run of rows whose numbers follow each other: within it, nothing is missing.

import { lowerBound } from "./search.mjs";

/** The first row whose event has at least a number. */
export function rowAt(model, number) {
  return model.whole
    ? Math.min(Math.max(number, 0), model.count)
    : lowerBound(model.at, number, 0, model.count);
}

/** The first row that stands, in the order of events, at a position or after it. */
export function rowFrom(model, position) {
  return rowAt(model, Math.ceil(position - 0.5));
}

/** The row of an event of the trace, -1 where the page does not hold it. */
export function rowOf(model, number) {
  const row = rowAt(model, number);
  return row < model.count && model.at[row] === number ? row : -1;
}

/** Whether nothing is missing between two rows, the first before the second. */
export function together(model, first, second) {
  return model.at[second] - model.at[first] === second - first;
}

/** For each thread, the places in `order` before which some of its events may be missing. */
export function gapsOf(model) {
  return model.facts.threads.map((_, thread) => {
    const gaps = [];
    for (let at = model.begins[thread] + 1; at < model.begins[thread + 1]; at++)
      if (!together(model, model.order[at - 1], model.order[at])) gaps.push(at);
    return Int32Array.from(gaps);
  });
}

/** For each of `width` columns of a view by the order: 1 where every event of it is held. */
export function coveredInOrder(model, { a, b }, width) {
  const covered = new Uint8Array(width).fill(1);
  if (model.whole) return covered;
  const edge = (column) => a + ((b - a) * column) / width;
  let row = rowFrom(model, a);
  for (let column = 0; column < width; column++) {
    const next = rowFrom(model, edge(column + 1));
    const events = Math.ceil(edge(column + 1) - 0.5) - Math.ceil(edge(column) - 0.5);
    const all = next - row === events;
    covered[column] = Number(all && (events > 0 || inside(model, row)));
    row = next;
  }
  return covered;
}

/** Whether the place just before a row is in a window: the row before it is the event before it. */
function inside(model, row) {
  if (row === 0) return model.count > 0 && model.at[0] === 0;
  if (row === model.count) return model.at[row - 1] === model.facts.events - 1;
  return model.at[row] - model.at[row - 1] === 1;
}

/** The same by the clock, for one thread. */
export function coveredInTime(model, thread, { a, b }, width) {
  const covered = new Uint8Array(width).fill(1);
  if (model.whole) return covered;
  const column = (time) => ((time - a) / (b - a)) * width;
  for (const at of model.gaps[thread]) {
    const from = column(model.time[model.order[at - 1]]),
      to = column(model.time[model.order[at]]);
    if (to < 0 || from > width) continue;
    covered.fill(0, Math.max(0, Math.floor(from)), Math.min(width, Math.ceil(to)));
  }
  return covered;
}
