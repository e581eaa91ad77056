"""The served page of `benchmarks/viewer.py`."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

from benchmarks import long_trace

CLI = Path(__file__).resolve().parent.parent / "cli.py"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PLACES = 9
WINDOW = 100_000
LEVELS = range(4, 13)
BUCKETS = 2048  # of a tile


def served(events: int, trace: Path | None) -> dict[str, float]:
    """The figures of a server, and of its page."""
    with tempfile.TemporaryDirectory() as folder:
        if trace is None:
            trace = Path(folder) / "long.arrows"
            long_trace.write(events, trace)
        begin = perf_counter()
        command = [sys.executable, str(CLI), "view", str(trace), "--serve", "--no-open"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            try:
                address = (process.stdout or sys.stdin).readline().strip()
                figures = {"start, s": perf_counter() - begin}
                figures |= _asked(address, events) | _looked(address)
                return figures | _memory(process.pid)
            finally:
                process.terminate()


def _asked(address: str, events: int) -> dict[str, float]:
    """Answers, asked for without a browser."""
    tiles = {
        shift: [
            _seconds(f"{address}tile?shift={shift}&at={at}")
            for at in _places((events - 1) // (BUCKETS << shift))
        ]
        for shift in LEVELS
        if BUCKETS << shift < events
    }
    windows = [
        _seconds(f"{address}rows?from={start}&to={start + WINDOW}")
        for start in _places(events - WINDOW)
    ]
    return {
        "tile, ms": 1000 * max(map(statistics.median, tiles.values())),
        "window, ms": 1000 * statistics.median(windows),
    }


def _places(last: int) -> list[int]:
    return [last * at // (PLACES - 1) for at in range(PLACES)]


def _seconds(url: str) -> float:
    begin = perf_counter()
    with urlopen(url) as answer:  # noqa: S310  (the server that was started here)
        answer.read()
    return perf_counter() - begin


def _looked(address: str) -> dict[str, float]:
    """The page in a browser: until it shows the first finding with its surroundings."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(address)
        page.wait_for_selector("html[data-asked]", state="attached")
        first = float(page.evaluate("performance.now()"))
        browser.close()
    return {"first, ms": first}


def _memory(process: int) -> dict[str, float]:
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    return {
        f"{told}, MB": int(re.findall(rf"{name}:\s+(\d+)", status)[0]) / 1024
        for name, told in (
            ("VmRSS", "resident"),
            ("RssAnon", "of its own"),
            ("VmHWM", "at most"),
        )
    }
