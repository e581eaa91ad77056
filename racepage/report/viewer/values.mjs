// The bytes that two sides share, before and after: the rows that changed, sixteen bytes in each.

import { el } from "./dom.mjs";
import { several } from "./words.mjs";

const ACROSS = 16,
  ROWS = 4;

/** The rows of bytes from `start` on in which `old` and `now` (hexadecimal, or null) differ, at most
 * `most`; all rows where one is not known: `{at, old, now}` with arrays of byte texts. */
export function rowsOf(old, now, start, most = ROWS) {
  const [before, after] = [old, now].map((text) => text?.match(/../g) ?? []);
  const rows = [];
  let more = 0;
  for (let at = 0; at < Math.max(before.length, after.length); at += ACROSS) {
    const row = {
      at: start + at,
      old: before.slice(at, at + ACROSS),
      now: after.slice(at, at + ACROSS),
    };
    if (old && now && row.old.join() === row.now.join()) continue;
    if (rows.length < most) rows.push(row);
    else more += Math.max(row.old.length, row.now.length);
  }
  return { rows, more };
}

/** What a finding's access found and left, where that was recorded. */
export function valuesTold({ old, new: now, overlap }) {
  if (!old && !now) return [];
  const { rows, more } = rowsOf(old, now, overlap?.[0] ?? 0);
  const changes = (bytes, others) =>
    bytes.map((byte, at) => [
      at ? " " : "",
      others.length && byte !== others[at] ? el("b", {}, byte) : byte,
    ]);
  const row = ({ at, old: before, now: after }) => [
    before.length ? el("dt", {}, `${at}`) : null,
    before.length ? el("dd", { "aria-label": "before" }, "− ", changes(before, after)) : null,
    after.length ? el("dt", {}, before.length ? "" : `${at}`) : null,
    after.length ? el("dd", { "aria-label": "after" }, "+ ", changes(after, before)) : null,
  ];
  return [
    el("h4", {}, now ? "Their bytes, before and after" : "Their bytes, as they were read"),
    rows.length
      ? el("dl", { class: "hex" }, rows.map(row))
      : el("p", {}, "They are the same afterwards."),
    more ? el("p", { class: "dim" }, `and ${several(more, "byte")} more`) : null,
  ];
}
