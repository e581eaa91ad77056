// Drawing over the lanes: happens-before arrows, the arrow that is missing, and what is looked at.

import { positionOf } from "./axis.mjs";
import { route } from "./cones.mjs";
import { rowAt } from "./cover.mjs";
import { BAND } from "./lanes.mjs";
import { xOf } from "./paint.mjs";
import { lowerBound } from "./search.mjs";

const MOST = 48; // arrows in view, beyond which there would be nothing to see

/** The arrows that end in view, faint; none where there are too many. */
export function paintArrows(context, scene) {
  const { model, view } = scene;
  const { arrowTo } = model.columns;
  const inView = [];
  if (scene.axis === "order") {
    const high = lowerBound(arrowTo, rowAt(model, Math.ceil(view.b)));
    for (let at = lowerBound(arrowTo, rowAt(model, Math.floor(view.a))); at < high && inView.length <= MOST; at++)
      inView.push(at);
  } else {
    for (let at = 0; at < arrowTo.length && inView.length <= MOST; at++) {
      const time = model.time[arrowTo[at]];
      if (time >= view.a && time < view.b) inView.push(at);
    }
  }
  if (inView.length > MOST) return;
  context.globalAlpha = 0.35;
  for (const at of inView)
    arrow(context, scene, model.arrowFrom[at], arrowTo[at], scene.ink.arrow, 1);
  context.globalAlpha = 1;
}

/** Of what is looked at: how each side came to know of the other's thread, and what it lacks. */
export function paintFocus(context, scene) {
  const { model, finding, event, cones, ink } = scene;
  if (finding?.why && finding.first && finding.second) {
    paintKnown(context, scene, finding.first.event, finding.second.event, scene.pasts.second);
    paintKnown(context, scene, finding.second.event, finding.first.event, scene.pasts.first);
    missing(context, scene, finding.first.event, finding.second.event);
  } else if (cones) {
    context.globalAlpha = 0.85;
    const { arrowTo } = model.columns;
    const direct = (at) => arrowTo[at] === event || model.arrowFrom[at] === event;
    for (let at = 0; at < arrowTo.length; at++)
      if (direct(at)) arrow(context, scene, model.arrowFrom[at], arrowTo[at], ink.arrow, 1.8);
    context.globalAlpha = 1;
  }
  if (finding?.first) ring(context, scene, finding.first.event, ink.first);
  if (finding?.second) ring(context, scene, finding.second.event, ink.second);
  for (const one of finding?.related ?? []) ring(context, scene, one, ink.dim, 1.2);
  if (event !== null) ring(context, scene, event, ink.focus, 2.4, 4);
}

function paintKnown(context, scene, of, to, past) {
  const { thread, arrowTo } = scene.model.columns;
  for (const at of route(scene.model, past, thread[of], to)) {
    arrow(context, scene, scene.model.arrowFrom[at], arrowTo[at], scene.ink.arrow, 1.8);
  }
}

function placeOf(scene, event) {
  const lane = scene.lanes.of[scene.model.columns.thread[event]];
  return [xOf(scene, positionOf(scene.model, scene.axis, event)), lane.band + BAND / 2];
}

function arrow(context, scene, from, to, colour, width) {
  const [[x0, y0], [x1, y1]] = [placeOf(scene, from), placeOf(scene, to)];
  if (Math.max(x0, x1) < -50 || Math.min(x0, x1) > scene.width + 50) return;
  const down = y1 > y0 ? 1 : -1;
  const [start, end] = [y0 + (down * BAND) / 2, y1 - down * (BAND / 2 + 2)];
  const bend = Math.max(Math.abs(end - start) * 0.45, 8) * down;
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(x0, start);
  context.bezierCurveTo(x0, start + bend, x1, end - bend, x1, end - down * 3);
  context.stroke();
  context.beginPath();
  context.moveTo(x1, end);
  context.lineTo(x1 - 3.6, end - down * 6);
  context.lineTo(x1 + 3.6, end - down * 6);
  context.fill();
}

/** What a race lacks: a dashed line between its sides, crossed out. */
function missing(context, scene, first, second) {
  const [[x0, y0], [x1, y1]] = [placeOf(scene, first), placeOf(scene, second)];
  const { ink } = scene;
  context.strokeStyle = ink.race;
  context.lineWidth = 2;
  context.setLineDash([6, 4]);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
  context.setLineDash([]);
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  context.fillStyle = ink.panel;
  context.beginPath();
  context.arc(x, y, 8, 0, 7);
  context.fill();
  context.stroke();
  context.beginPath();
  for (const way of [1, -1]) {
    context.moveTo(x - 3.2, y - 3.2 * way);
    context.lineTo(x + 3.2, y + 3.2 * way);
  }
  context.stroke();
}

function ring(context, scene, event, colour, width = 2.2, out = 2) {
  const [x, y] = placeOf(scene, event);
  const room = scene.axis === "order" ? scene.width / (scene.view.b - scene.view.a) : 4;
  const half = Math.max(Math.min(room - 1.5, 84), 5) / 2 + out;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.roundRect(x - half, y - BAND / 2 - out, 2 * half, BAND + 2 * out, 4);
  context.stroke();
}
