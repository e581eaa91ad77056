// The trace as the panes ask for it: events by thread and by page, how many of which sort lie
// between two of them, and when each was.
//
// An event is its row, everywhere: its place among those that the page holds (`cover.mjs`). Events of
// a thread stand together in `order`, ascending, from `begins[thread]` on; counts that add up along
// `order` answer "how many writes between here and there" with two look-ups. So a picture of any
// stretch of any trace costs its pixels, and not its events.

import { gapsOf, rowOf } from "./cover.mjs";
import { densitiesOf } from "./density.mjs";
import { sectionsOf, waitsOf } from "./sections.mjs";
import { KIND } from "./words.mjs";

export const READ = 0,
  WRITE = 1,
  LIFE = 2,
  SYNC = 3,
  OTHER = 4;

/** Everything derived from the columns that every pane needs; `density` where it is known already. */
export function modelOf(told, columns, density = densitiesOf(told, columns)) {
  const count = columns.thread.length;
  const whole = count === told.events;
  const at = columns.at ?? Int32Array.from(columns.thread, (_, row) => row);
  const facts = { ...told, findings: inRows(told.findings, { at, count, whole }) };
  const number = Object.fromEntries(facts.ops.map((name, op) => [name, op]));
  const sort = Uint8Array.from(facts.sorts);
  const { order, begins, rank } = byThread(columns.thread, facts.threads.length);
  const marked = new Uint8Array(count);
  for (const event of columns.racy) marked[event] = 1;
  for (const { first, second } of facts.findings) {
    if (first) marked[first.event] = 1;
    if (second) marked[second.event] = 1;
  }
  const model = {
    told,
    facts,
    density,
    columns,
    count,
    whole,
    at,
    number,
    sort,
    order,
    begins,
    rank,
    marked,
    sums: sumsOf(columns.op, sort, order, marked),
    time: timesOf(columns, order, begins, count),
    arrowFrom: columns.arrowTo.map((to, at) => to - columns.arrowBack[at]),
  };
  model.sections = sectionsOf(model);
  model.waits = waitsOf(model);
  model.gaps = whole ? null : gapsOf(model);
  model.arrowsByFrom = sortedBy(model.arrowFrom);
  model.findingsOf = findingsOf(facts.findings);
  return model;
}

/** Findings that name events of the trace, as findings that name rows. */
function inRows(findings, held) {
  const row = (event) => (event === null ? null : rowOf(held, event));
  const side = (one) => one && { ...one, event: row(one.event) };
  return findings.map((finding) => ({
    ...finding,
    first: side(finding.first),
    second: side(finding.second),
    related: finding.related.map(row).filter((event) => event >= 0),
    why: finding.why && { first: side(finding.why.first), second: side(finding.why.second) },
  }));
}

/** Events by key, ascending within each: a counting sort. */
export function grouped(keys, groups, events = null) {
  const count = events ? events.length : keys.length;
  const begins = new Int32Array(groups + 1);
  for (let at = 0; at < count; at++) begins[keys[events ? events[at] : at] + 1]++;
  for (let group = 0; group < groups; group++) begins[group + 1] += begins[group];
  const next = begins.slice();
  const order = new Int32Array(count);
  for (let at = 0; at < count; at++) {
    const event = events ? events[at] : at;
    order[next[keys[event]]++] = event;
  }
  return { order, begins };
}

function byThread(thread, threads) {
  const { order, begins } = grouped(thread, threads);
  const rank = new Int32Array(order.length);
  for (let at = 0; at < order.length; at++) rank[order[at]] = at;
  return { order, begins, rank };
}

/** For each sort, how many of it stand in `order` before a place; and the marked ones last. */
function sumsOf(op, sort, order, marked) {
  const sums = Array.from({ length: 6 }, () => new Int32Array(order.length + 1));
  const counts = new Int32Array(6);
  const MARKED = 5;
  for (let at = 0; at < order.length; at++) {
    const event = order[at];
    counts[sort[op[event]]]++;
    counts[MARKED] += marked[event];
    for (let kind = 0; kind < 6; kind++) sums[kind][at + 1] = counts[kind];
  }
  return sums;
}

/** When each event was, in nanoseconds from the first; null where the trace has no times.
 *
 * Only some events have a time. The others lie evenly between those of their thread, and a thread's
 * times never go back. */
export function timesOf({ timed, time }, order, begins, count) {
  if (timed.length === 0) return null;
  const times = new Float64Array(count).fill(NaN);
  for (let at = 0; at < timed.length; at++) times[timed[at]] = time[at];
  for (let thread = 0; thread + 1 < begins.length; thread++)
    fill(times, order, begins[thread], begins[thread + 1]);
  return times;
}

function fill(times, order, low, high) {
  let known = -1,
    latest = 0;
  for (let at = low; at < high; at++) {
    const here = times[order[at]];
    if (Number.isNaN(here)) continue;
    const now = known < 0 ? here : Math.max(here, latest);
    const start = known < 0 ? now : latest,
      from = known < 0 ? low - 1 : known;
    for (let gap = from + 1; gap < at; gap++)
      times[order[gap]] = start + ((now - start) * (gap - from)) / (at - from);
    times[order[at]] = now;
    [known, latest] = [at, now];
  }
  for (let at = known < 0 ? low : known + 1; at < high; at++) times[order[at]] = latest;
}

function sortedBy(values) {
  return Int32Array.from(values, (_, at) => at).sort((a, b) => values[a] - values[b]);
}

/** Event -> the findings that name it. */
function findingsOf(findings) {
  const found = new Map();
  findings.forEach((finding, at) => {
    const events = [finding.first?.event, finding.second?.event, ...finding.related];
    for (const event of new Set(events)) {
      if (event !== undefined) found.set(event, [...(found.get(event) ?? []), at]);
    }
  });
  return found;
}

/** The half-open range of bytes that an event touches; null where it touches none. */
export function rangeOf(model, event) {
  const { offset, length, op } = model.columns;
  const touches = model.facts.classes[op[event]] !== "none" || length[event] > 0;
  return touches ? [offset[event], offset[event] + length[event]] : null;
}

/** The target of an event, as [kind, name, label]; null where it has none. */
export function targetOf(model, event) {
  const target = model.columns.target[event];
  return target < 0 ? null : model.facts.targets[target];
}

/** The page (a target's number) that an event touches, or null. */
export function pageOf(model, event) {
  const target = model.columns.target[event];
  return target >= 0 && model.facts.targets[target][0] === KIND.PAGE ? target : null;
}

/** The events on each page: `order` by target, made when first asked for. */
export function eventsOnPage(model, page) {
  if (!model.onPages) {
    const { op, target } = model.columns;
    const rows = [];
    for (let event = 0; event < model.count; event++) {
      if (
        target[event] >= 0 &&
        model.sort[op[event]] <= LIFE &&
        model.facts.targets[target[event]][0] === KIND.PAGE
      )
        rows.push(event);
    }
    const last = rows.reduce((most, row) => Math.max(most, target[row]), -1);
    model.onPages = grouped(target, last + 1, rows);
  }
  const { order, begins } = model.onPages;
  return order.subarray(begins[page], begins[page + 1] ?? begins[page]);
}
