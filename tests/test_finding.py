from dataclasses import replace

from racepage.events import Frame
from racepage.finding import RULES, Analysis, Finding, Side

WRITE = Side(
    event=3,
    thread="t1",
    op="write",
    range=(0, 64),
    access="plain",
    clock=1,
    vector={"t1": 1},
    stack=(Frame("/src/a.py", 10, "put"),),
)
READ = replace(WRITE, event=4, thread="t2", op="read", stack=(Frame("/src/b.py", 5, "get"),))
RACE = Finding(kind="data-race", message="", first=WRITE, second=READ)


def analysis(*findings: Finding, lost: int = 0) -> Analysis:
    return Analysis(
        path=None,
        events=5,
        lost_bytes=lost,
        order="hb",
        engine="reference",
        findings=findings,
        racy_events=len(findings),
        racy_event_ids=(),
        racy_bytes={},
    )


def test_rule_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES.values()}) == len(RULES)


def test_a_fingerprint_does_not_depend_on_which_side_came_second() -> None:
    assert RACE.fingerprint == replace(RACE, first=READ, second=WRITE).fingerprint


def test_a_fingerprint_survives_moved_lines_and_another_directory() -> None:
    moved = replace(WRITE, stack=(Frame("/elsewhere/a.py", 99, "put"),))
    assert RACE.fingerprint == replace(RACE, first=moved).fingerprint


def test_a_fingerprint_tells_functions_and_rules_apart() -> None:
    other = replace(WRITE, stack=(Frame("/src/a.py", 10, "other"),))
    assert RACE.fingerprint != replace(RACE, first=other).fingerprint
    assert RACE.fingerprint != replace(RACE, kind="free-race").fingerprint


def test_nothing_found_is_clean() -> None:
    assert analysis().verdict == "clean"


def test_a_cut_off_trace_is_never_clean() -> None:
    assert analysis(lost=1).verdict == "incomplete"


def test_findings_outweigh_missing_bytes() -> None:
    assert analysis(RACE, lost=1).verdict == "findings"


def test_a_suppressed_finding_does_not_count() -> None:
    assert analysis(replace(RACE, suppressed="known")).verdict == "clean"


def test_a_fingerprint_takes_any_name() -> None:
    odd = replace(WRITE, stack=(Frame("/src/a.py", 10, "f\ud800"),))
    assert RACE.fingerprint != replace(RACE, first=odd).fingerprint


def test_an_identity_tells_lines_apart_in_any_directory() -> None:
    moved = replace(WRITE, stack=(Frame("/elsewhere/a.py", 10, "put"),))
    assert RACE.identity == replace(RACE, first=moved).identity
    below = replace(WRITE, stack=(Frame("/src/a.py", 11, "put"),))
    assert RACE.identity != replace(RACE, first=below).identity


def test_an_identity_takes_the_sides_in_either_order() -> None:
    assert RACE.identity == replace(RACE, first=RACE.second, second=RACE.first).identity


def test_an_identity_tells_what_is_meant_from_what_is_not() -> None:
    assert RACE.identity != replace(RACE, suppressed="a reason").identity
    assert (
        replace(RACE, suppressed="a reason").identity == replace(RACE, suppressed="other").identity
    )
