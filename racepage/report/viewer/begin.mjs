// Reads the trace out of the page.

import { columnsOf } from "./decode.mjs";
import { byId } from "./dom.mjs";
import { modelOf } from "./model.mjs";

/** The model of what stands in the page. */
export async function modelInPage() {
  const facts = JSON.parse(byId("data").textContent);
  const columns = await columnsOf(facts.columns, (name) => byId(`column-${name}`).textContent);
  for (const { name } of facts.columns) byId(`column-${name}`).remove(); // the text is of no more use
  byId("data").remove();
  return modelOf(facts, columns);
}

/** Say why there is nothing to see. */
export function failed(error) {
  document.documentElement.dataset.failed = error.message;
  byId("facts").textContent = `This page cannot be shown: ${error.message}`;
}

