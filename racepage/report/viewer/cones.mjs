// What happens before an event, and what after it: its two cones.
//
// Arrows stand ascending by where they end. Going through them backwards from an event, an arrow
// counts when its end is known already; then so is its start, and all before that in its thread.
// Whatever is in neither cone is unordered with the event: that is where races live.

import { lowerBound } from "./search.mjs";

/** For each thread the last event that happens before `event` (its own: itself), -1 for none; and
 * the arrow through which that came to be known, -1 for none. */
export function past(model, event) {
  const { thread, arrowTo } = model.columns;
  const threads = model.facts.threads.length;
  const known = new Int32Array(threads).fill(-1);
  const through = new Int32Array(threads).fill(-1);
  known[thread[event]] = event;
  for (let at = lowerBound(arrowTo, event + 1) - 1; at >= 0; at--) {
    const from = model.arrowFrom[at];
    if (arrowTo[at] <= known[thread[arrowTo[at]]] && from > known[thread[from]]) {
      known[thread[from]] = from;
      through[thread[from]] = at;
    }
  }
  return { known, through };
}

/** For each thread the first event that `event` happens before (its own: itself); `count` for none. */
export function future(model, event) {
  const { thread, arrowTo } = model.columns;
  const first = new Int32Array(model.facts.threads.length).fill(model.count);
  first[thread[event]] = event;
  for (const at of model.arrowsByFrom) {
    const from = model.arrowFrom[at];
    if (from >= first[thread[from]] && arrowTo[at] < first[thread[arrowTo[at]]])
      first[thread[arrowTo[at]]] = arrowTo[at];
  }
  return first;
}

/** The arrows by which the last known event of `thread` comes to `event`, in their order. */
export function route(model, { known, through }, thread, event) {
  const steps = [];
  const seen = new Set();
  let here = thread;
  while (
    known[here] >= 0 &&
    here !== model.columns.thread[event] &&
    through[here] >= 0 &&
    !seen.has(here)
  ) {
    seen.add(here);
    steps.push(through[here]);
    here = model.columns.thread[model.columns.arrowTo[through[here]]];
  }
  return steps;
}
