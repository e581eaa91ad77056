// Begins a page that is all there is.

import { failed, modelInPage } from "./begin.mjs";
import { byId } from "./dom.mjs";
import { counted } from "./words.mjs";
import { show } from "./view.mjs";

async function start() {
  show(await modelInPage(), (event) => {
    byId("held").textContent += `; event ${counted(event)} is in none of them`;
  });
}

if (typeof document !== "undefined") start().catch(failed);
