import assert from "node:assert/strict";
import { test } from "node:test";

import { CELLS, cellsOf, historyOf, lifeOf, scaleOf } from "../../racepage/report/viewer/bytes.mjs";
import { eventsOnPage } from "../../racepage/report/viewer/model.mjs";
import { traceOf } from "./traces.mjs";

const ROWS = [
  ["a", "alloc", "page:0", 0, 4096],
  ["a", "write", "page:0", 0, 64],
  ["b", "read", "page:0", 32, 96],
  ["a", "zero", "page:0", 40, 41],
  ["a", "read", "page:0", 10, 10],
];
const MODEL = traceOf(ROWS);
const EVENTS = eventsOnPage(MODEL, 0);

test("each byte says how often it was touched, and by which event last", () => {
  const { heat, last } = historyOf(MODEL, EVENTS, 4096, Infinity);
  assert.deepEqual([heat[0], heat[32], heat[40], heat[64], heat[96]], [1, 2, 3, 1, 0]);
  assert.deepEqual([last[0], last[32], last[40], last[64], last[96]], [1, 2, 3, 2, -1]);
});

test("an earlier moment shows what was so then", () => {
  const { heat, last } = historyOf(MODEL, EVENTS, 4096, 1);
  assert.deepEqual([heat[32], last[32], last[64]], [1, 1, -1]);
});

test("what was before a life is not shown in it", () => {
  const { heat, last } = historyOf(MODEL, EVENTS, 4096, Infinity, 2);
  assert.deepEqual([heat[0], last[0], heat[32]], [0, -1, 1]);
});

test("it agrees with touching byte by byte", () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const rows = Array.from({ length: 300 }, () => {
    const start = random(4096);
    return ["a", random(2) ? "read" : "write", "page:0", start, start + random(4097 - start)];
  });
  const model = traceOf(rows);
  const { heat, last } = historyOf(model, eventsOnPage(model, 0), 4096, Infinity);
  for (let byte = 0; byte < 4096; byte += 13) {
    const touching = rows.flatMap(([, , , start, stop], event) =>
      byte >= start && byte < stop ? [event] : [],
    );
    assert.equal(heat[byte], touching.length);
    assert.equal(last[byte], touching.at(-1) ?? -1);
  }
});

test("a larger page has more bytes in a cell", () => {
  assert.equal(scaleOf(4096), 1);
  assert.equal(scaleOf(16384), 4);
  assert.equal(scaleOf(2 ** 30), 2 ** 18);
  assert.deepEqual(cellsOf(5, 9, 4), [1, 3]);
  assert.deepEqual(cellsOf(5, 5, 1), [0, 0]);
  assert.deepEqual(cellsOf(0, 2 ** 30, 2 ** 18), [0, CELLS]);
});

test("a life begins at the last allocation before", () => {
  const model = traceOf([
    ["a", "alloc", "page:0", 0, 4096],
    ["a", "free", "page:0", 0, 4096],
    ["a", "alloc", "page:0", 0, 4096],
    ["a", "read", "page:0", 0, 1],
  ]);
  assert.equal(lifeOf(model, eventsOnPage(model, 0), 3), 2);
  assert.equal(lifeOf(model, eventsOnPage(model, 0), 1), 0);
});
