import assert from "node:assert/strict";
import { test } from "node:test";

import { START, focusOn, fromHash, toHash } from "../../racepage/report/viewer/focus.mjs";

const TRACE = { findings: 5, events: 100, pages: new Map([[7, 4096]]), timed: true };

test("everybody is told what changed, once", () => {
  const focus = focusOn();
  const told = [];
  focus.tell((now, changed) => told.push([now.event, [...changed]]));
  focus.set({ event: 3, finding: null });
  focus.set({ event: 3 });
  assert.deepEqual(told, [[3, ["event"]]]);
});

test("a change within a change is what those after it are told", () => {
  const focus = focusOn();
  const told = [];
  focus.tell((now) => now.event === 1 && focus.set({ page: 7 }));
  focus.tell((now) => told.push(now.page));
  focus.set({ event: 1 });
  assert.equal(told.at(-1), 7);
  assert.equal(focus.now.page, 7);
});

test("what the address holds is what comes back", () => {
  const now = {
    finding: 3,
    event: 99,
    page: 7,
    axis: "time",
    a: -12.5,
    b: 1e9,
    query: "RP001 -<b>&=#",
    sort: "-count",
  };
  assert.deepEqual(fromHash(`#${toHash(now)}`, TRACE), now);
});

test("the start needs no words", () => {
  assert.equal(toHash(START), "");
  assert.deepEqual(fromHash("", TRACE), START);
});

for (const [what, hash] of [
  ["a finding that is not there", "f=5"],
  ["a negative event", "e=-1"],
  ["no number", "e=0x10&f=one"],
  ["a page that is none", "p=8"],
  ["another axis", "x=sideways"],
  ["half a view", "a=3"],
  ["an upside-down view", "a=5&b=4"],
  ["a view without numbers", "a=NaN&b=Infinity"],
  ["a column that is none", "s=__proto__"],
]) {
  test(`${what} is left out`, () => assert.deepEqual(fromHash(hash, TRACE), START));
}

test("a trace without times has no time axis", () => {
  assert.equal(fromHash("x=time", { ...TRACE, timed: false }).axis, "order");
});
