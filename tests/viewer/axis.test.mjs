import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ORDER,
  TIME,
  around,
  columnsOfLane,
  converted,
  extentOf,
  held,
  panned,
  ticks,
  zoomed,
} from "../../racepage/report/viewer/axis.mjs";
import { traceOf } from "./traces.mjs";

const ROWS = Array.from({ length: 8 }, (_, at) => [at % 2 ? "b" : "a", "read", "page:0", 0, 1]);
const MODEL = traceOf(ROWS, { times: Object.fromEntries(ROWS.map((_, at) => [at, at * 100])) });
const ALL = extentOf(MODEL, ORDER);

test("the order goes from the first event to the last", () => {
  assert.deepEqual(ALL, { a: 0, b: 8 });
});

test("a trace without events has something to show, too", () => {
  assert.deepEqual(extentOf(traceOf([]), ORDER), { a: 0, b: 1 });
});

test("the time has room at both ends", () => {
  const { a, b } = extentOf(MODEL, TIME);
  assert.ok(a < 0 && b > 700);
});

test("zooming keeps the place under the pointer", () => {
  const view = zoomed({ a: 0, b: 1000 }, 4, 250, { a: 0, b: 1000 }, 4);
  assert.equal((250 - view.a) / (view.b - view.a), 0.25);
  assert.equal(view.b - view.a, 250);
});

test("no zoom shows more than there is, or less than one can see", () => {
  assert.deepEqual(zoomed({ a: 2, b: 6 }, 0.01, 4, ALL, 4), ALL);
  assert.equal(
    zoomed({ a: 0, b: 8 }, 1000, 4, ALL, 4).b - zoomed({ a: 0, b: 8 }, 1000, 4, ALL, 4).a,
    4,
  );
});

test("panning stops at the ends and keeps the scale", () => {
  assert.deepEqual(panned({ a: 2, b: 6 }, -3, ALL), { a: 0, b: 4 });
  assert.deepEqual(panned({ a: 2, b: 6 }, 3, ALL), { a: 4, b: 8 });
});

test("a view that hangs over the end is moved in", () => {
  assert.deepEqual(held({ a: 6, b: 12 }, ALL, 4), { a: 2, b: 8 });
});

test("a frame has everything in it, with room", () => {
  const { a, b } = around([400, 500], { a: 0, b: 1000 }, 4);
  assert.ok(a < 400 && b > 500 && a > 300 && b < 600);
});

test("the columns of a lane cut its events at their edges", () => {
  // Thread a has the events 0 2 4 6, at 0.5, 2.5, …; four columns of two positions.
  assert.deepEqual([...columnsOfLane(MODEL, ORDER, 0, ALL, 4)], [0, 1, 2, 3, 4]);
  assert.deepEqual([...columnsOfLane(MODEL, TIME, 1, { a: 0, b: 800 }, 4)], [4, 5, 6, 7, 8]);
});

test("every event is in exactly one column", () => {
  for (const width of [1, 3, 7, 500]) {
    const places = columnsOfLane(MODEL, ORDER, 1, ALL, width);
    assert.equal(places[0], MODEL.begins[1]);
    assert.equal(places[width], MODEL.begins[2]);
    assert.ok(places.every((place, at) => at === 0 || place >= places[at - 1]));
  }
});

test("ticks are round and not too many", () => {
  assert.deepEqual(ticks({ a: 3, b: 47 }, 5), [10, 20, 30, 40]);
  assert.ok(ticks({ a: 0, b: 1234567 }, 8).length <= 9);
});

test("turning to the other axis keeps the events in view", () => {
  const time = converted(MODEL, ORDER, { a: 2, b: 5 });
  assert.deepEqual(time, { a: 200, b: 401 });
  assert.deepEqual(converted(MODEL, TIME, time), { a: 2, b: 5 });
  assert.equal(converted(MODEL, TIME, { a: 9000, b: 9001 }), null);
});
