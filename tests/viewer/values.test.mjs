import assert from "node:assert/strict";
import { test } from "node:test";

import { rowsOf } from "../../racepage/report/viewer/values.mjs";

const bytes = (...numbers) => numbers.map((one) => one.toString(16).padStart(2, "0")).join("");

test("only rows that changed are told, from where they begin", () => {
  const old = bytes(...Array(40).fill(1));
  const now = bytes(...Array(20).fill(1), 9, ...Array(19).fill(1));
  const { rows, more } = rowsOf(old, now, 100);
  assert.deepEqual(
    rows.map(({ at }) => at),
    [116],
  );
  assert.equal(rows[0].now[4], "09");
  assert.equal(more, 0);
});

test("of many rows the first are told, and the bytes of the others counted", () => {
  const { rows, more } = rowsOf(bytes(...Array(40).fill(1)), bytes(...Array(40).fill(2)), 0, 2);
  assert.equal(rows.length, 2);
  assert.equal(more, 8);
});

test("what was not recorded is no change", () => {
  const { rows } = rowsOf(null, bytes(1, 2), 8);
  assert.deepEqual(rows, [{ at: 8, old: [], now: ["01", "02"] }]);
});
