import assert from "node:assert/strict";
import { test } from "node:test";

import {
  LIFE,
  READ,
  SYNC,
  WRITE,
  eventsOnPage,
  pageOf,
  rangeOf,
} from "../../racepage/report/viewer/model.mjs";
import { findingOf, sideOf, traceOf } from "./traces.mjs";

const ROWS = [
  ["a", "alloc", "page:0", 0, 4096],
  ["b", "read", "page:0", 0, 8],
  ["a", "write", "page:1", 8, 16],
  ["b", "lock", "lock:m"],
  ["a", "read", "page:0", 0, 0],
];

test("events of a thread stand together, in their order", () => {
  const { order, begins, rank } = traceOf(ROWS);
  assert.deepEqual([...order], [0, 2, 4, 1, 3]);
  assert.deepEqual([...begins], [0, 3, 5]);
  assert.deepEqual([...rank], [0, 3, 1, 4, 2]);
});

test("sums count each sort along a thread", () => {
  const { sums } = traceOf(ROWS);
  assert.deepEqual([...sums[LIFE]], [0, 1, 1, 1, 1, 1]);
  assert.deepEqual([...sums[WRITE]], [0, 0, 1, 1, 1, 1]);
  assert.deepEqual([...sums[READ]], [0, 0, 0, 1, 2, 2]);
  assert.deepEqual([...sums[SYNC]], [0, 0, 0, 0, 0, 1]);
});

test("racing events and the sides of findings are marked", () => {
  const { marked } = traceOf(ROWS, {
    racy: [2],
    findings: [findingOf({ first: sideOf(1), second: sideOf(2) })],
  });
  assert.deepEqual([...marked], [0, 1, 1, 0, 0]);
});

test("an event knows the findings that name it", () => {
  const { findingsOf } = traceOf(ROWS, {
    findings: [
      findingOf({ first: sideOf(1), second: sideOf(2), related: [0] }),
      findingOf({ second: sideOf(2) }),
    ],
  });
  assert.deepEqual(findingsOf.get(2), [0, 1]);
  assert.deepEqual(findingsOf.get(0), [0]);
  assert.equal(findingsOf.get(3), undefined);
});

test("events on a page are those of its bytes and its life", () => {
  const model = traceOf(ROWS);
  assert.deepEqual([...eventsOnPage(model, 0)], [0, 1, 4]);
  assert.deepEqual([...eventsOnPage(model, 1)], [2]);
});

test("an access has bytes and a page, a lock has neither", () => {
  const model = traceOf(ROWS);
  assert.deepEqual(rangeOf(model, 2), [8, 16]);
  assert.equal(rangeOf(model, 3), null);
  assert.equal(pageOf(model, 1), 0);
  assert.equal(pageOf(model, 3), null);
});

test("a trace without times has none", () => {
  assert.equal(traceOf(ROWS).time, null);
});

test("events without a time lie evenly between those of their thread", () => {
  const rows = Array.from({ length: 6 }, () => ["a", "read", "page:0", 0, 1]);
  assert.deepEqual(
    [...traceOf(rows, { times: { 1: 100, 4: 130 } }).time],
    [100, 100, 110, 120, 130, 130],
  );
});

test("the times of a thread never go back", () => {
  const rows = Array.from({ length: 3 }, () => ["a", "read", "page:0", 0, 1]);
  assert.deepEqual([...traceOf(rows, { times: { 0: 50, 1: 20, 2: 60 } }).time], [50, 50, 60]);
});

test("another thread's times are another's", () => {
  const rows = [
    ["a", "read", "page:0", 0, 1],
    ["b", "read", "page:0", 0, 1],
    ["a", "read", "page:0", 0, 1],
  ];
  assert.deepEqual([...traceOf(rows, { times: { 0: 10, 1: 500, 2: 20 } }).time], [10, 500, 20]);
});
