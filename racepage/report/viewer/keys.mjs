// The keyboard, and the page that says what it does.

import { byId, el } from "./dom.mjs";

const HELP = [
  [["j", "k"], "next and previous finding"],
  [["Home", "End"], "first and last finding"],
  [["/"], "filter the findings; words are anded, -word leaves out"],
  [["←", "→"], "move along the timeline"],
  [["↑", "↓"], "zoom in and out (also + and −, and the wheel)"],
  [["shift", "wheel"], "move along; drag does, too"],
  [[",", "."], "previous and next event of the thread"],
  [["[", "]"], "to the thread above and below"],
  [["f"], "show what is selected"],
  [["0"], "show the whole trace"],
  [["t"], "order or time"],
  [["d"], "light or dark"],
  [["Esc"], "from the event back to the finding, and to nothing"],
  [["?"], "this help"],
];

/** Listen to the keyboard; `does` has a function for each thing that keys do. */
export function listenToKeys(does) {
  const dialog = helping();
  const actions = {
    j: does.next,
    k: does.previous,
    Home: does.first,
    End: does.last,
    "/": does.search,
    ArrowLeft: does.left,
    ArrowRight: does.right,
    ArrowUp: does.in,
    ArrowDown: does.out,
    "+": does.in,
    "=": does.in,
    "-": does.out,
    ",": does.before,
    ".": does.after,
    "[": does.above,
    "]": does.below,
    f: does.frame,
    0: does.all,
    t: does.axis,
    d: does.theme,
    Escape: does.back,
    "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open)
      return;
    if (event.target.closest("input, select, textarea")) return;
    const inTable = event.target.id === "table";
    if (inTable && event.key === "ArrowDown") does.next();
    else if (inTable && event.key === "ArrowUp") does.previous();
    else if (event.key in actions && !scrolls(event)) actions[event.key]();
    else return;
    event.preventDefault();
  });
  byId("help").addEventListener("click", () => dialog.showModal());
}

/** Where arrows and Home move what is read, they are left to it. */
function scrolls({ key, target }) {
  return (
    (key.startsWith("Arrow") || key === "Home" || key === "End") &&
    Boolean(target.closest("#detail, .pages"))
  );
}

function helping() {
  const dialog = byId("helping");
  const keys = HELP.flatMap(([names, does]) => [
    el(
      "span",
      {},
      names.map((name, at) => [at ? " " : "", el("kbd", {}, name)]),
    ),
    el("span", {}, does),
  ]);
  dialog.append(
    el(
      "button",
      {
        type: "button",
        class: "quiet close",
        "aria-label": "Close the help",
        onclick: () => dialog.close(),
      },
      "✕",
    ),
    el("h2", { id: "help-title" }, "Finding your way"),
    el("div", { class: "keys" }, keys),
    el(
      "p",
      {},
      "One thing is looked at, and every pane shows it: a finding, an event, a page. The address keeps it, so that a link shows the same.",
    ),
    el(
      "p",
      {},
      "In the lanes, the tinted stretch of each other thread is what nothing orders before or after the event that is looked at: whatever conflicts with it there is a race. Arrows are synchronisation; the dashed line is the arrow that is missing.",
    ),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return dialog;
}
