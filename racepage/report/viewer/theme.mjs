// Light or dark, and the colours that canvases draw with.

import { byId } from "./dom.mjs";

const NAMES = [
  "paper",
  "panel",
  "ink",
  "dim",
  "line",
  "stripe",
  "read",
  "write",
  "life",
  "sync",
  "other",
  "race",
  "first",
  "second",
  "section",
  "section-ink",
  "unordered",
  "arrow",
  "focus",
  "on-dark",
  "on-light",
  "chosen",
];
const CYCLE = ["auto", "light", "dark"];
const TOLD = { auto: "as the system has it", light: "light", dark: "dark" };

/** The colours of now, by name, and `threads`: eight that people tell apart. */
export function inks() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  const ink = Object.fromEntries(NAMES.map((name) => [name, value(name)]));
  ink.threads = Array.from({ length: 8 }, (_, at) => value(`thread-${at}`));
  ink.font = style.getPropertyValue("--sans").trim();
  ink.mono = style.getPropertyValue("--mono").trim();
  return ink;
}

/** Let the button go through the themes; `changed` is called when colours are others. */
export function themed(changed) {
  const button = byId("theme");
  const root = document.documentElement;
  const next = () => {
    const now = CYCLE[(CYCLE.indexOf(root.dataset.theme ?? "auto") + 1) % CYCLE.length];
    if (now === "auto") delete root.dataset.theme;
    else root.dataset.theme = now;
    button.setAttribute("aria-label", `Theme: ${TOLD[now]}`);
    button.textContent = { auto: "◐", light: "○", dark: "●" }[now];
    changed();
  };
  button.addEventListener("click", next);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  return next;
}
