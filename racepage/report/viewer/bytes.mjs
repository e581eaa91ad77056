// What happened to the bytes of one page: how often each was touched, and by which event last.
//
// A page is always 64 × 64 cells; a page of 4,096 bytes has one byte in each, a larger one more.
// How often is counted at the ends of ranges only, and who was last is painted from the last event
// backwards, each cell once: so a page that a million events touched whole costs two steps an event.

import { rowOf } from "./cover.mjs";
import { LIFE } from "./model.mjs";

export const SIDE = 64,
  CELLS = SIDE * SIDE;

/** The bytes in each cell of a page. */
export function scaleOf(size) {
  return Math.max(1, Math.ceil(size / CELLS));
}

/** The cells [from, to) that the bytes [start, stop) are in. */
export function cellsOf(start, stop, scale) {
  return start >= stop
    ? [0, 0]
    : [Math.floor(start / scale), Math.min(CELLS, Math.ceil(stop / scale))];
}

/** For each cell: `heat`, how many accesses touched it, and `last`, the last event that did (-1 for
 * none), of the events from `since` up to `until`. Allocating and freeing touch the page, not its
 * bytes. */
export function historyOf(model, events, size, until, since = 0) {
  const { op, offset, length } = model.columns;
  const scale = scaleOf(size);
  const heat = new Int32Array(CELLS + 1);
  const last = new Int32Array(CELLS).fill(-1);
  const next = Int32Array.from({ length: CELLS + 1 }, (_, cell) => cell);
  let left = CELLS;
  for (let at = events.length - 1; at >= 0; at--) {
    const event = events[at];
    if (event < since) break;
    if (event > until || model.sort[op[event]] === LIFE) continue;
    const [from, to] = cellsOf(offset[event], offset[event] + length[event], scale);
    if (from >= to) continue;
    heat[from]++;
    heat[to]--;
    if (left === 0) continue;
    for (let cell = unpainted(next, from); cell < to; cell = unpainted(next, cell)) {
      last[cell] = event;
      next[cell] = cell + 1;
      left--;
    }
  }
  for (let cell = 0; cell < CELLS; cell++) heat[cell + 1] += heat[cell];
  return { heat: heat.subarray(0, CELLS), last, scale };
}

/** The same of a page that was counted beforehand, over the whole trace; null for another one. */
export function countedOf(model, page, size) {
  const { touched } = model.facts;
  const at = touched.findIndex(([one]) => one === page);
  if (at < 0) return null;
  const { heat, last } = model.columns;
  const cells = [at * CELLS, (at + 1) * CELLS];
  return {
    heat: heat.subarray(...cells),
    last: last.subarray(...cells).map((event) => (event < 0 ? -1 : rowOf(model, event))),
    scale: scaleOf(size),
  };
}

function unpainted(next, cell) {
  let end = cell;
  while (next[end] !== end) end = next[end];
  while (next[cell] !== end && next[cell] !== cell) [next[cell], cell] = [end, next[cell]];
  return end;
}

/** Where the life of a page that an event belongs to begins: its allocation's number, or 0. */
export function lifeOf(model, events, until) {
  const { alloc } = model.number;
  let begin = 0;
  for (const event of events) {
    if (event > until) break;
    if (model.columns.op[event] === alloc) begin = event;
  }
  return begin;
}
