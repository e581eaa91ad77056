// Begins a page that has a server: asks it for finer counts, and for events, as one looks closer.
//
// The page holds one window of events at a time beside those that it began with: the one that is in
// view. By the clock it shows what it has.

import { ORDER } from "./axis.mjs";
import { failed, modelInPage } from "./begin.mjs";
import { rowAt, rowOf } from "./cover.mjs";
import { columnsOf } from "./decode.mjs";
import { addTile, lacking, levelFor } from "./density.mjs";
import { byId } from "./dom.mjs";
import { modelOf } from "./model.mjs";
import { show } from "./view.mjs";

const REST = 120; // milliseconds that a view has to stay

async function start() {
  const model = await modelInPage();
  const shown = show(model, (event) => asker.bring(event));
  const asker = askerOf(model, shown);
  shown.focus.tell(asker.later);
  asker.later();
}

/** What a page that looks at [a, b) asks for next: rows [from, to), or null where it has them all. */
export function windowFor(model, { a, b }, most) {
  const { events } = model.facts;
  const [from, to] = [Math.max(0, Math.floor(a)), Math.min(events, Math.ceil(b))];
  if (to - from > most / 2 || from >= to) return null;
  if (rowAt(model, to) - rowAt(model, from) === to - from) return null;
  // As much on either side, so that moving on a little needs nothing new.
  const room = Math.floor((most - (to - from)) / 2);
  return { from: Math.max(0, from - room), to: Math.min(events, to + room) };
}

/** What the facts say after an answer to `rows`: its tables beside those that were there. */
export function joined(told, { targets, sites, frames }) {
  const known = [...told.frames];
  const added = {};
  for (const [site, numbers] of Object.entries(sites)) {
    if (site in told.sites) continue;
    added[site] = numbers.map((frame) => known.push(frames[frame]) - 1);
  }
  return {
    ...told,
    targets: { ...told.targets, ...targets },
    sites: { ...told.sites, ...added },
    frames: known,
  };
}

function askerOf(model, shown) {
  const { live } = model.facts;
  const levels = model.density.order;
  let waits = 0,
    wanted = null,
    busy = false,
    again = false;

  const ask = async (path, query) => {
    const answer = await fetch(`${path}?${new URLSearchParams(query)}`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`the server says ${answer.status}`);
    const told = await answer.json();
    const texts = new Map(told.columns.map(({ name, text }) => [name, text]));
    return [told, await columnsOf(told.columns, (name) => texts.get(name))];
  };

  const bringRows = async ({ from, to }, event) => {
    const single = event === null ? {} : { event };
    const [told, columns] = await ask("rows", { from, to, ...single });
    const { heat, last } = model.columns;
    const old = model.at;
    const next = modelOf(joined(model.told, told), { ...columns, heat, last }, model.density);
    Object.assign(model, next, { starters: undefined, onPages: undefined });
    shown.renew((row) => {
      const now = rowOf(model, old[row]);
      if (now >= 0) return now;
      bring(old[row]); // chosen after the question was asked
      return null;
    });
  };

  const look = async () => {
    if (wanted !== null) await bringWanted();
    const { axis, event } = shown.focus.now;
    if (axis !== ORDER) return;
    const view = shown.timeline.viewNow();
    const rows = windowFor(model, view, live.window);
    if (rows) await bringRows(rows, event === null ? null : model.at[event]);
    if (view.b - view.a <= live.window / 2) return; // every event is there
    levels.shift = levelFor(levels, view, innerWidth, live.finest);
    for (const tile of lacking(levels, view)) {
      const [told, columns] = await ask("tile", { shift: tile[0], at: tile[1] });
      addTile(levels, tile, told, columns);
      shown.timeline.redraw();
    }
  };

  /** Look at an event of the trace that the page did not hold. */
  const bringWanted = async () => {
    const { events } = model.facts;
    const number = wanted;
    wanted = null;
    const from = Math.max(0, number - live.window / 4);
    const to = Math.min(events, number + live.window / 4);
    await bringRows({ from, to }, number);
    shown.go({ event: rowOf(model, number) });
    if (shown.focus.now.a === null) shown.timeline.frame(true);
  };

  /** One at a time; what changed meanwhile is looked at afterwards. */
  const work = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const { dataset } = document.documentElement;
    try {
      await look();
    } catch (error) {
      const told = `No more comes from the server (${error.message}): this is what came`;
      byId("held").textContent = told;
    }
    busy = false;
    dataset.asked = String(Number(dataset.asked ?? 0) + 1);
    if (again) {
      again = false;
      later();
    }
  };

  const later = () => {
    clearTimeout(waits);
    waits = setTimeout(work, REST);
  };

  const bring = (number) => {
    wanted = number;
    later();
  };

  return { later, bring };
}

if (typeof document !== "undefined") start().catch(failed);
