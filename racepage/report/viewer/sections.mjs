// Critical sections and waits: what a lane shows beneath its events.
//
// Sections of one thread may overlap without being nested (lock a, lock b, unlock a, unlock b), so
// each goes to the first level on which it meets no other one; within a level they are in order and
// disjoint, which is what drawing and hitting ask for.

export const TRYFAIL = 2,
  INNER = 32,
  REFUSED = 128;
const NOTHING = TRYFAIL | INNER | REFUSED;

/** For each thread its levels: arrays `start`, `end` (events), `lock`, `write` of one length. */
export function sectionsOf(model) {
  const { op, thread, target, flags } = model.columns;
  const { lock, rlock, unlock, runlock } = model.number;
  const found = model.facts.threads.map(() => []);
  const open = new Map();
  for (let event = 0; event < model.count; event++) {
    const what = op[event];
    if (
      (what !== lock && what !== rlock && what !== unlock && what !== runlock) ||
      flags[event] & NOTHING
    )
      continue;
    const holders = open.get(target[event]) ?? [];
    if (what === lock || what === rlock) {
      const section = { start: event, end: -1, lock: target[event], write: what === lock };
      found[thread[event]].push(section);
      holders.push({ thread: thread[event], section });
      open.set(target[event], holders);
    } else {
      // A plain lock may be released by another thread: then whoever holds it does no longer. What is
      // held to read, only its holder gives back.
      const mode = (one) => one.section.write === (what === unlock);
      const mine = holders.findLastIndex((one) => one.thread === thread[event] && mode(one));
      const whose = mine < 0 && what === unlock ? holders.findLastIndex(mode) : mine;
      const [ended] = whose < 0 ? [] : holders.splice(whose, 1);
      if (ended) ended.section.end = event;
    }
  }
  return found.map((sections, of) => levelled(sections, lastOf(model, of)));
}

function lastOf(model, thread) {
  const high = model.begins[thread + 1];
  return high > model.begins[thread] ? model.order[high - 1] : -1;
}

function levelled(sections, last) {
  const levels = [];
  for (const section of sections) {
    const end = section.end < 0 ? last : section.end;
    let level = levels.find((one) => one.end.length === 0 || one.end.at(-1) < section.start);
    if (!level) levels.push((level = { start: [], end: [], lock: [], write: [] }));
    level.start.push(section.start);
    level.end.push(end);
    level.lock.push(section.lock);
    level.write.push(section.write);
  }
  return levels;
}

/** For each thread where it waited: `start` and `end` events, and what for. */
export function waitsOf(model) {
  const { op, thread, target } = model.columns;
  const waits = model.facts.threads.map(() => ({ start: [], end: [], target: [] }));
  const { block } = model.number;
  for (let event = 0; event < model.count; event++) {
    if (op[event] !== block) continue;
    const next = model.rank[event] + 1;
    const mine = waits[thread[event]];
    mine.start.push(event);
    mine.end.push(next < model.begins[thread[event] + 1] ? model.order[next] : -1);
    mine.target.push(target[event]);
  }
  return waits;
}

/** The locks that the event's thread holds at the event: `{lock, write, start}`. */
export function heldAt(levels, event) {
  const held = [];
  for (const { start, end, lock, write } of levels) {
    let low = 0,
      high = start.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (start[middle] < event) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && end[low - 1] >= event)
      held.push({ lock: lock[low - 1], write: write[low - 1], start: start[low - 1] });
  }
  return held.sort((a, b) => a.start - b.start);
}
