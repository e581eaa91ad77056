"""How fast the viewer is, and how large its file: `python benchmarks/viewer.py`.

The trace is *mixed* of `benchmarks/sharing.py` (nine threads, 64 pages, one event in five
synchronises), with a time on each synchronising event, as recordings have it. The page is opened
from a file in the system's Chromium, headless, without a GPU, 1440 by 900. What is measured in
several rounds counts with its least (what else runs on the machine counts less), and of several
scales or findings the worst does.

- *write*: the analysed trace to the file's text, in this process;
- *ready*: from the navigation's start until every pane is drawn;
- *redraw*: the timeline drawn once more at every scale from the whole trace down to ten events, in
  both axes, each with another stretch in view, until one of its pixels can be read: the worst of
  all;
- *next*: `j`, until the frame that shows the next finding is done.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sharing import program
from racepage.detect import analyse
from racepage.events import Op
from racepage.report import html
from racepage.trace.columns import Trace

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
STEP = 1.5  # of the zoom from one redraw to the next
LIMITS = {"ready, ms": 3000.0, "redraw, ms": 50.0, "bytes an event": 15.0}


def timed(events: int) -> Trace:
    """The trace, with times: 20 to 200 ns from one event to the next."""
    trace = program(events)
    steps = np.random.default_rng(1).integers(20, 200, len(trace))
    clock = np.where(trace.columns.op > Op.FREE, np.cumsum(steps), 0)
    return replace(trace, columns=replace(trace.columns, time=clock))


def drawn(page: Page) -> float:
    """Milliseconds of the last drawing of the timeline, and of filling its pixels."""
    return float(
        page.evaluate(
            """() => new Promise((done) => requestAnimationFrame(() => {
                const lanes = document.getElementById("lanes"), begin = performance.now();
                lanes.getContext("2d").getImageData(0, 0, 1, 1);
                done(performance.now() - begin + Number(lanes.dataset.drawn));
            }))"""
        )
    )


def redraws(page: Page, axis: str, events: int) -> list[float]:
    """The timeline's drawings at every scale."""
    page.evaluate(f"location.hash = 'x={axis}'")
    page.keyboard.press("0")
    times = [drawn(page)]
    page.hover("#lanes")
    scale = 1.0
    while scale < events / 10:
        page.mouse.wheel(0, -320 * float(np.log(STEP)))
        times.append(drawn(page))
        page.keyboard.press("ArrowRight")
        times.append(drawn(page))
        scale *= STEP
    return times


def next_finding(page: Page) -> float:
    """Milliseconds from a key to the end of the frame that shows what it did."""
    return float(
        page.evaluate(
            """() => new Promise((done) => {
                const begin = performance.now();
                const press = new KeyboardEvent("keydown", {key: "j", bubbles: true});
                document.body.dispatchEvent(press);
                requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
            })"""
        )
    )


def measured(file: Path, events: int, rounds: int) -> dict[str, float]:
    """What the browser takes: of the same thing in several rounds the least."""
    ready, following, scales = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for _ in range(rounds):
            context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
            page = context.new_page()
            page.goto(file.as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            ready.append(float(page.evaluate("document.documentElement.dataset.ready")))
            following.append([next_finding(page) for _ in range(5)])
            scales.append(redraws(page, "order", events) + redraws(page, "time", events))
            context.close()
        browser.close()
    return {
        "ready, ms": min(ready),
        "next, ms": float(np.min(following, axis=0).max()),
        "redraw, ms": float(np.min(scales, axis=0).max()),
    }


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--check", action="store_true", help="exit with 1 beyond the limits")
    given = options.parse_args()
    trace = timed(given.events)
    analysis = analyse(trace)
    begin = perf_counter()
    text = html.render(trace, analysis, subject="mixed")
    figures = {"write, s": perf_counter() - begin, "bytes an event": len(text) / len(trace)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mixed.html"
        file.write_text(text, encoding="utf-8")
        figures |= measured(file, len(trace), given.rounds)
    print(f"{len(trace):,} events, {len(analysis.findings)} findings")
    for name, value in figures.items():
        limit = f"  (at most {LIMITS[name]:g})" if name in LIMITS else ""
        print(f"{name:<16}{value:10.2f}{limit}")
    if given.check and any(figures[name] > limit for name, limit in LIMITS.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
