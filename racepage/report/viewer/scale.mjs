// The scale above the lanes.

import { ORDER, TIME, ticks } from "./axis.mjs";
import { xOf } from "./paint.mjs";
import { counted, duration } from "./words.mjs";

/** How high it is, in pixels. */
export const HEAD = 22;

const APART = 110, // pixels from tick to tick, at least
  LABEL = 52; // pixels that a label may take

/** Draw it for a canvas of a size, over whatever the lanes left there. */
export function paintScale(context, scene, { width, height, gutter }) {
  const { view, axis, ink } = scene;
  context.fillStyle = ink.panel;
  context.fillRect(0, 0, width, HEAD);
  context.fillStyle = ink.line;
  context.fillRect(0, HEAD - 1, width, 1);
  context.fillRect(gutter - 1, 0, 1, height);
  context.font = `11px ${ink.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = ink.dim;
  context.fillText(axis === TIME ? "time" : "event", 12, HEAD / 2);
  for (const at of ticks(view, Math.max(2, Math.floor(scene.width / APART)))) {
    if (axis === ORDER && !Number.isInteger(at)) continue;
    const x = gutter + xOf(scene, axis === ORDER ? at + 0.5 : at);
    if (x < gutter || x > width - LABEL) continue;
    context.fillStyle = ink.line;
    context.fillRect(Math.round(x), HEAD - 6, 1, 6);
    context.fillStyle = ink.dim;
    context.fillText(axis === TIME ? duration(at) : counted(at), Math.round(x) + 4, HEAD / 2);
  }
}
