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

With more than two million events (`--events 10000000`) the page is an excerpt. With `--serve` it is
served, by a process of its own, of a recording that `benchmarks/long_trace.py` writes (or
`--trace FILE`, which that one has written):

- *start*: from the command until the address is there: reading, analysing, counting;
- *first*: from the navigation's start until every pane is drawn and the first answer is in;
- *tile*, *window*: an answer of counts, the slowest of all levels, and of 100,000 events: from the
  question until it is here, at the median of places;
- *resident*: the process's memory at the end; *of its own*: without what the system may take back,
  which is that of the files; *at most*: at any time.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import long_trace
from benchmarks.viewer_served import served
from racepage.detect import analyse
from racepage.report import html

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
STEP = 1.5  # of the zoom from one redraw to the next
LIMITS = {"ready, ms": 3000.0, "redraw, ms": 50.0, "bytes an event": 15.0}


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


def filed(events: int, rounds: int) -> dict[str, float]:
    """The figures of a page in a file."""
    trace = long_trace.timed(events)
    analysis = analyse(trace)
    begin = perf_counter()
    text = html.render(trace, analysis, subject="mixed")
    figures = {"write, s": perf_counter() - begin, "bytes an event": len(text) / len(trace)}
    figures["megabytes"] = len(text) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mixed.html"
        file.write_text(text, encoding="utf-8")
        return figures | measured(file, len(trace), rounds)


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--check", action="store_true", help="exit with 1 beyond the limits")
    options.add_argument("--serve", action="store_true", help="the page of a server")
    options.add_argument("--trace", type=Path, help="a recording to serve, of so many events")
    given = options.parse_args()
    figures = (
        served(given.events, given.trace) if given.serve else filed(given.events, given.rounds)
    )
    print(f"{given.events:,} events{', served' if given.serve else ''}")
    for name, value in figures.items():
        limit = f"  (at most {LIMITS[name]:g})" if name in LIMITS else ""
        print(f"{name:<16}{value:10.2f}{limit}")
    if given.check and any(figures.get(name, 0) > limit for name, limit in LIMITS.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
