from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.trace.columns import Trace, TraceBuilder
from tests.browser.conftest import Open, address, place, settled

S = "\N{RIGHT SINGLE QUOTATION MARK}s"
EVIL = "</script><img src=x onerror=alert(1)>\u202e'\"\n{{script}}"


def many_races(count: int) -> Trace:
    """As many findings, each with places of its own."""
    build = TraceBuilder()
    for name in ("t1", "t2"):
        build.add("main", Op.START, Target(Kind.THREAD, name))
    for at in range(count):
        page = Target(Kind.PAGE, str(at % 7))
        for name in ("t1", "t2"):
            stack = (Frame("many.py", at + 1, f"{name}_{at}"),)
            build.add(name, Op.WRITE, page, at % 512 * 8, at % 512 * 8 + 8, stack=stack)
    return build.finish()


def timed(trace_events: int = 6) -> Trace:
    build = TraceBuilder()
    for at in range(trace_events):
        build.add(f"t{at % 2}", Op.WRITE, Target(Kind.PAGE, "0"), 0, 8, time=1 + at * at * 1000)
    return build.finish()


def selected(page: Page) -> str:
    return page.locator("#rows [aria-selected=true]").inner_text()


# The focus --------------------------------------------------------------------------------------


def test_the_first_finding_is_looked_at(view: Open) -> None:
    page = view()
    expect(page.locator("#verdict")).to_have_text("2 findings")
    expect(page.locator("#detail h3")).to_contain_text("page:0[192:256]")
    expect(page.locator("#pages-title")).to_have_text("page:0")
    assert "copy_more" in selected(page)
    assert address(page)["f"] == "0"


def test_j_and_k_move_every_pane(view: Open) -> None:
    page = view()
    page.keyboard.press("j")
    expect(page.locator("#detail h3")).to_contain_text("page:1[64:72]")
    expect(page.locator("#pages-title")).to_have_text("page:1")
    assert "recycle" in selected(page)
    assert address(page)["f"] == "1"
    page.keyboard.press("j")  # there is no third
    assert address(page)["f"] == "1"
    page.keyboard.press("k")
    expect(page.locator("#pages-title")).to_have_text("page:0")


def test_a_click_on_a_row_looks_at_its_finding(view: Open) -> None:
    page = view()
    page.locator("#finding-1").click()
    expect(page.locator("#detail h3")).to_contain_text("page:1[64:72]")


def test_a_click_on_an_event_looks_at_it(view: Open) -> None:
    page = view()
    page.mouse.click(*place(page, 5, 1))  # t1 writes under its lock
    expect(page.locator("#detail h3")).to_have_text("Event 5")
    expect(page.locator("#detail .fields")).to_contain_text("m (write)")
    expect(page.locator("#detail")).to_contain_text("transact")
    assert address(page)["e"] == "5"


def test_a_click_on_a_racing_event_looks_at_its_race(view: Open) -> None:
    page = view()
    page.mouse.click(*place(page, 12, 2, above=1))  # t2 writes what t1 zeroes
    expect(page.locator("#detail h3")).to_contain_text("page:1[64:72]")
    expect(page.locator("#pages-title")).to_have_text("page:1")
    assert "recycle" in selected(page)


def test_a_click_on_a_byte_looks_at_who_touched_it_last(view: Open) -> None:
    page = view()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 2.7 / 64, box["y"] + box["height"] * 3.7 / 64)
    # Byte 3 * 64 + 2, as of the read at event 10.
    expect(page.locator("#cell-said")).to_contain_text("Byte 194 (0xc2): 2 touches, last the read")
    assert address(page)["e"] == "10"


def test_escape_goes_back_from_the_event_to_the_finding_to_nothing(view: Open) -> None:
    page = view(address="f=1&e=5")
    expect(page.locator("#detail h3")).to_have_text("Event 5")
    page.keyboard.press("Escape")
    expect(page.locator("#detail h3")).to_contain_text("page:1[64:72]")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_contain_text("2 findings. Choose one")


def test_an_event_says_what_is_ordered_with_it(view: Open) -> None:
    page = view(address="e=9")
    row = page.locator(".knows-table tr", has_text="t2")
    # Of t2 nothing is before t1's second write, nor after it: its four events are unordered.
    expect(row.locator("td")).to_have_text(["t2", *"\N{EN DASH}\N{EN DASH}", "4"])


def test_keys_step_along_a_thread_and_across(view: Open) -> None:
    page = view(address="e=5")
    page.keyboard.press(".")
    assert address(page)["e"] == "6"
    page.keyboard.press(",")
    page.keyboard.press(",")
    assert address(page)["e"] == "4"
    page.keyboard.press("[")
    assert address(page)["e"] == "3"  # main's last before


def test_keys_step_from_the_later_side_of_a_race(view: Open) -> None:
    page = view(address="f=0")
    page.keyboard.press(".")
    assert address(page)["e"] == "12"  # t2's next after its read


def test_of_many_lanes_those_of_a_race_come_first(view: Open) -> None:
    build = TraceBuilder()
    for at in range(40):
        build.add(f"t{at}", Op.WRITE, Target(Kind.PAGE, str(at % 39)), 0, 8)
    page = view(build.finish())  # t0 and t39 race
    for lane, event in ((0, 0), (1, 39)):
        page.mouse.move(*place(page, event, lane))
        expect(page.locator("#tip")).to_contain_text(f"t{event} write")


# The address ------------------------------------------------------------------------------------


def test_an_address_shows_what_it_was_taken_from(view: Open) -> None:
    page = view(address="f=1&a=2&b=9&q=pool")
    expect(page.locator("#detail h3")).to_contain_text("page:1[64:72]")
    expect(page.locator("#query")).to_have_value("pool")
    expect(page.locator("#shown")).to_have_text("1 of 2")
    page.keyboard.press("ArrowRight")
    now = address(page)
    assert float(now["b"]) - float(now["a"]) == pytest.approx(7)
    assert float(now["a"]) > 2


def test_another_address_in_the_same_page_is_followed(view: Open) -> None:
    page = view()
    page.evaluate("location.hash = 'f=1'")
    expect(page.locator("#detail h3")).to_contain_text("page:1[64:72]")


def test_an_address_that_makes_no_sense_is_the_start(view: Open) -> None:
    page = view(address="f=99&e=-1&p=x&a=9&b=1&s=%3Cb%3E&x=__proto__")
    expect(page.locator("#detail h3")).to_contain_text("page:0[192:256]")


# The timeline -----------------------------------------------------------------------------------


def span(page: Page) -> float:
    now = address(page)
    return float(now["b"]) - float(now["a"])


def test_the_wheel_zooms_around_the_pointer(view: Open) -> None:
    page = view(many_races(300), address="f=5&a=100&b=300")
    x, y = place(page, 200, 1)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    assert span(page) < 100
    assert place(page, 200, 1)[0] == pytest.approx(x, abs=2)


def test_shift_and_the_wheel_move_along(view: Open) -> None:
    page = view(many_races(300), address="f=5&a=100&b=300")
    page.mouse.move(*place(page, 200, 1))
    page.keyboard.down("Shift")
    page.mouse.wheel(0, 200)
    page.keyboard.up("Shift")
    assert float(address(page)["a"]) > 100
    assert span(page) == pytest.approx(200)


def test_dragging_moves_along(view: Open) -> None:
    page = view(many_races(300), address="f=5&a=100&b=300")
    x, y = place(page, 200, 1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 150, y, steps=4)
    page.mouse.up()
    assert place(page, 200, 1)[0] == pytest.approx(x - 150, abs=2)


def test_keys_zoom_and_show_all(view: Open) -> None:
    page = view(many_races(300), address="f=5&a=100&b=300")
    page.keyboard.press("ArrowUp")
    assert span(page) < 200
    page.keyboard.press("0")
    assert "a" not in address(page)
    page.keyboard.press("f")
    assert span(page) < 200


def test_the_strip_above_moves_the_view(view: Open) -> None:
    page = view(many_races(300), address="f=5&a=0&b=60")
    box = page.locator("#overview").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 132 + (box["width"] - 132) * 0.75, box["y"] + 10)
    assert float(address(page)["a"]) == pytest.approx(0.75 * 602 - 30, abs=3)


def test_the_pointer_is_told_what_is_under_it(view: Open) -> None:
    page = view()
    page.mouse.move(*place(page, 5, 1))
    expect(page.locator("#tip")).to_be_visible()
    expect(page.locator("#tip")).to_contain_text("t1 write page:0[0:64]")
    expect(page.locator("#tip")).to_contain_text("binder.py:120 copy_in")


def test_time_is_another_axis(view: Open) -> None:
    page = view(timed())
    page.keyboard.press("t")
    assert address(page)["x"] == "time"
    expect(page.locator("#axis [data-value=time]")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("t")
    assert "x" not in address(page)


def test_without_times_there_is_no_time_axis(view: Open) -> None:
    page = view()
    expect(page.locator("#axis [data-value=time]")).to_be_disabled()
    page.keyboard.press("t")
    assert "x" not in address(page)


# The table --------------------------------------------------------------------------------------


def test_a_slash_filters(view: Open) -> None:
    page = view()
    page.keyboard.press("/")
    page.keyboard.type("pool.py -copy")
    expect(page.locator("#rows .row")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#detail h3")).to_contain_text("page:1[64:72]")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.locator("#rows .row")).to_have_count(2)


def test_a_filter_that_nothing_meets_says_so(view: Open) -> None:
    page = view(address="q=nonsense")
    expect(page.locator("#rows")).to_have_text("No finding has these words.")


def test_thousands_of_findings_are_a_few_rows_on_the_page(view: Open) -> None:
    page = view(many_races(3000))
    expect(page.locator("#shown")).to_have_text("3,000")
    assert page.locator("#rows .row").count() < 40
    page.keyboard.press("End")
    expect(page.locator("#finding-2999")).to_be_visible()
    expect(page.locator("#finding-2999")).to_have_attribute("aria-rowindex", "3001")
    assert page.locator("#rows .row").count() < 40


def test_a_header_sorts_both_ways_and_back(view: Open) -> None:
    page = view(many_races(30))
    head = page.get_by_role("columnheader", name="First")
    for way in ("ascending", "descending", "none"):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", way)


# What a page shows ------------------------------------------------------------------------------


def test_a_race_says_why(view: Open) -> None:
    page = view()
    detail = page.locator("#detail")
    expect(detail).to_contain_text("Why nothing orders them")
    expect(detail).to_contain_text(
        f"The last of t1 that is ordered before t2{S} read is unlock m (event 6, clock 1)"
    )
    expect(detail).to_contain_text(f"Nothing that t2 did is ordered before t1{S} write.")
    expect(detail.locator(".side.first")).to_contain_text("no lock")
    detail.get_by_role("button", name="event 6").click()
    expect(page.locator("#detail h3")).to_have_text("Event 6")


def test_bytes_that_were_recorded_are_told(view: Open) -> None:
    page = view(
        "t1 write page:0[0:4] old=00000000 new=01010101\nt2 write page:0[2:4] old=0101 new=0102\n"
    )
    shown = page.locator("#detail .hex")
    expect(shown).to_contain_text("2\u2212 01 01+ 01 02")
    expect(shown.locator("b")).to_have_text(["01", "02"])


def test_a_clean_trace_says_so(view: Open) -> None:
    page = view("main alloc page:0 size=4096 zero\nmain write page:0[0:64]\nmain free page:0")
    expect(page.locator("#verdict")).to_have_text("clean")
    expect(page.locator("#rows")).to_have_text("Nothing was found in 3 events.")


def test_a_trace_without_events_opens(view: Open) -> None:
    page = view("")
    expect(page.locator("#facts")).to_have_text("0 events · 0 threads · 0 pages")
    expect(page.locator("#page-body")).to_have_text("No page was touched.")


def test_heat_shows_how_often(view: Open) -> None:
    page = view()
    before = page.locator("#map").screenshot()
    page.get_by_role("radio", name="Heat").click()
    settled(page)
    assert page.locator("#map").screenshot() != before


def test_help_opens_and_closes(view: Open) -> None:
    page = view()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Finding your way")
    expect(dialog).to_be_visible()
    expect(dialog.locator("kbd").first).to_have_text("j")
    expect(dialog).not_to_contain_text("[object")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


# Light, dark, small -----------------------------------------------------------------------------


def background(page: Page) -> int:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3]))


def test_the_system_s_theme_is_followed_and_can_be_changed(view: Open) -> None:
    page = view(dark=True)
    assert background(page) < 128
    lanes = page.locator("#lanes").screenshot()
    page.keyboard.press("d")  # light, whatever the system says
    settled(page)
    assert background(page) > 600
    assert page.locator("#lanes").screenshot() != lanes
    page.keyboard.press("d")
    assert background(page) < 128


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1920])
def test_nothing_hangs_over_the_side(view: Open, width: int) -> None:
    page = view(width=width, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for pane in ("#findings", "#lanes", "#detail", "#map"):
        page.locator(pane).scroll_into_view_if_needed()
        expect(page.locator(pane)).to_be_in_viewport()


# Who cannot see it ------------------------------------------------------------------------------


def test_everything_that_can_be_reached_has_a_name(view: Open) -> None:
    page = view()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, canvas[role], [role=grid], section")]
            .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim()
                || document.getElementById(one.getAttribute("aria-labelledby"))))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []


def test_the_tree_that_a_screen_reader_has(view: Open) -> None:
    tree = view().locator("body").aria_snapshot()
    for line in (
        'region "Findings"',
        'searchbox "Filter findings"',
        'grid "Findings"',
        'columnheader "Finding"',
        'region "Timeline"',
        'application "A lane for each thread"',
        'radiogroup "Time axis"',
        'region "Detail"',
        'article "The first side"',
        'application "page:0, 4,096 bytes; arrows move between bytes"',
    ):
        assert line in tree, line


def test_the_table_is_read_as_one_moves(view: Open) -> None:
    page = view()
    page.locator("#table").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#table")).to_have_attribute("aria-activedescendant", "finding-1")
    expect(page.locator("#said")).to_contain_text("Finding 2: t1 zeroes and t2 writes")


def test_bytes_can_be_walked_with_the_keyboard(view: Open) -> None:
    page = view()
    page.locator("#map").focus()
    for key in ("ArrowUp", "ArrowRight"):  # from the first that both touch
        page.keyboard.press(key)
    expect(page.locator("#cell-said")).to_contain_text("Byte 129 (0x81)")
    page.keyboard.press("Enter")
    assert address(page)["e"] == "9"


# Whom it trusts ---------------------------------------------------------------------------------


def test_names_are_text_wherever_they_show(view: Open) -> None:
    build = TraceBuilder()
    stack = (Frame(EVIL, 3, EVIL),)
    target = Target(Kind.PAGE, EVIL)
    build.add("main", Op.ALLOC, target, 0, 4096, flags=Flag.ZEROED)
    build.label(target, EVIL)
    for who in ("1", "2"):
        build.add("main", Op.START, Target(Kind.THREAD, EVIL + who))
    for who in ("1", "2"):
        build.add(EVIL + who, Op.LOCK, Target(Kind.LOCK, EVIL + who))
        build.add(EVIL + who, Op.WRITE, target, 0, 8, stack=stack)
    page = view(build.finish())
    assert page.locator("img").count() == 0
    body = page.locator("body").inner_text()
    assert "</script><img src=x onerror=alert(1)>\\u{202e}'\"\\u{a}{{script}}1" in body
    assert "\u202e" not in body
    page.mouse.move(*place(page, 4, 1))
    expect(page.locator("#tip")).to_contain_text("<img src=x")


def test_the_policy_stops_what_was_not_in_the_page(view: Open) -> None:
    page = view(listening=False)
    page.evaluate(
        """() => {
            window.stopped = [];
            addEventListener("securitypolicyviolation", (event) => {
                window.stopped.push(event.effectiveDirective);
            });
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src='https://example.org/x.png'>");
            fetch("https://example.org/").catch(() => {});
        }"""
    )
    page.wait_for_function("window.stopped.length === 3")
    assert page.evaluate("window.ran") is None
    assert set(page.evaluate("window.stopped")) == {"script-src-elem", "img-src", "connect-src"}
