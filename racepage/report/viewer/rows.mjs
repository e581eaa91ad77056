// Which findings the table has, and in what order.

import { called, plain, targetName } from "./words.mjs";

/** What a finding is found and sorted by: one record for each, made once. */
export function recordsOf(model) {
  return model.facts.findings.map((finding, at) => {
    const [first, second] = [sideOf(model, finding.first), sideOf(model, finding.second)];
    const target = finding.page === null ? null : model.facts.targets[finding.page];
    const where = target ? targetName(target, finding.overlap) : "";
    const label = target?.[2] ? plain(target[2]) : "";
    const words = [
      finding.rule,
      finding.kind,
      where,
      label,
      finding.message,
      finding.fingerprint,
      ...finding.variables,
      first.text,
      second.text,
      finding.suppressed ? "suppressed" : "",
      finding.known ? "known" : "",
    ];
    return {
      number: at,
      kind: finding.kind,
      page: label || where,
      where,
      label,
      count: finding.count,
      first,
      second,
      text: words.join(" ").toLowerCase(),
    };
  });
}

function sideOf(model, side) {
  if (!side) return { thread: "", op: "", place: "", text: "" };
  const { thread, op, site } = model.columns;
  const frames =
    site[side.event] < 0
      ? []
      : model.facts.sites[site[side.event]].map((one) => model.facts.frames[one]);
  const name = plain(model.facts.threads[thread[side.event]]);
  const place = frames.length ? plain(frames[0][1] || frames[0][0]) : `event ${model.at[side.event]}`;
  const target = side.target === null ? "" : called(model.facts.targets[side.target]);
  const held = side.locks.map(([lock]) =>
    lock === null || lock === undefined ? "" : called(model.facts.targets[lock]),
  );
  return {
    thread: name,
    op: model.facts.ops[op[side.event]],
    place,
    text: [
      name,
      model.facts.ops[op[side.event]],
      target,
      ...held,
      ...frames.slice(0, 4).flatMap(([file, called]) => [plain(file), plain(called)]),
    ].join(" "),
  };
}

/** The numbers of the findings that have every word of the query (and none that has a "-" before
 * it), sorted by a column; equal ones by number. */
export function chosen(records, query, sort) {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word && word !== "-");
  const fits = ({ text }) =>
    words.every((word) => (word[0] === "-" ? !text.includes(word.slice(1)) : text.includes(word)));
  const down = sort.startsWith("-");
  const key = sort.replace("-", "");
  const value = (record) =>
    key === "first" || key === "second"
      ? `${record[key].thread} ${record[key].op} ${record[key].place}`
      : record[key];
  const order = (one, other) => {
    const [a, b] = [value(one), value(other)];
    const way = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
    return (down ? -way : way) || one.number - other.number;
  };
  return records
    .filter(fits)
    .sort(order)
    .map(({ number }) => number);
}
