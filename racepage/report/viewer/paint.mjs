// Drawing the lanes. Near, every event is drawn; from further away, each column of pixels says how
// many there were and of which sort. What is drawn depends on the pixels, not on the events.

import { ORDER, TIME, columnsOfLane, positionOf } from "./axis.mjs";
import { coveredInOrder, coveredInTime, rowFrom, together } from "./cover.mjs";
import { BAND, LEVEL, levelTop } from "./lanes.mjs";
import { LIFE, READ } from "./model.mjs";
import { lowerBound } from "./search.mjs";
import { SORTS, talliesOf } from "./tally.mjs";
import { called, cut, plain } from "./words.mjs";

const COUNTED = 0.5; // how strongly what is only counted is drawn
const NEAR = 2.4; // pixels an event has from which on each is drawn
const LETTERS = 34; // pixels that it has from which on it is named

/** Where a position is drawn, in pixels from the left of the lanes. */
export function xOf({ view, width }, position) {
  return ((position - view.a) / (view.b - view.a)) * width;
}

/** Draw the lanes of some threads of a scene. */
export function paintLanes(context, scene, threads) {
  const { model, axis, view, width } = scene;
  const inOrder = axis === ORDER ? coveredInOrder(model, view, width) : null;
  const shown = threads.map((thread) => ({
    thread,
    places: columnsOfLane(model, axis, thread, view, width),
    covered: inOrder ?? coveredInTime(model, thread, view, width),
  }));
  const events = shown.reduce((sum, { places }) => sum + places[width] - places[0], 0);
  const near = axis === TIME ? events < width * 0.8 : width / (view.b - view.a) >= NEAR;
  // Near, each event that is held is drawn, and what is not held is all that there is to count.
  for (const one of shown)
    one.tallies = near && model.whole ? null : talliesOf(scene, one, near);
  const most = Math.max(near ? 0 : 1, ...shown.map(({ tallies }) => tallies?.most ?? 0));
  for (const { thread, places, covered, tallies } of shown) {
    const lane = scene.lanes.of[thread];
    paintGround(context, scene, thread, lane);
    paintSections(context, scene, thread, lane);
    paintWaits(context, scene, thread, lane);
    if (tallies) paintColumns(context, scene, lane, covered, tallies, most);
    if (near) paintEvents(context, scene, thread, lane, places);
  }
}

/** The lane's own ground, its life line, and where it is unordered with what is looked at. */
function paintGround(context, scene, thread, lane) {
  const { model, ink, width, cones } = scene;
  context.fillStyle = groundOf(scene, thread);
  context.fillRect(0, lane.top, width, lane.height);
  const [low, high] = [model.begins[thread], model.begins[thread + 1]];
  if (low === high) return;
  if (cones && thread !== cones.thread) paintUnordered(context, scene, thread, lane);
  const start = clamp(xOf(scene, positionOf(model, scene.axis, model.order[low])), width);
  const end = clamp(xOf(scene, positionOf(model, scene.axis, model.order[high - 1])), width);
  context.fillStyle = ink.line;
  context.fillRect(start, lane.band + BAND - 1, Math.max(end - start, 1), 1);
}

function groundOf({ lanes, chosen, ink }, thread) {
  if (thread === chosen) return ink.chosen;
  return lanes.order.indexOf(thread) % 2 ? ink.stripe : ink.panel;
}

/** From after the last that happens before what is looked at, to before the first that happens after.
 * Where events are missing there, only what is certain: between the events that are held. */
function paintUnordered(context, scene, thread, lane) {
  const { model, axis, cones, width } = scene;
  const half = axis === ORDER ? 0.5 : 0;
  const known = cones.past.known[thread],
    next = cones.future[thread];
  const first = known < 0 ? model.begins[thread] : model.rank[known] + 1;
  const last = (next >= model.count ? model.begins[thread + 1] : model.rank[next]) - 1;
  if (first > last && !model.whole) return;
  const [begin, end] = [model.order[first], model.order[last]];
  const from =
    known < 0 || !(model.whole || together(model, known, begin))
      ? positionOf(model, axis, begin) - half
      : positionOf(model, axis, known) + half;
  const to =
    next >= model.count || !(model.whole || together(model, end, next))
      ? positionOf(model, axis, end) + half
      : positionOf(model, axis, next) - half;
  const [left, right] = [from, to].map((position) => clamp(xOf(scene, position), width));
  if (right - left < 0.5) return;
  context.fillStyle = scene.ink.unordered;
  context.fillRect(left, lane.top, right - left, lane.height);
}

function clamp(x, width) {
  return Math.min(Math.max(x, 0), width);
}

function paintEvents(context, scene, thread, lane, places) {
  const { model, ink, view, width } = scene;
  const { op } = model.columns;
  const room = scene.axis === ORDER ? width / (view.b - view.a) : 4;
  const across = Math.max(Math.min(room - (room > 5 ? 1.5 : 0.4), 84), 1.6);
  const named = across >= LETTERS;
  context.font = `11px ${ink.font}`;
  context.textBaseline = "middle";
  context.textAlign = "center";
  const high = Math.min(places[width] + 1, model.begins[thread + 1]);
  for (let at = Math.max(places[0] - 1, model.begins[thread]); at < high; at++) {
    const event = model.order[at];
    const sort = model.sort[op[event]];
    const x = xOf(scene, positionOf(model, scene.axis, event)) - across / 2;
    const touches = sort <= LIFE;
    const low = touches ? 0 : named ? 2 : 6;
    context.fillStyle = ink[SORTS[sort]?.[1] ?? "other"];
    context.globalAlpha = named && !touches ? 0.3 : 1;
    rounded(context, x, lane.band + low, across, BAND - 2 * low, across > 6 ? 2.5 : 0);
    context.globalAlpha = 1;
    if (named) {
      context.fillStyle = !touches ? ink.ink : sort === READ ? ink["on-light"] : ink["on-dark"];
      const name = model.facts.ops[op[event]].replace("bytewise_", "").replace("_merge", "");
      context.fillText(
        cut(name, Math.floor(across / 6)),
        x + across / 2,
        lane.band + BAND / 2 + 0.5,
      );
    }
    if (model.marked[event]) mark(context, ink, x, across, lane);
  }
}

function rounded(context, x, y, width, height, radius) {
  if (radius === 0) {
    context.fillRect(x, y, width, height);
    return;
  }
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
  context.fill();
}

/** A racing event has a wedge above it. */
function mark(context, ink, x, across, lane) {
  const middle = x + across / 2;
  context.fillStyle = ink.race;
  context.beginPath();
  context.moveTo(middle - 4.5, lane.top + 0.5);
  context.lineTo(middle + 4.5, lane.top + 0.5);
  context.lineTo(middle, lane.band - 1);
  context.fill();
}

/** From afar: how many events a column of pixels holds (its height, by logarithm), of which sorts.
 * What the page does not hold, but has counted, is paler.
 *
 * A colour at a time, since to set one costs more than to fill a column. */
function paintColumns(context, scene, lane, covered, { total, sorts, marked, most: mine }, most) {
  if (mine === 0) return;
  const { ink, width } = scene;
  const scale = (BAND - 2) / Math.log1p(most);
  const tops = new Float32Array(width).fill(lane.band + BAND);
  for (const held of [1, 0]) {
    context.globalAlpha = held ? 1 : COUNTED;
    for (const [at, [, name]] of SORTS.entries()) {
      context.fillStyle = ink[name];
      for (let column = 0; column < width; column++) {
        const count = sorts[at][column];
        if (count === 0 || covered[column] !== held) continue;
        const part = ((scale * Math.log1p(total[column]) + 2) * count) / total[column];
        tops[column] -= part;
        context.fillRect(column, tops[column], 1, part);
      }
    }
    context.fillStyle = ink.race;
    for (let column = 0; column < width; column++) {
      if (marked[column] === 0 || covered[column] !== held) continue;
      if (held) context.fillRect(column - 0.5, lane.top + 1, 2, lane.band + BAND - lane.top - 1);
      else context.fillRect(column, lane.top + 1, 1, 3);
    }
  }
  context.globalAlpha = 1;
}

function paintSections(context, scene, thread, lane) {
  for (let level = 0; level < lane.levels; level++) {
    const y = levelTop(lane, level);
    paintBars(context, scene, y, shownOf(scene, scene.sections[thread][level]));
  }
}

/** The sections of a level that can be seen: number, left and right edge. What ends in the same pixel
 * as the one before cannot. */
function shownOf(scene, level) {
  const { model, axis, width, view } = scene;
  const half = axis === ORDER ? 0.5 : 0;
  const shown = [];
  let at = firstEnding(scene, level.end);
  while (at < level.start.length) {
    const left = xOf(scene, positionOf(model, axis, level.start[at]) - half);
    if (left > width) break;
    const right = Math.max(xOf(scene, positionOf(model, axis, level.end[at]) + half), left + 1);
    shown.push({
      left: Math.max(left, -2),
      right: Math.min(right, width + 2),
      lock: level.lock[at],
      write: level.write[at],
    });
    at =
      right - left > 1.5
        ? at + 1
        : Math.max(
            at + 1,
            firstEnding(scene, level.end, view.a + ((right + 0.5) / width) * (view.b - view.a)),
          );
  }
  return shown;
}

function paintBars(context, scene, y, shown) {
  const { model, ink } = scene;
  context.fillStyle = ink.section;
  for (const { left, right } of shown) {
    rounded(
      context,
      left,
      y,
      Math.max(right - left - (right - left > 3 ? 1 : 0), 1),
      LEVEL - 2,
      right - left > 8 ? 2 : 0,
    );
  }
  context.fillStyle = ink["section-ink"];
  context.font = `9.5px ${ink.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { left, right, lock, write } of shown) {
    if (!write && right - left > 3) context.fillRect(left, y + LEVEL - 3, right - left - 1, 1);
    if (right - left <= 19) continue;
    context.fillText(
      cut(called(model.facts.targets[lock]), Math.floor((right - left - 6) / 5)),
      Math.max(left, 0) + 4,
      y + LEVEL / 2 - 0.5,
    );
  }
}

/** The first section that ends at a position or after it; by default, at the view's beginning. */
function firstEnding(scene, end, position = scene.view.a) {
  if (scene.axis === ORDER) return lowerBound(end, rowFrom(scene.model, position - 0.5));
  let low = 0,
    high = end.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (scene.model.time[end[middle]] < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

function paintWaits(context, scene, thread, lane) {
  const { start, end } = scene.waits[thread];
  if (start.length === 0) return;
  context.fillStyle = scene.hatch ?? scene.ink.other;
  for (let at = lowerBound(start, firstShown(scene, thread)); at < start.length; at++) {
    const left = xOf(scene, positionOf(scene.model, scene.axis, start[at]));
    if (left > scene.width) break;
    const right =
      end[at] < 0 ? scene.width : xOf(scene, positionOf(scene.model, scene.axis, end[at]));
    const from = Math.max(left, 0);
    context.fillRect(
      from,
      lane.band + 3,
      Math.max(Math.min(right, scene.width) - from, 1),
      BAND - 6,
    );
  }
}

/** The thread's last event before the view: what began there may still be going on. */
function firstShown(scene, thread) {
  const places = columnsOfLane(scene.model, scene.axis, thread, scene.view, 1);
  return places[0] > scene.model.begins[thread] ? scene.model.order[places[0] - 1] : 0;
}

/** The names of the threads, left of their lanes. */
export function paintNames(context, scene, threads, gutter) {
  const { ink, model } = scene;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const thread of threads) {
    const lane = scene.lanes.of[thread];
    context.fillStyle = groundOf(scene, thread);
    context.fillRect(0, lane.top, gutter, lane.height);
    const name = plain(model.facts.threads[thread]);
    context.fillStyle = ink.ink;
    context.font = `${thread === scene.chosen ? 600 : 500} 12px ${ink.font}`;
    context.fillText(fitted(context, name, gutter - 20), 12, lane.band + BAND / 2);
  }
}

/** As much of a text as fits, with an ellipsis. */
export function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let low = 0,
    high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
