import assert from "node:assert/strict";
import { test } from "node:test";

import { ORDER, columnsOfLane, converted, extentOf, positionOf } from "../../racepage/report/viewer/axis.mjs";
import {
  coveredInOrder,
  coveredInTime,
  rowAt,
  rowFrom,
  rowOf,
  together,
} from "../../racepage/report/viewer/cover.mjs";
import { hit } from "../../racepage/report/viewer/hit.mjs";
import { lanesOf } from "../../racepage/report/viewer/lanes.mjs";
import { findingOf, sideOf, traceOf } from "./traces.mjs";

const read = (thread) => [thread, "read", "page:0", 0, 8];
// Of twenty events the page holds 0, 5 to 8, and 15.
const AT = [0, 5, 6, 7, 8, 15];
const some = (more = {}) =>
  traceOf([read("a"), read("a"), read("b"), read("a"), read("b"), read("a")], {
    at: AT,
    events: 20,
    ...more,
  });
const whole = () => traceOf(Array.from({ length: 20 }, (_, at) => read(at % 2 ? "a" : "b")));

test("a trace that is held whole is one window", () => {
  const model = whole();
  assert.equal(model.whole, true);
  assert.equal(model.gaps, null);
  assert.deepEqual([...coveredInOrder(model, { a: 0, b: 20 }, 5)], [1, 1, 1, 1, 1]);
  for (const number of [0, 7, 19]) assert.equal(rowOf(model, number), number);
});

test("an event is found by its number, or is not there", () => {
  const model = some();
  assert.equal(model.whole, false);
  assert.deepEqual([0, 5, 8, 15].map((number) => rowOf(model, number)), [0, 1, 4, 5]);
  assert.deepEqual([1, 4, 9, 16, 19].map((number) => rowOf(model, number)), [-1, -1, -1, -1, -1]);
});

test("the rows of a stretch begin with the first that is held in it", () => {
  const model = some();
  assert.deepEqual([0, 1, 5, 6, 9, 16].map((number) => rowAt(model, number)), [0, 1, 1, 2, 5, 6]);
  // An event stands in the middle of its place.
  assert.deepEqual([5.5, 5.6].map((position) => rowFrom(model, position)), [1, 2]);
});

test("findings name rows", () => {
  const model = some({
    findings: [findingOf({ first: sideOf(5), second: sideOf(15), related: [8, 9] })],
  });
  const [{ first, second, related }] = model.facts.findings;
  assert.deepEqual([first.event, second.event, related], [1, 5, [4]]);
  assert.deepEqual(model.findingsOf.get(4), [0]);
  assert.equal(model.told.findings[0].first.event, 5);
});

test("events stand where they stand in the whole trace", () => {
  const model = some();
  assert.deepEqual(extentOf(model, ORDER), { a: 0, b: 20 });
  assert.deepEqual([0, 1, 5].map((row) => positionOf(model, ORDER, row)), [0.5, 5.5, 15.5]);
  // Thread a has rows 0, 1, 3 and 5 of that order: events 0, 5, 7 and 15.
  assert.deepEqual([...columnsOfLane(model, ORDER, 0, { a: 0, b: 20 }, 4)], [0, 1, 3, 3, 4]);
});

test("columns are covered where every event of them is held", () => {
  const model = some();
  assert.deepEqual([...coveredInOrder(model, { a: 0, b: 20 }, 10)], [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...coveredInOrder(model, { a: 4, b: 10 }, 6)], [0, 1, 1, 1, 1, 0]);
});

test("columns narrower than an event are covered within windows", () => {
  const covered = [...coveredInOrder(some(), { a: 7, b: 11 }, 16)];
  // Events 7 and 8 are held: from the middle of the one to that of the other nothing is missing.
  assert.deepEqual(covered.slice(2, 6), [1, 1, 1, 1]);
  assert.deepEqual(covered.slice(8), [0, 0, 0, 0, 0, 0, 0, 0]);
});

test("by the clock, what lies between windows is not covered", () => {
  const times = Object.fromEntries(AT.map((number, row) => [row, number * 10]));
  const model = some({ times });
  // Thread a: 0, 50, 70 and 150 ns; between 50 and 70 it has nothing that is not held.
  assert.deepEqual([...model.gaps[0]], [1, 3]);
  assert.deepEqual([...coveredInTime(model, 0, { a: 0, b: 160 }, 16)].slice(4, 8), [0, 1, 1, 0]);
  assert.deepEqual([...coveredInTime(model, 1, { a: 0, b: 160 }, 16)], Array(16).fill(1));
});

test("nothing is missing between rows whose numbers follow each other", () => {
  const model = some();
  assert.equal(together(model, 1, 4), true);
  assert.equal(together(model, 0, 1), false);
});

test("a view of the other axis shows what is held nearest", () => {
  const times = Object.fromEntries(AT.map((number, row) => [row, number * 10]));
  const model = some({ times });
  assert.deepEqual(converted(model, ORDER, { a: 5, b: 9 }), { a: 50, b: 81 });
  assert.deepEqual(converted(model, ORDER, { a: 10, b: 12 }), { a: 80, b: 151 });
  assert.deepEqual(converted(model, "time", { a: 50, b: 81 }), { a: 5, b: 9 });
});

test("a pointer hits what is held, where it stands", () => {
  const model = some();
  const lanes = lanesOf(model.sections);
  const at = (position) =>
    hit(model, model.sections, lanes, { axis: ORDER, view: { a: 0, b: 20 }, width: 400 }, position * 20, 15);
  assert.equal(at(5.5).event, 1);
  assert.equal(at(15.4).event, 5);
  assert.equal(at(11).event, -1);
});
