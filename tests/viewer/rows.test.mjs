import assert from "node:assert/strict";
import { test } from "node:test";

import { chosen, recordsOf } from "../../racepage/report/viewer/rows.mjs";
import { findingOf, sideOf, traceOf } from "./traces.mjs";

const ROWS = [
  ["t1", "write", "page:0", 0, 8],
  ["t2", "read", "page:0", 4, 12],
  ["t10", "free", "page:0", 0, 4096],
];
const FINDINGS = [
  findingOf({ page: 0, overlap: [4, 8], first: sideOf(0), second: sideOf(1), count: 3 }),
  findingOf({
    kind: "free-race",
    rule: "RP003",
    page: 0,
    first: sideOf(1),
    second: sideOf(2),
    count: 20,
  }),
  findingOf({
    kind: "program-error",
    rule: "RP013",
    message: "ValueError: no",
    suppressed: "known",
  }),
];
const RECORDS = recordsOf(traceOf(ROWS, { findings: FINDINGS }));

test("without a query all are there, in their order", () => {
  assert.deepEqual(chosen(RECORDS, "", "number"), [0, 1, 2]);
});

test("every word has to be there, in any case", () => {
  assert.deepEqual(chosen(RECORDS, "T2 Free-Race", "number"), [1]);
  assert.deepEqual(chosen(RECORDS, "page:0[4:8]", "number"), [0]);
  assert.deepEqual(chosen(RECORDS, "t2 nowhere", "number"), []);
});

test("a word with a minus must not be there", () => {
  assert.deepEqual(chosen(RECORDS, "-suppressed", "number"), [0, 1]);
  assert.deepEqual(chosen(RECORDS, "-", "number"), [0, 1, 2]);
});

test("counts sort as numbers, and both ways", () => {
  assert.deepEqual(chosen(RECORDS, "", "count"), [2, 0, 1]);
  assert.deepEqual(chosen(RECORDS, "", "-count"), [1, 0, 2]);
});

test("threads sort as people count", () => {
  assert.deepEqual(chosen(RECORDS, "-suppressed", "second"), [0, 1]);
});

test("a finding without sides is a row, too", () => {
  assert.equal(RECORDS[2].first.text, "");
});
