import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { bytesOf, columnsOf, inflated, unpacked } from "../../racepage/report/viewer/decode.mjs";

const raw = { name: "x", count: 3, coding: "raw", base: 0, planes: 1, wide: false };

test("base64 is bytes", () => {
  assert.deepEqual([...bytesOf("AAEC/w==")], [0, 1, 2, 255]);
});

test("what zlib deflated is inflated", async () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 7);
  assert.deepEqual(await inflated(deflateSync(bytes)), bytes);
});

test("a raw value is the base and its planes, the low one first", () => {
  const values = unpacked({ ...raw, base: -1, planes: 2 }, Uint8Array.of(0, 1, 255, 0, 0, 1));
  assert.deepEqual([...values], [-1, 0, 510]);
});

test("differences are zigzag and add up", () => {
  const values = unpacked({ ...raw, coding: "delta", base: 10 }, Uint8Array.of(0, 1, 4));
  assert.deepEqual([...values], [10, 9, 11]);
});

test("a wide value is exact beyond 32 bits", () => {
  const values = unpacked(
    { ...raw, count: 1, planes: 6, wide: true },
    Uint8Array.of(1, 0, 0, 0, 0, 128),
  );
  assert.equal(values[0], 128 * 2 ** 40 + 1);
});

test("a column that is cut off is said to be damaged", () => {
  assert.throws(() => unpacked(raw, Uint8Array.of(1, 2)), /column x is damaged/);
});

test("an empty column is empty", () => {
  assert.equal(unpacked({ ...raw, count: 0 }, new Uint8Array(0)).length, 0);
});

test("columns come by their names", async () => {
  const text = deflateSync(Uint8Array.of(1, 2, 3)).toString("base64");
  const columns = await columnsOf([raw], () => text);
  assert.deepEqual([...columns.x], [1, 2, 3]);
});
