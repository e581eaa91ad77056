// Where the lanes are: one for each thread, as high as its critical sections ask.

export const BAND = 20,
  LEVEL = 11,
  LEVELS = 3;
const ABOVE = 7,
  BELOW = 6;

/** The lanes: `of` has each thread's, with `top`, `height` and how many levels of sections are drawn;
 * `order` the threads from top to bottom, those of `first` before the others; `height` that of all. */
export function lanesOf(sections, first = []) {
  const threads = sections.map((_, thread) => thread);
  const order = [...first, ...threads.filter((thread) => !first.includes(thread))];
  const of = [];
  let top = 0;
  for (const thread of order) {
    const levels = Math.min(sections[thread].length, LEVELS);
    const height = ABOVE + BAND + (levels ? 3 + levels * LEVEL : 0) + BELOW;
    of[thread] = { top, height, band: top + ABOVE, levels };
    top += height;
  }
  return { of, order, height: top };
}

/** Where a level of sections begins. */
export function levelTop(lane, level) {
  return lane.band + BAND + 3 + level * LEVEL;
}

/** The place in `order` of the lane at a height, or -1. */
export function laneAt({ of, order }, y) {
  let low = 0,
    high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const lane = of[order[middle]];
    if (lane.top + lane.height <= y) low = middle + 1;
    else high = middle;
  }
  return low < order.length && y >= of[order[low]].top ? low : -1;
}
