// How many events lie where, counted beforehand: what the lanes show where the page has no events.
//
// A grid counts the events of every sort and thread in buckets of equal width. It keeps sums, so that
// any stretch costs two look-ups, and a part of a bucket counts in proportion. That is every level of
// a pyramid over its buckets. Below them, a page that has a server asks it for finer *tiles*.

export const PLANES = 6,
  MARKED = 5;

/** The grid of counts ([plane][thread][bucket]) of buckets `width` wide from `begin` on. */
export function gridOf({ begin, width, buckets }, counts, threads) {
  const sums = new Int32Array(PLANES * threads * (buckets + 1));
  const all = new Int32Array(buckets + 1),
    marked = new Int32Array(buckets + 1);
  for (let lane = 0; lane < PLANES * threads; lane++) {
    const whole = lane < MARKED * threads ? all : marked;
    let sum = 0;
    for (let at = 0; at < buckets; at++) {
      const count = counts[lane * buckets + at];
      sum += count;
      sums[lane * (buckets + 1) + at + 1] = sum;
      whole[at + 1] += count;
    }
  }
  for (let at = 0; at < buckets; at++) {
    all[at + 1] += all[at];
    marked[at + 1] += marked[at];
  }
  return { begin, width, buckets, threads, end: begin + width * buckets, sums, all, marked };
}

/** How many lie before a position, of the `buckets + 1` sums that begin at `low`. */
export function upTo({ begin, width, buckets }, sums, low, position) {
  const place = Math.min(Math.max((position - begin) / width, 0), buckets);
  const bucket = Math.min(Math.floor(place), buckets - 1);
  const before = sums[low + bucket];
  return before + (sums[low + bucket + 1] - before) * (place - bucket);
}

/** A grid, and the finer tiles of `tile` buckets that there are, by name; `shift` is the level that
 * is wanted now, null for the grid's own. */
export function levelsOf(base, tile = 1) {
  return { base, tile, tiles: new Map(), shift: null };
}

/** The level whose buckets are at most as wide as a pixel of a view, null for the grid's own. */
export function levelFor({ base }, { a, b }, width, finest) {
  const shift = Math.max(finest, Math.floor(Math.log2(Math.max((b - a) / width, 1))));
  return 2 ** shift < base.width ? shift : null;
}

/** The tiles of the wanted level that a view of [a, b) lacks: [shift, number]. */
export function lacking({ base, tile, tiles, shift }, { a, b }) {
  if (shift === null) return [];
  const wide = tile * 2 ** shift;
  const found = [];
  for (let at = Math.floor(Math.max(a, 0) / wide); at * wide < Math.min(b, base.last); at++)
    if (!tiles.has(tileName(shift, at))) found.push([shift, at]);
  return found;
}

/** Put in a tile of counts; of more than `most`, those that came first go. */
export function addTile({ base, tile, tiles }, [shift, at], { buckets }, { counts }, most = 64) {
  const width = 2 ** shift;
  const grid = gridOf({ begin: at * tile * width, width, buckets }, counts, base.threads);
  tiles.set(tileName(shift, at), grid);
  for (const name of [...tiles.keys()].slice(0, -most)) tiles.delete(name);
}

/** A tile's name: its level, and its number on it. */
export function tileName(shift, at) {
  return `${shift}:${at}`;
}

/** How many events of a plane and thread lie in [a, b), as exactly as is known. */
export function amount(levels, plane, thread, a, b) {
  const { base, tile, tiles, shift } = levels;
  if (shift === null || tiles.size === 0) return between(base, plane, thread, a, b);
  const wide = tile * 2 ** shift;
  let sum = 0;
  while (a < b) {
    const at = Math.floor(a / wide);
    const stop = Math.min(b, (at + 1) * wide);
    sum += between(tiles.get(tileName(shift, at)) ?? base, plane, thread, a, stop);
    a = stop;
  }
  return sum;
}

function between(grid, plane, thread, a, b) {
  const low = (plane * grid.threads + thread) * (grid.buckets + 1);
  return upTo(grid, grid.sums, low, b) - upTo(grid, grid.sums, low, a);
}

/** The densities of a page that has them: by order, and by the clock where there are times. */
export function densitiesOf({ density, events, latest, live, threads }, { density: counts, slow }) {
  if (!density) return null;
  const { shift, buckets } = density;
  const order = gridOf({ begin: 0, width: 2 ** shift, buckets }, counts, threads.length);
  order.last = events; // the last bucket may reach beyond
  const time = slow && {
    begin: 0,
    width: (latest + 1) / buckets,
    buckets,
  };
  return {
    order: levelsOf(order, live?.tile),
    time: time ? levelsOf(gridOf(time, slow, threads.length)) : null,
  };
}
