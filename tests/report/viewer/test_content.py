"""What goes into the page of a trace that it cannot hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from racepage.detect import analyse
from racepage.events import Frame, Kind, Op, Target
from racepage.report import html
from racepage.report.viewer.content import Content, Excerpt, whole
from racepage.report.viewer.kept import Limits
from racepage.trace import text
from racepage.trace.columns import Trace, TraceBuilder

RACY = text.parse(
    "\n".join(
        [
            "main alloc page:9 size=4096 zero @ a.py:1 f",
            *["main write page:9[0:8] @ a.py:2 f", "main read page:9[0:8]"] * 50,
            *("main start t1", "main start t2"),
            "t1 lock lock:m",
            "t1 write page:7[0:64] @ b.py:3 g",
            "t1 unlock lock:m",
            "t2 write page:7[32:96] @ b.py:4 h",
            *["t2 read page:9[8:16] @ c.py:5 k"] * 50,
            *("main join t1", "main join t2"),
        ]
    )
)
"""Events 104 and 106 race."""

LITTLE = Limits(around=2, buckets=16)


def excerpt(trace: Trace = RACY, limits: Limits = LITTLE) -> Content:
    return Excerpt(trace, analyse(trace), limits).content()


def test_each_event_that_is_held_says_which_it_is() -> None:
    columns = excerpt().columns
    at = columns["at"]
    assert {102, 103, 104, 105, 106, 107, 108} <= set(at.tolist())
    assert len(at) < 20
    for name in ("thread", "op", "target", "offset", "length", "site", "flags", "order"):
        assert columns[name].tolist() == getattr(RACY.columns, name)[at].tolist(), name


def test_racing_events_and_arrows_are_told_by_their_place() -> None:
    columns = excerpt().columns
    at = columns["at"]
    assert at[columns["racy"]].tolist() == [104, 106]
    edges = {
        (int(at[to - back]), int(at[to]))
        for to, back in zip(columns["arrowTo"], columns["arrowBack"], strict=True)
    }
    assert {(101, 103), (102, 106)} <= edges  # the two starts


def test_the_density_is_of_all_events() -> None:
    made = excerpt()
    shift, buckets = made.facts["density"]["shift"], made.facts["density"]["buckets"]
    assert (shift, buckets) == (4, 10)
    counts = made.columns["density"].reshape(6, 3, buckets)
    assert counts[:5].sum() == len(RACY) == made.facts["events"] == 159
    assert counts[5].sum() == 2


def test_tables_have_what_is_told_of_and_nothing_else() -> None:
    many = "\n".join(f"main read page:{one}[0:8] @ m.py:{one} f" for one in range(100, 400))
    source = text.render(RACY)
    facts = excerpt(text.parse(f"{source}\n{many}")).facts
    names = {name for _, name, _ in facts["targets"].values()}
    assert {"7", "9", "m", "t1", "t2"} <= names
    assert len(names) < 12
    assert {place for place, _, _ in facts["frames"]} >= {"b.py:3", "b.py:4"}
    assert len(facts["sites"]) < 10
    assert facts["pages"] == 302


def test_names_of_what_no_held_event_touches_are_known_where_findings_say_them() -> None:
    made = excerpt()
    [finding] = made.facts["findings"]
    assert made.facts["targets"][finding["page"]][1] == "7"
    for side in (finding["first"], finding["second"]):
        for lock, _ in side["locks"]:
            assert lock in made.facts["targets"]


def test_the_bytes_of_a_race_s_page_are_counted() -> None:
    made = excerpt()
    [(page, events)] = made.facts["touched"]
    assert (made.facts["targets"][page][1], events) == ("7", 2)
    heat, last = made.columns["heat"], made.columns["last"]
    assert [heat[cell] for cell in (0, 31, 32, 63, 64, 95, 96)] == [1, 1, 2, 2, 1, 1, 0]
    assert [last[cell] for cell in (0, 32, 96)] == [104, 106, -1]
    assert {104, 106} <= set(made.columns["at"].tolist())


def test_times_are_of_every_event_that_is_held() -> None:
    clock = np.where(np.arange(len(RACY)) % 3, 0, 1000 + np.arange(len(RACY)) * 10)
    timed = replace(RACY, columns=replace(RACY.columns, time=clock))
    made = excerpt(timed)
    assert made.columns["timed"].tolist() == list(range(len(made.columns["at"])))
    assert made.columns["time"][0] == 0
    assert made.facts["latest"] == 1560  # of event 156
    assert made.columns["slow"].reshape(6, 3, -1)[:5].sum() == len(RACY)


def test_an_excerpt_says_how_many_findings_have_windows() -> None:
    assert excerpt().facts["windows"] == 1
    assert excerpt(limits=Limits(windows=0)).facts["windows"] == 0
    assert "windows" not in whole(RACY, analyse(RACY)).facts


def test_the_size_of_a_page_does_not_follow_the_trace_s() -> None:
    def size(times: int) -> int:
        body = "\n".join(["main read page:9[0:8]"] * times)
        trace = text.parse(f"{text.render(RACY)}\n{body}")
        return len(html.render(trace, analyse(trace), most_events=1, limits=LITTLE))

    assert size(20_000) < size(1_000) + 2_000


def test_a_page_of_an_excerpt_is_ascii_json_and_packed_columns() -> None:
    page = html.render(RACY, analyse(RACY), most_events=1, limits=LITTLE)
    block = page.split('id="data">')[1].split("</script>")[0]
    facts: dict[str, Any] = json.loads(block)
    headers = {one["name"]: one["count"] for one in facts["columns"]}
    assert headers["at"] == headers["thread"]
    assert headers["density"] == 6 * 3 * 10


def test_a_window_has_its_events_and_what_they_point_to() -> None:
    made = Excerpt(RACY, analyse(RACY), Limits(around=0)).window(110, 120)
    assert set(range(110, 120)) <= set(made.columns["at"].tolist())
    assert "density" not in made.columns
    places = {made.facts["frames"][one][0] for site in made.facts["sites"].values() for one in site}
    assert "c.py:5" in places


@pytest.mark.parametrize(("source", "held"), [("", []), ("main read page:0[0:8]", [0])])
def test_a_trace_without_findings_has_an_excerpt(source: str, held: list[int]) -> None:
    assert excerpt(text.parse(source)).columns["at"].tolist() == held


@pytest.mark.parametrize(
    "evil", ["</script><img src=x>", "<!--<script>", "\u2028'\"&lt;", "\ud800"]
)
def test_no_name_becomes_markup_in_an_excerpt(evil: str) -> None:
    build = TraceBuilder()
    target = Target(Kind.PAGE, evil)
    build.label(target, evil)
    for name in ("1", "2"):
        build.add(evil + name, Op.WRITE, target, 0, 8, stack=(Frame(evil, 1, evil),))
    trace = build.finish()
    page = html.render(trace, analyse(trace), subject="x", most_events=0, limits=LITTLE)
    plain = html.render(RACY, analyse(RACY), subject="x", most_events=0, limits=LITTLE)
    assert page.count("<") == plain.count("<")
    block = page.split('id="data">')[1].split("</script>")[0]
    assert json.loads(block)["threads"] == [evil + "1", evil + "2"]
