import assert from "node:assert/strict";
import { test } from "node:test";

import { future, past, route } from "../../racepage/report/viewer/cones.mjs";
import { traceOf } from "./traces.mjs";

// a: 0 2 6    b: 1 3 5    c: 4 7     arrows 0 -> 3, 3 -> 4, 5 -> 6
const ROWS = ["a", "b", "a", "b", "c", "b", "a", "c"].map((thread) => [
  thread,
  "read",
  "page:0",
  0,
  1,
]);
const MODEL = traceOf(ROWS, {
  arrows: [
    [0, 3],
    [3, 4],
    [5, 6],
  ],
});

test("what happens before an event comes through arrows and along threads", () => {
  assert.deepEqual([...past(MODEL, 7).known], [0, 3, 7]);
  assert.deepEqual([...past(MODEL, 6).known], [6, 5, -1]);
});

test("an arrow that ends after the event says nothing of it", () => {
  assert.deepEqual([...past(MODEL, 1).known], [-1, 1, -1]);
});

test("what an event happens before is the mirror of that", () => {
  for (let one = 0; one < MODEL.count; one++) {
    const first = future(MODEL, one);
    for (let other = 0; other < MODEL.count; other++) {
      const after = first[MODEL.columns.thread[other]] <= other;
      const before = past(MODEL, other).known[MODEL.columns.thread[one]] >= one;
      assert.equal(after, before, `${one} and ${other}`);
    }
  }
});

test("the way that knowledge went is told arrow by arrow", () => {
  assert.deepEqual(route(MODEL, past(MODEL, 7), 0, 7), [0, 1]);
  assert.deepEqual(route(MODEL, past(MODEL, 1), 0, 1), []);
});
