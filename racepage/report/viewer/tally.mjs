// How many events of which sorts each column of pixels of a lane stands for.

import { ORDER } from "./axis.mjs";
import { MARKED, amount } from "./density.mjs";
import { LIFE, READ, SYNC, WRITE } from "./model.mjs";

/** The sorts that are drawn, with the names of their colours. */
export const SORTS = [
  [READ, "read"],
  [WRITE, "write"],
  [LIFE, "life"],
  [SYNC, "sync"],
];

/** For each column: `total`, `sorts` (one list for each of SORTS), and `marked`; `most` is the
 * largest total. What the page holds is counted, and the rest taken from its densities.
 *
 * `places` has where in the model's `order` each column begins, `covered` which ones are held as a
 * whole; with `rest`, only the others are looked at. */
export function talliesOf(scene, { thread, places, covered }, rest = false) {
  const { model, axis, view, width } = scene;
  const total = new Float32Array(width),
    marked = new Float32Array(width);
  const sorts = SORTS.map(() => new Float32Array(width));
  const levels = model.density?.[axis === ORDER ? "order" : "time"];
  const step = (view.b - view.a) / width;
  let most = 0;
  for (let column = 0; column < width; column++) {
    if (covered[column]) {
      if (rest) continue;
      const low = places[column],
        high = places[column + 1];
      if (low === high) continue;
      total[column] = high - low;
      marked[column] = model.sums[MARKED][high] - model.sums[MARKED][low];
      for (let at = 0; at < sorts.length; at++) {
        const sum = model.sums[SORTS[at][0]];
        sorts[at][column] = sum[high] - sum[low];
      }
    } else if (levels) {
      const from = view.a + column * step;
      let sum = 0;
      for (let sort = 0; sort < MARKED; sort++)
        sum += amount(levels, sort, thread, from, from + step);
      if (sum === 0) continue;
      total[column] = sum;
      marked[column] = amount(levels, MARKED, thread, from, from + step);
      for (let at = 0; at < sorts.length; at++)
        sorts[at][column] = amount(levels, SORTS[at][0], thread, from, from + step);
    }
    if (total[column] > most) most = total[column];
  }
  return { total, sorts, marked, most };
}
