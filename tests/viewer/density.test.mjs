import assert from "node:assert/strict";
import { test } from "node:test";

import {
  addTile,
  amount,
  densitiesOf,
  gridOf,
  lacking,
  levelFor,
  levelsOf,
  upTo,
} from "../../racepage/report/viewer/density.mjs";
import { READ, WRITE } from "../../racepage/report/viewer/model.mjs";
import { talliesOf } from "../../racepage/report/viewer/tally.mjs";
import { traceOf } from "./traces.mjs";

/** Counts of two threads in four buckets: of thread 0 its reads, of thread 1 its writes. */
function counts(reads, writes, buckets = 4) {
  const all = new Int32Array(6 * 2 * buckets);
  all.set(reads, 0);
  all.set(writes, (2 + 1) * buckets);
  all.set([1], 11 * buckets + Math.min(2, buckets - 1)); // one marked, of thread 1 in bucket 2
  return all;
}
const grid = () =>
  gridOf({ begin: 0, width: 8, buckets: 4 }, counts([8, 4, 0, 2], [0, 4, 8, 6]), 2);
const levels = (tile = 2) => {
  const base = grid();
  base.last = 30;
  return levelsOf(base, tile);
};

test("a stretch has what its buckets have, and of a part of one its share", () => {
  const found = levels();
  assert.equal(amount(found, READ, 0, 0, 32), 14);
  assert.equal(amount(found, READ, 0, 0, 8), 8);
  assert.equal(amount(found, READ, 0, 4, 12), 4 + 2);
  assert.equal(amount(found, READ, 0, 9, 10), 0.5);
  assert.equal(amount(found, WRITE, 1, 16, 100), 14);
  assert.equal(amount(found, WRITE, 0, 0, 32), 0);
});

test("all threads together are counted, and the marked apart from them", () => {
  const found = grid();
  assert.deepEqual([...found.all], [0, 8, 16, 24, 32]);
  assert.deepEqual([...found.marked], [0, 0, 0, 1, 1]);
  assert.equal(upTo(found, found.all, 0, 12), 12);
});

test("the level for a view has buckets as wide as a pixel", () => {
  const found = levels();
  assert.equal(levelFor(found, { a: 0, b: 32 }, 16, 0), 1);
  assert.equal(levelFor(found, { a: 0, b: 32 }, 100, 0), 0);
  assert.equal(levelFor(found, { a: 0, b: 32 }, 100, 2), 2);
  assert.equal(levelFor(found, { a: 0, b: 32 }, 4, 0), null); // the base is as fine
});

test("the tiles of a view are asked for once", () => {
  const found = levels();
  assert.deepEqual(lacking(found, { a: 0, b: 32 }), []);
  found.shift = 2; // tiles of two buckets of four events
  assert.deepEqual(lacking(found, { a: 9, b: 17 }), [
    [2, 1],
    [2, 2],
  ]);
  addTile(found, [2, 1], { buckets: 2 }, { counts: counts([1, 3], [4, 0], 2) });
  assert.deepEqual(lacking(found, { a: 9, b: 17 }), [[2, 2]]);
  // There is nothing beyond the end.
  assert.deepEqual(lacking(found, { a: 25, b: 99 }), [[2, 3]]);
});

test("where there is a tile it is what counts", () => {
  const found = levels();
  found.shift = 2;
  addTile(found, [2, 1], { buckets: 2 }, { counts: counts([1, 3], [4, 0], 2) });
  assert.equal(amount(found, READ, 0, 8, 12), 1);
  assert.equal(amount(found, READ, 0, 12, 16), 3);
  assert.equal(amount(found, READ, 0, 4, 12), 4 + 1); // half of the base's first bucket before it
  found.shift = 1;
  assert.equal(amount(found, READ, 0, 8, 12), 2); // no tile of that level
});

test("tiles that came first go when there are too many", () => {
  const found = levels();
  for (const at of [0, 1, 2])
    addTile(found, [2, at], { buckets: 2 }, { counts: counts([1, 3], [4, 0], 2) }, 2);
  assert.deepEqual([...found.tiles.keys()], ["2:1", "2:2"]);
});

test("a page of all events has no density", () => {
  assert.equal(densitiesOf({ threads: [] }, {}), null);
});

const excerpt = (more = {}) =>
  traceOf(
    [
      ["a", "read", "page:0", 0, 8],
      ["b", "write", "page:0", 0, 8],
      ["b", "write", "page:0", 0, 8],
    ],
    {
      at: [0, 16, 17],
      events: 32,
      more: { density: { shift: 3, buckets: 4 }, latest: 319, ...more },
      counts: {
        density: counts([8, 4, 0, 2], [0, 4, 8, 6]),
        slow: counts([4, 4, 4, 2], [2, 4, 6, 6]),
      },
    },
  );

test("by the clock the buckets are of time", () => {
  const { order, time } = excerpt().density;
  assert.equal(amount(order, READ, 0, 0, 8), 8);
  assert.equal(amount(time, READ, 0, 0, 80), 4);
  assert.equal(order.base.last, 32);
});

test("a column counts the events that are held, and of the others the density", () => {
  const model = excerpt();
  const scene = { model, axis: "order", view: { a: 8, b: 24 }, width: 2 };
  const places = Int32Array.of(1, 1, 3);
  const of = (covered, rest = false) =>
    talliesOf(scene, { thread: 1, places, covered: Uint8Array.from(covered) }, rest);
  const some = of([0, 1]);
  assert.deepEqual([...some.total], [4, 2]);
  assert.deepEqual([...some.sorts[1]], [4, 2]); // writes
  assert.deepEqual([...some.sorts[0]], [0, 0]);
  assert.equal(some.most, 4);
  assert.deepEqual([...of([0, 0]).total], [4, 8]);
  assert.deepEqual([...of([0, 0]).marked], [0, 1]);
  assert.deepEqual([...of([0, 1], true).total], [4, 0]);
});
