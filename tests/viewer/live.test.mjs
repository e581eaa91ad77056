import assert from "node:assert/strict";
import { test } from "node:test";

import { joined, windowFor } from "../../racepage/report/viewer/live.mjs";
import { traceOf } from "./traces.mjs";

const model = traceOf(
  Array.from({ length: 11 }, () => ["a", "read", "page:0", 0, 8]),
  { at: [0, ...Array.from({ length: 10 }, (_, row) => 40 + row)], events: 100 },
);

test("a view that is held asks for nothing", () => {
  assert.equal(windowFor(model, { a: 40, b: 50 }, 20), null);
  assert.equal(windowFor(model, { a: 42.5, b: 49.5 }, 20), null);
});

test("a view that lacks an event asks for it, with room on either side", () => {
  assert.deepEqual(windowFor(model, { a: 44, b: 54 }, 20), { from: 39, to: 59 });
  assert.deepEqual(windowFor(model, { a: 60.5, b: 63.5 }, 20), { from: 52, to: 72 });
});

test("a window stays within the trace", () => {
  assert.deepEqual(windowFor(model, { a: 0, b: 4 }, 20), { from: 0, to: 12 });
  assert.deepEqual(windowFor(model, { a: 97, b: 100 }, 20), { from: 89, to: 100 });
});

test("a view that is too wide asks for no events", () => {
  assert.equal(windowFor(model, { a: 60, b: 71 }, 20), null);
});

test("places that came keep their frames, and those that were there theirs", () => {
  const told = {
    events: 100,
    targets: { 3: [0, "p", null] },
    sites: { 5: [0] },
    frames: [["a.py:1", "f", null]],
  };
  const answer = {
    targets: { 8: [4, "m", null] },
    sites: { 5: [1], 9: [1, 0] },
    frames: [
      ["b.py:2", "g", null],
      ["a.py:1", "f", null],
    ],
  };
  const { sites, frames, targets, events } = joined(told, answer);
  const named = (site) => sites[site].map((frame) => frames[frame][1]);
  assert.deepEqual([named(5), named(9)], [["f"], ["f", "g"]]);
  assert.deepEqual(Object.keys(targets), ["3", "8"]);
  assert.equal(events, 100);
  assert.equal(told.frames.length, 1);
});
