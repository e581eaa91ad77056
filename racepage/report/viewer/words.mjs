// How things are said. Names come from a trace, and a trace may come from anybody: they are put on
// the page as text only, and here made fit to be read.

const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufeff\ufff0-\ufffb]|\p{Cs}|\p{Co}/gu;
const KINDS = ["page", "user", "cell", "sync", "lock", "thread", "pointer", "reason"];
const whole = new Intl.NumberFormat("en");

/** `text` without characters that do not show, or that turn what follows around: as escapes. */
export function plain(text) {
  return text.replace(HIDDEN, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);
}

/** `text`, cut to `longest` characters. */
export function cut(text, longest) {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** `1,234`. */
export function counted(number) {
  return whole.format(number);
}

/** `1 event`, `2,000 events`. */
export function several(number, noun) {
  return `${counted(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** `page:0[32:64]`, and without a range `page:0`. */
export function targetName([kind, name], range = null) {
  const bare =
    KINDS[kind] === "thread" || KINDS[kind] === "pointer"
      ? plain(name)
      : `${KINDS[kind]}:${plain(name)}`;
  return range ? `${bare}[${range[0]}:${range[1]}]` : bare;
}

/** What people call a target: its label, or else its name; of a lock without saying that it is one. */
export function called(target) {
  return target[2]
    ? plain(target[2])
    : target[0] === KIND.LOCK
      ? plain(target[1])
      : targetName(target);
}

/** `…/binder/page_range.py:182` of a longer path. */
export function shortPlace(place) {
  const parts = plain(place).split("/");
  return parts.length <= 3 ? parts.join("/") : `…/${parts.slice(-2).join("/")}`;
}

/** `412 ns`, `3.25 µs`, `18.4 ms`, `2.5 s`. */
export function duration(nanoseconds) {
  const size = Math.abs(nanoseconds);
  const [unit, name] =
    size < 1e3 ? [1, "ns"] : size < 1e6 ? [1e3, "µs"] : size < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  return `${Number((nanoseconds / unit).toPrecision(4))} ${name}`;
}

/** `4,096 bytes, 0 to 4,096`. */
export function bytesTold([start, stop]) {
  return `${several(stop - start, "byte")}, ${counted(start)} to ${counted(stop)}`;
}

/** What a page says that holds some of a trace's events only. */
export function heldTold({ events, windows, findings, live }) {
  const dense = `${several(events, "event")}: the timeline shows their density`;
  if (live) return `${dense}, and events as you come closer`;
  if (findings.length === 0) return dense;
  const which =
    windows < findings.length
      ? `the first ${counted(windows)} of ${several(findings.length, "finding")}`
      : several(windows, "finding");
  return `${dense}; events are in the windows around ${which}`;
}

export const KIND = Object.freeze({
  PAGE: 0,
  USER: 1,
  CELL: 2,
  SYNC: 3,
  LOCK: 4,
  THREAD: 5,
  POINTER: 6,
  REASON: 7,
});
