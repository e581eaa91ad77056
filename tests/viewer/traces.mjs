// Small traces for the tests, written as [thread, op, target, start, stop] with names.

import { LIFE, OTHER, READ, SYNC, WRITE, modelOf } from "../../racepage/report/viewer/model.mjs";
import { KIND } from "../../racepage/report/viewer/words.mjs";

// As racepage/events.py numbers them; tests/report holds that the page is given the same.
export const OPS = [
  "read",
  "write",
  "zero",
  "copy_in",
  "load",
  "store",
  "rmw",
  "bytewise_read",
  "bytewise_write",
  "alloc",
  "free",
  "collect",
  "user_read",
  "user_write",
  "map",
  "unmap",
  "lock",
  "unlock",
  "rlock",
  "runlock",
  "acquire",
  "release",
  "release_merge",
  "take",
  "start",
  "join",
  "exit",
  "fence",
  "block",
  "wake",
];
const CLASSES = [
  "plain",
  "plain",
  "plain",
  "plain",
  "atomic",
  "atomic",
  "atomic",
  "bytewise",
  "bytewise",
  "lifetime",
  "lifetime",
  "none",
  "user",
  "user",
];
const WRITES = [
  "write",
  "zero",
  "copy_in",
  "store",
  "rmw",
  "bytewise_write",
  "alloc",
  "free",
  "user_write",
];
const SYNCS = [
  "lock",
  "unlock",
  "rlock",
  "runlock",
  "acquire",
  "release",
  "release_merge",
  "take",
  "start",
  "join",
  "fence",
];
const KINDS = { page: KIND.PAGE, lock: KIND.LOCK, sync: KIND.SYNC, thread: KIND.THREAD };

function sortOf(name, op) {
  const kind = CLASSES[op] ?? "none";
  if (kind === "lifetime" || name === "collect") return LIFE;
  if (kind !== "none") return WRITES.includes(name) ? WRITE : READ;
  return SYNCS.includes(name) ? SYNC : OTHER;
}

/** A model of events; `arrows` are pairs [from, to], `times` maps events to nanoseconds.
 *
 * With `at`, the rows are those events of a trace of `events`, as an excerpt holds them; `more` are
 * further facts, `counts` further columns. */
export function traceOf(
  rows,
  {
    arrows = [],
    times = {},
    flags = {},
    findings = [],
    racy = [],
    targets: given = [],
    at = null,
    events = rows.length,
    more = {},
    counts = {},
  } = {},
) {
  const threads = [],
    names = [],
    targets = [...given];
  const numberOf = (list, name) => (list.includes(name) ? list.indexOf(name) : list.push(name) - 1);
  given.forEach(([, name]) => names.push(name));
  const columns = {
    thread: [],
    op: [],
    target: [],
    offset: [],
    length: [],
    site: [],
    flags: [],
    order: [],
  };
  rows.forEach(([thread, op, target, start = 0, stop = 0], event) => {
    columns.thread.push(numberOf(threads, thread));
    columns.op.push(OPS.indexOf(op));
    if (target && !names.includes(target)) {
      names.push(target);
      const [kind, name] = target.split(":");
      targets.push([KINDS[kind], name, null]);
    }
    columns.target.push(target ? names.indexOf(target) : -1);
    columns.offset.push(start);
    columns.length.push(stop - start);
    columns.site.push(-1);
    columns.flags.push(flags[event] ?? 0);
    columns.order.push(0);
  });
  const sorted = [...arrows].sort((a, b) => a[1] - b[1]);
  const timed = Object.keys(times).map(Number);
  const facts = {
    events,
    ops: OPS,
    classes: OPS.map((_, at) => CLASSES[at] ?? "none"),
    writes: OPS.map((name) => Number(WRITES.includes(name))),
    sorts: OPS.map(sortOf),
    threads,
    targets,
    findings,
    sites: [],
    frames: [],
    sizes: [],
    racy: [],
    rules: {},
    ...more,
  };
  return modelOf(facts, {
    ...Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, Int32Array.from(values)]),
    ),
    timed: Int32Array.from(timed),
    time: Float64Array.from(timed, (event) => times[event]),
    racy: Int32Array.from(racy),
    ...(at ? { at: Int32Array.from(at) } : {}),
    ...counts,
    arrowTo: Int32Array.from(sorted, ([, to]) => to),
    arrowBack: Int32Array.from(sorted, ([from, to]) => to - from),
  });
}

/** A finding with nothing but what is said. */
export function findingOf(more = {}) {
  return {
    rule: "RP001",
    kind: "data-race",
    message: "",
    count: 1,
    fingerprint: "",
    page: null,
    overlap: null,
    variables: [],
    first: null,
    second: null,
    related: [],
    why: null,
    old: null,
    new: null,
    suppressed: null,
    known: false,
    ...more,
  };
}

/** A side of a finding. */
export function sideOf(event, more = {}) {
  return { event, range: null, target: null, clock: 1, vector: [], more: 0, locks: [], ...more };
}
