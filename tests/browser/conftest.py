"""The viewer in the system's Chromium, driven by Playwright: opened from a file, as users do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from racepage.detect import analyse
from racepage.report import html
from racepage.report.viewer.kept import LIMITS, Limits
from racepage.trace import text
from racepage.trace.columns import Trace

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
READY = "html[data-ready]"

PATIENCE = 60_000
"""Milliseconds that a page may take for anything: machines that test are busy."""

expect.set_options(timeout=PATIENCE)

TWO_RACES = """\
main  alloc  page:0 size=4096 zero
main  alloc  page:1 size=4096 zero
main  start  t1
main  start  t2
t1    lock   lock:m
t1    write  page:0[0:64]    @ binder.py:120 copy_in < binder.py:88 transact
t1    unlock lock:m
t2    lock   lock:m
t2    unlock lock:m
t1    write  page:0[128:256] @ binder.py:124 copy_more
t2    read   page:0[192:320] @ binder.py:131 copy_out
t1    zero   page:1[0:4096]  @ pool.py:9 recycle
t2    write  page:1[64:72]   @ pool.py:17 fill
main  join   t1
main  join   t2
main  free   page:0
main  free   page:1
"""
"""Races: events 9 and 10 on page 0 (findings' number 0), 11 and 12 on page 1 (number 1)."""

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium here; apt-get install chromium brings one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def view(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a trace in a browser that has no network; nothing may be said on its console."""
    contexts = []
    said: list[str] = []

    def opened(
        trace: Trace | str = TWO_RACES,
        *,
        address: str = "",
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        listening: bool = True,
        excerpt: Limits | None = None,
    ) -> Page:
        made = text.parse(trace) if isinstance(trace, str) else trace
        file = tmp_path / "page.html"
        shown = html.render(
            made,
            analyse(made),
            subject="a trace",
            most_events=html.MOST_EVENTS if excerpt is None else 0,
            limits=excerpt or LIMITS,
        )
        file.write_text(shown, encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        if listening:
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: fetched(request.url))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.goto(file.as_uri() + (f"#{address}" if address else ""))
        page.wait_for_selector(READY, state="attached")
        return page

    def fetched(url: str) -> None:
        if not url.startswith((tmp_path / "page.html").as_uri()):
            said.append(f"asked for {url}")

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def settled(page: Page) -> None:
    """Wait until what was done is drawn, and is in the address."""
    # What a mouse or a key does comes with a frame; what that changes is drawn in the next one.
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    page.wait_for_selector("html[data-settled]", state="attached")


def address(page: Page) -> dict[str, str]:
    """What the address says is looked at."""
    settled(page)
    hash_: str = page.evaluate("() => location.hash")  # `page.url` comes later
    return dict(part.split("=", 1) for part in hash_.removeprefix("#").split("&") if part)


def place(page: Page, event: int, thread: int, *, above: int = 0) -> tuple[float, float]:
    """Where an event is drawn, in the window: by the order, in a trace whose lanes all show.

    `above` is how many of the lanes above have a level of sections.
    """
    at = address(page)
    box = page.locator("#lanes").bounding_box()
    assert box is not None
    events = page.locator("#facts").inner_text().split()[0].replace(",", "")
    first, last = float(at.get("a", 0)), float(at.get("b", events))
    gutter, scale, lane, level = 132, 22, 33, 14
    across = (event + 0.5 - first) / (last - first) * (box["width"] - gutter)
    down = thread * lane + above * level + 7 + 10
    return box["x"] + gutter + across, box["y"] + scale + down
