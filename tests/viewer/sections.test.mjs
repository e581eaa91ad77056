import assert from "node:assert/strict";
import { test } from "node:test";

import {
  INNER,
  TRYFAIL,
  heldAt,
  sectionsOf,
  waitsOf,
} from "../../racepage/report/viewer/sections.mjs";
import { traceOf } from "./traces.mjs";

test("a section goes from its lock to its unlock", () => {
  const [levels] = sectionsOf(
    traceOf([
      ["a", "lock", "lock:m"],
      ["a", "read", "page:0", 0, 1],
      ["a", "unlock", "lock:m"],
    ]),
  );
  assert.deepEqual(levels, [{ start: [0], end: [2], lock: [0], write: [true] }]);
});

test("overlapping sections stand on levels of their own", () => {
  const rows = [
    ["a", "lock", "lock:m"],
    ["a", "rlock", "lock:n"],
    ["a", "unlock", "lock:m"],
    ["a", "runlock", "lock:n"],
    ["a", "lock", "lock:m"],
    ["a", "unlock", "lock:m"],
  ];
  const [levels] = sectionsOf(traceOf(rows));
  assert.deepEqual(
    levels.map(({ start }) => start),
    [[0, 4], [1]],
  );
  assert.deepEqual(levels[1].write, [false]);
});

test("a section that nothing ends goes on to the thread's last event", () => {
  const [levels] = sectionsOf(
    traceOf([
      ["a", "lock", "lock:m"],
      ["b", "read", "page:0", 0, 1],
      ["a", "read", "page:0", 0, 1],
    ]),
  );
  assert.deepEqual(levels[0].end, [2]);
});

test("another thread's unlock ends the holder's section", () => {
  const [holder, other] = sectionsOf(
    traceOf([
      ["a", "lock", "lock:m"],
      ["b", "unlock", "lock:m"],
      ["a", "read", "page:0", 0, 1],
    ]),
  );
  assert.deepEqual(holder[0].end, [1]);
  assert.deepEqual(other, []);
});

test("what is held to read is given back as that, and by nobody else", () => {
  const rows = [
    ["a", "rlock", "lock:m"],
    ["a", "unlock", "lock:m"],
    ["b", "runlock", "lock:m"],
    ["a", "runlock", "lock:m"],
    ["a", "read", "page:0", 0, 1],
  ];
  const [levels] = sectionsOf(traceOf(rows));
  assert.deepEqual(levels[0].end, [3]);
});

test("tries that failed and inner levels are no sections", () => {
  const rows = [
    ["a", "lock", "lock:m"],
    ["a", "lock", "lock:m"],
    ["a", "unlock", "lock:m"],
    ["a", "unlock", "lock:m"],
    ["a", "lock", "lock:n"],
  ];
  const [levels] = sectionsOf(traceOf(rows, { flags: { 1: INNER, 2: INNER, 4: TRYFAIL } }));
  assert.deepEqual(
    levels.map(({ start, end }) => [start, end]),
    [[[0], [3]]],
  );
});

test("an event holds the locks whose sections it is inside", () => {
  const rows = [
    ["a", "lock", "lock:m"],
    ["a", "lock", "lock:n"],
    ["a", "read", "page:0", 0, 1],
    ["a", "unlock", "lock:n"],
    ["a", "unlock", "lock:m"],
  ];
  const [levels] = sectionsOf(traceOf(rows));
  assert.deepEqual(
    heldAt(levels, 2).map(({ start }) => start),
    [0, 1],
  );
  assert.deepEqual(heldAt(levels, 0), []);
  assert.deepEqual(
    heldAt(levels, 4).map(({ start }) => start),
    [0],
  );
});

test("a wait goes on until its thread does something", () => {
  const waits = waitsOf(
    traceOf([
      ["a", "block", "lock:m"],
      ["b", "read", "page:0", 0, 1],
      ["a", "lock", "lock:m"],
      ["b", "block", "lock:m"],
    ]),
  );
  assert.deepEqual(waits[0], { start: [0], end: [2], target: [0] });
  assert.deepEqual(waits[1].end, [-1]);
});
