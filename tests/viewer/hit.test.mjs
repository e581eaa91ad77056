import assert from "node:assert/strict";
import { test } from "node:test";

import { ORDER } from "../../racepage/report/viewer/axis.mjs";
import { hit } from "../../racepage/report/viewer/hit.mjs";
import { BAND, LEVEL, laneAt, lanesOf, levelTop } from "../../racepage/report/viewer/lanes.mjs";
import { sectionsOf } from "../../racepage/report/viewer/sections.mjs";
import { traceOf } from "./traces.mjs";

const ROWS = [
  ["a", "lock", "lock:m"],
  ["b", "read", "page:0", 0, 8],
  ["a", "write", "page:0", 0, 8],
  ["a", "unlock", "lock:m"],
];
const MODEL = traceOf(ROWS);
const SECTIONS = sectionsOf(MODEL);
const LANES = lanesOf(SECTIONS);
const SCREEN = { axis: ORDER, view: { a: 0, b: 4 }, width: 400 };
const at = (event) => (event + 0.5) * 100;
const band = (lane) => LANES.of[lane].band + BAND / 2;

test("a lane with sections is higher, and lanes do not overlap", () => {
  assert.equal(LANES.of[0].height - LANES.of[1].height, 3 + LEVEL);
  assert.equal(LANES.of[1].top, LANES.of[0].top + LANES.of[0].height);
  assert.equal(LANES.height, LANES.of[1].top + LANES.of[1].height);
});

test("the threads that are looked at can come first", () => {
  const { of, order, height } = lanesOf(SECTIONS, [1]);
  assert.deepEqual(order, [1, 0]);
  assert.equal(of[1].top, 0);
  assert.equal(of[0].top, of[1].height);
  assert.equal(height, LANES.height);
  assert.equal(laneAt({ of, order }, of[0].top), 1);
});

test("a height belongs to one lane, or to none", () => {
  assert.equal(laneAt(LANES, 0), 0);
  assert.equal(laneAt(LANES, LANES.of[1].top), 1);
  assert.equal(laneAt(LANES, LANES.height), -1);
  assert.equal(laneAt(LANES, -1), -1);
});

test("a point on an event is that event of that lane", () => {
  assert.equal(hit(MODEL, SECTIONS, LANES, SCREEN, at(2), band(0)).event, 2);
  assert.equal(hit(MODEL, SECTIONS, LANES, SCREEN, at(1), band(1)).event, 1);
});

test("a point far from every event of its lane is none", () => {
  assert.equal(hit(MODEL, SECTIONS, LANES, SCREEN, at(3), band(1)).event, -1);
});

test("a point beneath is the section there", () => {
  const found = hit(MODEL, SECTIONS, LANES, SCREEN, at(2), levelTop(LANES.of[0], 0) + 2);
  assert.deepEqual(found.section, { start: 0, end: 3, lock: 0, write: true });
  assert.equal(found.event, 0);
});

test("among many events within reach the racing one is meant", () => {
  const rows = Array.from({ length: 1000 }, () => ["a", "read", "page:0", 0, 1]);
  const model = traceOf(rows, { racy: [502] });
  const sections = sectionsOf(model),
    lanes = lanesOf(sections);
  const screen = { axis: ORDER, view: { a: 0, b: 1000 }, width: 500 };
  const y = lanes.of[0].band + 4;
  assert.equal(hit(model, sections, lanes, screen, 249, y).event, 502);
  assert.ok(Math.abs(hit(model, sections, lanes, screen, 100, y).event - 200) <= 1);
});
