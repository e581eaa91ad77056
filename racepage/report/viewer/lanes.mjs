// Where the lanes are: one for each thread, as high as its critical sections ask.

export const BAND = 20,
  LEVEL = 11,
  LEVELS = 3;
const ABOVE = 7,
  BELOW = 6;

/** The lanes from top to bottom: `top`, `height`, and how many levels of sections are drawn. */
export function lanesOf(sections) {
  let top = 0;
  return sections.map((levels) => {
    const shown = Math.min(levels.length, LEVELS);
    const height = ABOVE + BAND + (shown ? 3 + shown * LEVEL : 0) + BELOW;
    const lane = { top, height, band: top + ABOVE, levels: shown };
    top += height;
    return lane;
  });
}

/** How high all lanes are. */
export function heightOf(lanes) {
  return lanes.length ? lanes.at(-1).top + lanes.at(-1).height : 0;
}

/** Where a level of sections begins. */
export function levelTop(lane, level) {
  return lane.band + BAND + 3 + level * LEVEL;
}

/** The lane at a height, or -1. */
export function laneAt(lanes, y) {
  let low = 0,
    high = lanes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lanes[middle].top + lanes[middle].height <= y) low = middle + 1;
    else high = middle;
  }
  return low < lanes.length && y >= lanes[low].top ? low : -1;
}
