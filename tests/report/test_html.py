from __future__ import annotations

import hashlib
import json
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from racepage.detect import analyse
from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.finding import Analysis, Finding
from racepage.report import html
from racepage.report.viewer.assets import script
from racepage.report.viewer.pack import pack
from racepage.trace import text
from racepage.trace.columns import Trace, TraceBuilder

RACY = """\
main  alloc  page:0 size=4096 zero
main  start  t1
main  start  t2
t1    lock   lock:m
t1    write  page:0[0:64]    @ binder.py:120 copy_in < binder.py:88 transact
t1    unlock lock:m
t2    write  page:0[32:96]   @ binder.py:131 copy_out
main  join   t1
main  join   t2
"""

EVIL = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "\"'`",
    "\u2028\u2029",
    "\x00\x1b[31m\x7f",
    "\u202eevil",
    "\ud800",
    "{{script}}",
    "&lt;b&gt;",
    "</title><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "__proto__",
]


class Page(HTMLParser):
    """What a browser makes of a page, as far as these tests ask."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._within: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in {"script", "style", "title"}:
            self._within.append(given.get("id") or tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style", "title"}:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within:
            self.text[self._within[-1]] = self.text.get(self._within[-1], "") + data

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text["data"])
        return found

    def column(self, name: str) -> list[int]:
        """Unpacked by the words of pack.py, and by none of its code."""
        [header] = [one for one in self.facts["columns"] if one["name"] == name]
        planes = zlib.decompress(b64decode(self.text[f"column-{name}"]))
        count = header["count"]
        numbers = [
            sum(planes[plane * count + at] << 8 * plane for plane in range(header["planes"]))
            for at in range(count)
        ]
        if header["coding"] == "raw":
            return [header["base"] + number for number in numbers]
        steps = [-(number + 1) // 2 if number % 2 else number // 2 for number in numbers]
        return [header["base"] + sum(steps[: at + 1]) for at in range(count)]


def rendered(source: str) -> Page:
    trace = text.parse(source)
    return Page(html.render(trace, analyse(trace)))


def evil_trace(evil: str) -> Trace:
    """A race whose every name is `evil`."""
    build = TraceBuilder()
    page, lock = Target(Kind.PAGE, evil), Target(Kind.LOCK, evil)
    stack = (Frame(evil + ".py", 7, evil),)
    first, second = evil + "1", evil + "2"
    build.add("main", Op.ALLOC, page, 0, 4096, flags=Flag.ZEROED, stack=stack)
    build.label(page, evil)
    build.label(lock, evil)
    for name in (first, second):
        build.add("main", Op.START, Target(Kind.THREAD, name))
    build.add(first, Op.LOCK, lock, stack=stack)
    build.add(first, Op.WRITE, page, 0, 8, stack=stack)
    build.add(second, Op.WRITE, page, 4, 12, stack=stack)
    return build.finish()


def evil_analysis(trace: Trace, evil: str) -> Analysis:
    found = analyse(trace)
    crash = Finding(kind="program-error", message=evil, suppressed=evil)
    return replace(found, path=evil, warnings=(evil,), findings=(*found.findings, crash))


def test_a_page_has_its_blocks_and_no_others() -> None:
    page = rendered(RACY)
    kinds = [given.get("type") for tag, given in page.tags if tag == "script"]
    columns = len(page.facts["columns"])
    assert kinds == ["application/json", *["application/octet-stream"] * columns, None]
    assert [tag for tag, _ in page.tags].count("style") == 1


@pytest.mark.parametrize("evil", EVIL)
def test_no_name_becomes_markup(evil: str) -> None:
    trace = evil_trace(evil)
    page = Page(html.render(trace, evil_analysis(trace, evil), subject=evil))
    plain = rendered(RACY)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert page.text["script"] == plain.text["script"]
    assert page.text["style"] == plain.text["style"]


@pytest.mark.parametrize("evil", EVIL)
def test_every_name_arrives_as_it_is(evil: str) -> None:
    trace = evil_trace(evil)
    facts = Page(html.render(trace, evil_analysis(trace, evil), subject=evil)).facts
    assert facts["threads"] == ["main", evil + "1", evil + "2"]
    assert facts["targets"][0] == [int(Kind.PAGE), evil, evil]
    assert facts["subject"] == facts["path"] == facts["warnings"][-1] == evil
    assert facts["findings"][-1]["message"] == facts["findings"][-1]["suppressed"] == evil
    assert facts["frames"][0][1] == evil


@pytest.mark.parametrize("evil", EVIL)
def test_the_data_block_is_ascii_that_html_does_not_see(evil: str) -> None:
    block = html.in_script({evil: evil})
    assert json.loads(block) == {evil: evil}
    assert block.isascii()
    assert not set(block) & set("<>&")


def test_names_in_the_title_are_printable() -> None:
    trace = text.parse(RACY)
    title = Page(html.render(trace, analyse(trace), subject="a\u202e\n<b>")).text["title"]
    assert title == "a\\u202e\\n<b> · racepage"


def test_the_policy_allows_one_script_one_style_and_no_connection() -> None:
    page = rendered(RACY)
    [policy] = [
        given["content"]
        for tag, given in page.tags
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{_sha256(page.text['script'])}'",
        "style-src": f"'sha256-{_sha256(page.text['style'])}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def _sha256(source: str) -> str:
    return b64encode(hashlib.sha256(source.encode()).digest()).decode()


def test_the_policy_stands_before_anything_that_it_is_about() -> None:
    tags = [tag for tag, given in rendered(RACY).tags if tag in {"style", "script"} or given]
    assert tags.index("meta") < tags.index("style") < tags.index("script")


def test_nothing_is_fetched_and_no_markup_parsed() -> None:
    page = rendered(RACY)
    for tag, given in page.tags:
        assert not {"src", "style"} & set(given), tag
        assert not [name for name in given if name.startswith("on")], tag
        assert (given.get("href") or "#").startswith("#"), tag
    for bad in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval", "fetch"):
        assert bad not in page.text["script"]
    assert not re.search(r"\bFunction\(|\bimport\b", page.text["script"])
    assert not re.search(r"url\(|@import", page.text["style"])


def test_columns_arrive_as_they_are() -> None:
    trace = text.parse(RACY)
    page = rendered(RACY)
    for name in ("thread", "op", "target", "offset", "length", "site", "flags", "order"):
        assert page.column(name) == getattr(trace.columns, name).tolist(), name


def test_times_count_from_the_first() -> None:
    trace = text.parse(RACY)
    time = np.array([0, 500, 0, 740, 0, 0, 620, 0, 0])
    trace = replace(trace, columns=replace(trace.columns, time=time))
    page = Page(html.render(trace, analyse(trace)))
    assert page.column("timed") == [1, 3, 6]
    assert page.column("time") == [0, 240, 120]


def test_a_finding_names_its_events() -> None:
    [finding] = rendered(RACY).facts["findings"]
    assert finding["kind"] == "data-race"
    assert (finding["first"]["event"], finding["second"]["event"]) == (4, 6)
    assert finding["overlap"] == [32, 64]
    assert finding["first"]["locks"] == [[3, "write"]]
    # t1 knows main's two starts, but not the second one; main's clock there is 1.
    assert finding["first"]["vector"] == [[0, 1], [1, 1]]
    assert finding["why"] == {
        "first": {"event": None, "clock": 0},
        "second": {"event": None, "clock": 0},
    }


def test_places_are_told_once() -> None:
    facts = rendered(RACY).facts
    assert [(place, function) for place, function, _ in facts["frames"]] == [
        ("binder.py:120", "copy_in"),
        ("binder.py:88", "transact"),
        ("binder.py:131", "copy_out"),
    ]
    assert facts["sites"] == [[0, 1], [2]]


def test_the_page_s_vocabulary_is_that_of_events() -> None:
    facts = rendered(RACY).facts
    assert facts["ops"] == [op.name.lower() for op in Op]
    assert len(facts["sorts"]) == len(Op)
    kinds = re.search(r"const KINDS = (\[.*\]);", script())
    assert kinds is not None
    assert json.loads(kinds[1]) == [kind.name.lower() for kind in Kind]


def test_a_trace_without_events_is_a_page() -> None:
    page = rendered("")
    assert page.facts["events"] == 0
    assert page.column("thread") == []


def test_names_are_cut_so_that_a_trace_cannot_fill_a_browser() -> None:
    trace = evil_trace("x" * 100_000)
    facts = Page(html.render(trace, analyse(trace))).facts
    assert max(map(len, facts["threads"])) == 300


def test_an_event_takes_at_most_15_bytes() -> None:
    # 200,000 rows without any pattern: eight threads, 64 pages, any range, 512 places, and a time
    # on every fourth. A recorded program is kinder.
    random = np.random.default_rng(5)
    build = TraceBuilder()
    count = 200_000
    for page in range(64):
        build.add("main", Op.READ, Target(Kind.PAGE, str(page)), 0, 1)
    small = build.finish()
    rows = replace(
        small.columns,
        thread=random.integers(0, 8, count).astype(np.int32),
        op=random.integers(0, 2, count).astype(np.uint8),
        target=random.integers(0, 64, count).astype(np.int32),
        offset=random.integers(0, 4000, count),
        length=random.integers(1, 65, count),
        site=random.integers(-1, 512, count).astype(np.int32),
        flags=np.zeros(count, dtype=np.uint8),
        order=np.zeros(count, dtype=np.uint8),
        time=np.where(np.arange(count) % 4, 0, np.cumsum(random.integers(1, 4000, count))),
    )
    timed = np.flatnonzero(rows.time)
    columns = {
        **{
            name: getattr(rows, name)
            for name in ("thread", "op", "target", "offset", "length", "site", "flags", "order")
        },
        "timed": timed,
        "time": rows.time[timed],
    }
    size = sum(len(pack(name, values).text) for name, values in columns.items())
    assert size / count <= 15
