from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from racepage import sync
from racepage.exploration.api import explore
from racepage.exploration.result import Exploration
from racepage.exploration.schedule import Program
from racepage.exploration.schedule_file import from_line
from racepage.finding import PolicyUse
from racepage.memory import GFP_KERNEL, Page
from racepage.report import exploration_json
from racepage.report.exploration import LONGEST_COMMAND, command, first, render
from racepage.report.text import Style
from tests.report.test_json import validator


def together(*bodies: Callable[[], object], name: str = "t") -> None:
    threads = [sync.Thread(target=body, name=f"{name}{n}") for n, body in enumerate(bodies, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def ordered() -> None:
    cell = sync.Atomic(0)
    together(lambda: cell.fetch_add(1), lambda: cell.fetch_add(1))


def lost() -> None:
    cell = sync.Atomic(0, name="hits")

    def hit() -> None:
        before = cell.load()
        cell.store(before + 1)

    together(hit, hit)
    assert cell.load() == 2, "a hit is lost"


def racy() -> None:
    with Page.alloc_page(GFP_KERNEL, label="inbox") as page:
        together(
            lambda: page.write_raw(b"x" * 8, 0, 8),
            lambda: page.write_raw(b"y" * 8, 4, 8),
            name="\x1b[31m",
        )


def stuck() -> None:
    a, b = sync.Lock(name="a"), sync.Lock(name="b")

    def one() -> None:
        with a, b:
            pass

    def other() -> None:
        with b, a:
            pass

    together(one, other)


@cache
def explored(program: Callable[[], object], findings: int | None = 1) -> Exploration:
    """An exploration of a program, as if the command line had done it."""
    found = explore(program, findings=findings)
    target = Program("target", f"file.py:{program.__name__}", ("a b",))
    return replace(
        found,
        program=target.name,
        findings=tuple(
            replace(one, schedule=replace(one.schedule, program=target)) for one in found.findings
        ),
    )


def text(exploration: Exploration, style: Style | None = None) -> str:
    """The report, without what differs from time to time."""
    told = render(exploration, style or Style())
    return re.sub(r"in [\d.]+ s, [\d,]+ a second", "in no time", told.replace("\n", " "))


# The verdict -------------------------------------------------------------------------------------


def test_clean_says_that_there_are_no_other_executions() -> None:
    told = text(explored(ordered))
    assert told.startswith(
        "clean: nothing found, and these 2 executions are all there are file.py:ordered: "
    )
    assert "whoever goes first" in told


def test_one_execution_is_the_only_one() -> None:
    told = text(replace(explored(ordered), executions=1))
    assert told.startswith("clean: nothing found, and this is the only execution there is ")


def test_a_search_that_is_not_over_says_why() -> None:
    one = replace(explored(ordered), exhaustive=False, why_incomplete="time was up")
    assert text(one).startswith(
        "incomplete: nothing found in 2 executions Not all was seen: time was up file.py:ordered: "
    )


def test_what_touches_nothing_is_no_proof_of_anything() -> None:
    assert "there was nothing to look at" in text(replace(explored(ordered), steps=0))


def test_how_executions_ended_is_told_where_they_did_not_just_end() -> None:
    one = replace(explored(ordered), outcomes={"ended": 40, "deadlock": 3, "livelock": 1})
    assert "; 3 deadlocked, 1 went round for ever" in text(one)
    assert "ended" not in text(one)


def test_the_strategy_is_told_with_its_parameters() -> None:
    one = replace(explored(ordered), strategy="pct", parameters={"depth": 3, "seed": 7})
    assert "; strategy pct, depth 3, seed 7 " in text(one)


def test_what_is_suppressed_is_told_and_does_not_count() -> None:
    [found] = explored(lost).findings
    finding = replace(found.finding, suppressed="it is meant")
    hidden = replace(found, analysis=replace(found.analysis, findings=(finding,)))
    one = replace(explored(lost), findings=(hidden,), exhaustive=True, why_incomplete=None)
    assert text(one).startswith("1 finding suppressed: it is meant   program-error")
    assert "clean: nothing else found, and these " in text(one)
    assert first(one) is hidden
    both = replace(one, findings=(hidden, found))
    assert first(both) is found


# A finding ---------------------------------------------------------------------------------------


def test_a_finding_says_where_it_was_met_how_it_comes_about_and_how_to_have_it_again() -> None:
    told = render(explored(lost), Style(width=1000))
    at = [
        told.index(part)
        for part in (
            "━━ RP013 program-error ━",
            "AssertionError: a hit is lost",
            "\n  found   in execution ",
            "as small as it gets",
            "\n  order   run to completion, except at these points",
            "1. t1 is interrupted after: read cell:hits at ",
            "                 before = cell.load()\n",
            "before: write cell:hits at ",
            "t2 goes on: read cell:hits at ",
            "\n  steps   ",
            "\n  again   with this command:\nracepage replay rp1:",
            "\n1 finding: program-error\n",
            "racepage explain RP013",
        )
    ]
    assert at == sorted(at)


def test_the_command_is_one_line_however_narrow_the_report() -> None:
    [found] = explored(lost).findings
    lines = render(explored(lost), Style(width=40)).splitlines()
    assert command(found.schedule) in lines


def test_a_race_shows_what_really_happened() -> None:
    told = render(explored(racy))
    assert "\n  harm    What really happened: torn: " in told


def test_names_cannot_reach_the_terminal() -> None:
    assert "\x1b" not in render(explored(racy))
    assert "\\x1b[31m1" in render(explored(racy))


def test_colours_are_for_those_who_want_them() -> None:
    assert "\x1b[" in render(explored(lost), Style(color=True))


def test_of_many_findings_the_first_few_are_told() -> None:
    found = explored(stuck, None)
    assert {one.finding.kind for one in found.findings} == {"deadlock", "lock-order"}
    told = render(found, Style(limit=1))
    assert "… and 1 more finding; --limit 0 shows all of them\n" in told
    assert "\n2 findings: " in told


# The command -------------------------------------------------------------------------------------


def test_the_command_names_the_file_that_has_the_schedule() -> None:
    [found] = explored(lost).findings
    assert command(found.schedule, "my file.json") == "racepage replay 'my file.json'"
    assert "\nracepage replay 'my file.json'\n" in render(explored(lost), file="my file.json")


def test_what_only_its_program_can_call_has_no_command() -> None:
    [found] = explore(lost).findings
    assert command(found.schedule) is None


def test_a_command_that_is_too_long_to_paste_is_not_shown() -> None:
    [found] = explored(lost).findings
    names = tuple(f"{n * 7919:x}" * 20 for n in range(2_000))
    schedule = replace(found.schedule, program=Program("target", "a.py", names))
    told = command(schedule)
    assert told is not None
    assert len(told) > LONGEST_COMMAND
    long = replace(explored(lost), findings=(replace(found, schedule=schedule),))
    assert told not in render(long)
    assert "--save-schedule FILE keeps it" in render(long)


# JSON --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [ordered, lost, racy, stuck])
def test_the_json_report_keeps_the_schema_and_has_no_key_beyond_it(
    program: Callable[[], object],
) -> None:
    found = explored(program, None)
    made = json.loads(exploration_json.render(found))
    validator(exact=True).validate(made)
    assert made["verdict"] == found.verdict
    assert made["exploration"]["executions"] == found.executions
    assert [one["fingerprint"] for one in made["findings"]] == [
        one.finding.fingerprint for one in found.findings
    ]


def test_each_finding_has_its_schedule_in_both_forms() -> None:
    found = explored(lost)
    made = json.loads(exploration_json.render(found, file="lost.json"))
    execution = made["findings"][0]["execution"]
    assert from_line(execution["line"]) == found.findings[0].schedule
    assert execution["command"] == "racepage replay lost.json"
    assert made["exploration"]["schedule"] == execution["line"]
    assert len(execution["sites"]) == len(execution["schedule"]["turns"])


def test_a_replay_says_what_it_came_to() -> None:
    told = {"times": 10, "came_back": 7, "difference": "step 3 is another", "changed": True}
    made = json.loads(exploration_json.render(explored(lost), replay=told))
    validator(exact=True).validate(made)
    assert made["exploration"]["replay"] == told


def test_the_policy_is_that_of_all_findings() -> None:
    found = explored(lost)
    [one] = found.findings
    marked = replace(one, analysis=replace(one.analysis, policy=PolicyUse()))
    made = json.loads(exploration_json.render(replace(found, findings=(marked,))))
    assert made["policy"] == {"suppressions": [], "baseline": None}
