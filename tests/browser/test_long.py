"""Traces that a page cannot hold: in a file by windows, and from a server as one looks closer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from racepage.detect import analyse
from racepage.events import Kind, Op, Target
from racepage.report.serve import Served, Server, serving
from racepage.report.viewer.kept import Limits
from racepage.trace.columns import Trace, TraceBuilder
from tests.browser.conftest import READY, Open, address, place, settled

LITTLE = Limits(around=30, buckets=64)


def long() -> Trace:
    """2,407 events: two races, at 1,202 and 1,203 and at the end, far from all others."""
    build = TraceBuilder()
    page, other = Target(Kind.PAGE, "0"), Target(Kind.PAGE, "1")
    for name in ("t1", "t2"):
        build.add("main", Op.START, Target(Kind.THREAD, name), time=1)
    for half in range(2):
        build.add("t1", Op.LOCK, Target(Kind.LOCK, "m"))
        for at in range(1198):
            build.add(f"t{at % 2 + 1}", Op.READ, other, at % 64, at % 64 + 8, time=5 + at)
        build.add("t1", Op.UNLOCK, Target(Kind.LOCK, "m"))
        build.add("t1", Op.WRITE, page, half * 8, half * 8 + 8)
        build.add("t2", Op.WRITE if half else Op.READ, page, half * 8, half * 8 + 8)
    build.add("main", Op.JOIN, Target(Kind.THREAD, "t1"), time=9999)
    return build.finish()


# A file ------------------------------------------------------------------------------------------


def test_a_file_says_what_it_holds(view: Open) -> None:
    page = view(long(), excerpt=LITTLE)
    expect(page.locator("#held")).to_have_text(
        "2,407 events: the timeline shows their density; "
        "events are in the windows around 2 findings"
    )
    expect(page.locator("#facts")).to_contain_text("2,407 events · 3 threads · 2 pages")
    expect(page.locator("#verdict")).to_have_text("2 findings")


def test_what_is_told_of_a_race_is_what_the_whole_trace_tells(view: Open) -> None:
    told = []
    for limits in (None, LITTLE):
        page = view(long(), excerpt=limits)
        page.keyboard.press("j")
        expect(page.locator("#detail h3")).to_contain_text("page:0[8:16]")
        told.append(page.locator("#detail").inner_text())
        expect(page.locator("#pages-title")).to_have_text("page:0")
        told.append(page.locator("#cell-said").inner_text())
    assert told[:2] == told[2:]


def test_keys_the_address_and_the_filter_work_in_a_file_of_windows(view: Open) -> None:
    page = view(long(), excerpt=LITTLE, address="e=1205")
    expect(page.locator("#detail h3")).to_have_text("Event 1205")
    page.keyboard.press(",")
    expect(page.locator("#detail h3")).to_have_text("Event 1204")  # t1 locks
    page.keyboard.press("j")
    expect(page.locator("#detail h3")).to_contain_text("page:0[0:8]")
    page.wait_for_function("() => location.hash.includes('f=0')")
    page.keyboard.press("/")
    page.keyboard.type("nowhere")
    expect(page.locator("#shown")).to_have_text("0 of 2")


def test_an_event_that_a_file_lacks_is_said_to_be_lacking(view: Open) -> None:
    page = view(long(), excerpt=LITTLE, address="e=600")
    expect(page.locator("#held")).to_contain_text("; event 600 is in none of them")


def test_events_of_a_window_are_hit_where_they_stand(view: Open) -> None:
    page = view(long(), excerpt=LITTLE, address="f=0&a=1180&b=1220")
    page.mouse.click(*place(page, 1202, 1))
    assert address(page)["e"] == "1202"


def test_density_is_drawn_in_both_axes_and_themes(view: Open) -> None:
    for dark in (False, True):
        page = view(long(), excerpt=LITTLE, address="a=200&b=800", dark=dark)
        by_order = page.locator("#lanes").screenshot()
        page.keyboard.press("t")
        assert address(page)["x"] == "time"
        assert page.locator("#lanes").screenshot() != by_order


@pytest.mark.parametrize("width", [320, 768])
def test_a_file_of_windows_does_not_hang_over_the_side(view: Open, width: int) -> None:
    page = view(long(), excerpt=LITTLE, width=width, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# A server ----------------------------------------------------------------------------------------


@dataclass
class Visit:
    page: Page
    server: Server
    asked: list[str]

    def go(self, hash_: str) -> None:
        before = self.page.evaluate("Number(document.documentElement.dataset.asked ?? 0)")
        self.page.evaluate("(hash) => { location.hash = hash; }", hash_)
        self.page.wait_for_function(
            "(before) => Number(document.documentElement.dataset.asked) > before", arg=before
        )
        settled(self.page)


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """The page of a server in a browser that may ask nobody else."""
    trace = long()
    said: list[str] = []
    with serving(Served(trace, analyse(trace), subject="long", most_events=10)) as server:
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        found = Visit(page, server, [])
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: found.asked.append(request.url))
        page.goto(server.address)
        page.wait_for_selector(f"{READY}[data-asked]", state="attached")
        yield found
        context.close()
    assert all(url.startswith(server.address) for url in found.asked)
    assert said == []


def test_a_served_page_brings_the_events_that_come_into_view(visit: Visit) -> None:
    expect(visit.page.locator("#held")).to_contain_text("and events as you come closer")
    visit.go("f=0&a=500&b=540")
    visit.page.mouse.click(*place(visit.page, 511, 1))
    expect(visit.page.locator("#detail h3")).to_have_text("Event 511")
    expect(visit.page.locator("#detail .fields")).to_contain_text("m (write)")  # since event 2


def test_a_served_page_brings_an_event_that_the_address_asks_for(visit: Visit) -> None:
    visit.go("e=1800")
    expect(visit.page.locator("#detail h3")).to_have_text("Event 1800")
    assert visit.page.url.endswith("e=1800") or address(visit.page)["e"] == "1800"
    visit.page.keyboard.press("j")
    expect(visit.page.locator("#detail h3")).to_contain_text("page:0[0:8]")
