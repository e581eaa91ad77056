// `node agree.mjs PAGE…`: what the page works out for itself, held to what the analysis said.
//
// Of each finding's sides the locks held, and for unordered sides how far each knows the other's
// thread. Prints a line for each difference, and last how much was compared. Called by
// tests/report/test_html_golden.py.

import { readFileSync } from "node:fs";

import { future, past } from "../../racepage/report/viewer/cones.mjs";
import { columnsOf } from "../../racepage/report/viewer/decode.mjs";
import { modelOf } from "../../racepage/report/viewer/model.mjs";
import { heldAt, sectionsOf } from "../../racepage/report/viewer/sections.mjs";

let locks = 0,
  orders = 0;

function compare(page, what, mine, theirs) {
  const [one, other] = [JSON.stringify(mine), JSON.stringify(theirs)];
  if (one !== other) console.log(`${page}: ${what}: ${one}, and the analysis says ${other}`);
}

async function modelIn(page) {
  const text = readFileSync(page, "utf8");
  const block = (id) => text.match(new RegExp(`id="${id}">(.*?)</script>`, "s"))[1];
  const facts = JSON.parse(block("data"));
  return modelOf(facts, await columnsOf(facts.columns, (name) => block(`column-${name}`)));
}

for (const page of process.argv.slice(2)) {
  const model = await modelIn(page);
  const { thread } = model.columns;
  const sections = sectionsOf(model);
  for (const { first, second, why } of model.facts.findings) {
    for (const side of [first, second].filter(Boolean)) {
      const held = heldAt(sections[thread[side.event]], side.event);
      const mine = held.map(({ lock, write }) => [lock, write ? "write" : "read"]);
      compare(page, `locks at ${side.event}`, mine, side.locks);
      locks++;
    }
    if (!why) continue;
    for (const [known, of, to] of [
      [why.first, first, second],
      [why.second, second, first],
    ]) {
      const mine = past(model, to.event).known[thread[of.event]];
      compare(page, `known of ${of.event} at ${to.event}`, mine, known.event ?? -1);
      const after = future(model, of.event)[thread[to.event]];
      compare(page, `${of.event} before ${to.event}`, after <= to.event, false);
      orders++;
    }
  }
}
console.log(`${locks} sides, ${orders} orders`);
