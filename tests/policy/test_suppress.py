"""What a suppression matches, and what is no suppression."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.errors import RacepageError
from racepage.finding import Finding, Side
from racepage.policy.suppress import LARGEST, Suppression, matches, parse, read
from tests.policy.findings import analysis, race, side

RACE = race(side(1, "fill"), side(2, "drain", "/src/b.py", locks=("range",)))


def matching(finding: Finding = RACE, **conditions: Any) -> bool:
    [one] = parse([{"reason": "why", **conditions}], "x.toml")
    return matches(one, finding, analysis(finding))


# Conditions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["data-race", "RP001", "rp001"])
def test_a_rule_is_named_by_its_id_or_its_kind(rule: str) -> None:
    assert matching(rule=rule)
    assert not matching(race(side(1, "f"), side(2, "g"), "free-race"), rule=rule)


@pytest.mark.parametrize("name", ["fill", "drain", "fi*", "?rain"])
def test_a_function_is_of_either_side(name: str) -> None:
    assert matching(function=name)


@pytest.mark.parametrize("name", ["other", "fil", "Fill", "caller"])
def test_a_function_is_the_innermost_one_and_the_whole_name(name: str) -> None:
    assert not matching(function=name)


@pytest.mark.parametrize("pair", [["fill", "drain"], ["drain", "fill"], ["*", "fill"]])
def test_two_functions_are_of_both_sides_in_either_order(pair: list[str]) -> None:
    assert matching(function=pair)


@pytest.mark.parametrize("pair", [["fill", "fill"], ["fill", "other"], ["drain", "drain"]])
def test_two_functions_are_not_of_one_side(pair: list[str]) -> None:
    assert not matching(function=pair)


def test_two_functions_do_not_match_what_has_one_side() -> None:
    leak = race(side(1, "fill"), None, "page-leak")
    assert matching(leak, function="fill")
    assert not matching(leak, function=["fill", "*"])


@pytest.mark.parametrize("file", ["/src/ipc/a.py", "a.py", "ipc/a.py", "ipc/*.py", "*.py", "b.?y"])
def test_a_file_may_leave_out_folders_at_its_beginning(file: str) -> None:
    assert matching(file=file)


@pytest.mark.parametrize("file", [".py", "c/a.py", "ipc", "xa.py", "pc/a.py", "c.py"])
def test_a_file_is_whole_names_of_the_innermost_frame(file: str) -> None:
    assert not matching(file=file)


def test_a_function_and_a_file_are_of_the_same_side() -> None:
    assert matching(function="fill", file="a.py")
    assert not matching(function="fill", file="b.py")


def test_two_functions_and_two_files_go_together() -> None:
    assert matching(function=["drain", "fill"], file=["b.py", "a.py"])
    assert not matching(function=["drain", "fill"], file=["a.py", "b.py"])


def test_one_file_beside_two_functions_is_of_either() -> None:
    assert matching(function=["fill", "drain"], file="b.py")
    assert matching(function=["fill", "drain"], file="a.py")
    assert not matching(function=["fill", "drain"], file="c.py")


def test_a_place_that_is_not_known_is_in_no_function_and_no_file() -> None:
    unplaced = race(side(1, None), side(2, None))
    assert not matching(unplaced, function="*")
    assert not matching(unplaced, file="*")
    assert matching(unplaced, page="page:0")


@pytest.mark.parametrize("page", ["page:0", "server[0]", "server*", "server[?]", "*[0]"])
def test_a_page_is_named_by_its_number_or_its_label(page: str) -> None:
    assert matching(page=page)


@pytest.mark.parametrize("page", ["0", "page:1", "server0", "server"])
def test_brackets_stand_for_themselves(page: str) -> None:
    assert not matching(page=page)


def test_what_is_about_no_page_meets_no_page() -> None:
    assert not matching(Finding(kind="program-error", message=""), page="*")


@pytest.mark.parametrize("lock", ["range", "lock:range", "r*e"])
def test_a_lock_is_one_that_either_side_holds(lock: str) -> None:
    assert matching(lock=lock)
    assert not matching(race(side(1, "f"), side(2, "g")), lock=lock)


@pytest.mark.parametrize("lock", ["0", "lock:0", "mmap"])
def test_a_lock_is_one_that_either_side_works_on(lock: str) -> None:
    misuse = Finding(
        kind="data-race", message="", second=side(1, "f", op="unlock", target="lock:0")
    )
    assert matching(misuse, lock=lock)


def test_a_page_that_is_worked_on_is_no_lock() -> None:
    assert not matching(race(side(1, "f"), side(2, "g")), lock="*")


def test_a_cycle_has_all_its_events_for_sides() -> None:
    cycle = Finding(
        kind="data-race",
        message="",
        first=side(1, "one", op="lock", target="lock:a"),
        second=side(2, "two", op="lock", target="lock:b"),
        related=(side(1, "one"), side(3, "three", op="lock", target="lock:c")),
    )
    assert matching(cycle, function="three")
    assert matching(cycle, function=["three", "one"])
    assert not matching(cycle, function=["one", "one"])
    assert matching(cycle, lock="c")


def test_the_allocation_of_a_page_is_no_side() -> None:
    assert not matching(replace(RACE, related=(side(0, "make", op="alloc"),)), function="make")


def test_a_finding_without_sides_has_its_rule() -> None:
    error = Finding(kind="program-error", message="ValueError: no")
    assert matching(error, rule="RP013")
    assert not matching(error, rule="RP013", function="*")


def test_a_suppression_holds_until_the_end_of_its_day() -> None:
    [one] = parse([{"reason": "r", "rule": "RP001", "until": date(2026, 5, 1)}], "x")
    assert not one.expired(date(2026, 5, 1))
    assert one.expired(date(2026, 5, 2))


NAMES = st.sampled_from(["fill", "drain", "a", "b", "*", "?", "*a*", "page:0", "m[0]"])
PAIRS = st.one_of(NAMES, st.lists(NAMES, min_size=2, max_size=2))
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "rule": st.sampled_from(["data-race", "free-race", "page-leak"]),
        "function": PAIRS,
        "file": PAIRS,
        "page": NAMES,
        "lock": NAMES,
    },
)


def sides(event: int) -> st.SearchStrategy[Side]:
    return st.builds(
        side,
        st.just(event),
        st.sampled_from(["fill", "drain", "a", "b", None]),
        st.sampled_from(["a", "/b/a", "b/fill"]),
        locks=st.lists(st.sampled_from(["a", "b", "m[0]"]), max_size=2).map(tuple),
        target=st.sampled_from(["page:0", "lock:0", "lock:a", None]),
    )


FINDINGS = st.builds(
    Finding,
    kind=st.sampled_from(["data-race", "free-race", "page-leak"]),
    message=st.just(""),
    page=st.sampled_from(["page:0", "page:1", None]),
    first=st.none() | sides(0),
    second=st.none() | sides(1),
    related=st.just(()) | st.tuples(sides(2)) | st.tuples(sides(2), sides(3)),
)


@given(FINDINGS, CONDITIONS, st.data())
@settings(max_examples=200)
def test_a_condition_more_never_matches_more(
    finding: Finding, conditions: dict[str, Any], data: st.DataObject
) -> None:
    if conditions and matching(finding, **conditions):
        fewer = set(data.draw(st.lists(st.sampled_from(sorted(conditions)), min_size=1)))
        assert matching(finding, **{key: conditions[key] for key in fewer})


@given(FINDINGS, NAMES, NAMES)
@settings(max_examples=200)
def test_which_side_came_first_does_not_matter(finding: Finding, one: str, other: str) -> None:
    turned = replace(finding, first=finding.second, second=finding.first)
    for conditions in ({"function": [one, other]}, {"function": one, "file": other}):
        assert matching(finding, **conditions) == matching(turned, **conditions)


@given(st.text("ab*?[]./", min_size=1, max_size=6), st.text("ab[]./", max_size=6))
@settings(max_examples=200)
def test_a_pattern_means_what_it_says(pattern: str, name: str) -> None:
    """By definition: `*` any characters, `?` one, everything else itself."""

    def fits(pattern: str, name: str) -> bool:
        if not pattern:
            return not name
        if pattern[0] == "*":
            return any(fits(pattern[1:], name[skip:]) for skip in range(len(name) + 1))
        return bool(name) and pattern[0] in ("?", name[0]) and fits(pattern[1:], name[1:])

    one = Suppression(reason="r", function=(pattern,))
    found = race(side(1, name), None)
    assert matches(one, found, analysis(found)) == fits(pattern, name)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    found = race(side(1, "a" * 2000), None)
    one = Suppression(reason="r", function=("*a" * 200 + "b",))
    assert not matches(one, found, analysis(found))


# Reading -----------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "races.toml"


def test_a_file_has_an_entry_for_each_table(file: Path) -> None:
    file.write_text(
        '[[suppress]]\nrule = "RP003"\nreason = "one"\nuntil = 2027-01-31\n'
        '[[suppress]]\nfunction = ["f", "g"]\nfile = "a.py"\nreason = "two"\n'
    )
    first, second = read(file)
    assert (first.rule, first.until, first.reason) == ("free-race", date(2027, 1, 31), "one")
    assert (second.function, second.file, second.rule) == (("f", "g"), ("a.py",), None)
    assert str(second) == f"{file}: suppression 2"
    assert second.conditions == {"function": ["f", "g"], "file": "a.py"}


def test_an_empty_file_suppresses_nothing(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert read(file) == ()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("funtion = 'f'\nreason = 'r'", "has an unknown key 'funtion'; did you mean function?"),
        ("xyz = 'f'\nreason = 'r'", "has an unknown key 'xyz'; there are rule, function,"),
        ("rule = 'RP001'", 'has no reason; add reason = "why this is not to count"'),
        ("rule = 'RP001'\nreason = ' '", "reason is ' '; it is to be a text that says something"),
        ("rule = 'RP001'\nreason = 3", "reason is 3; it is to be a text"),
        ("reason = 'r'", "says nothing of what it is for; give it one of rule, function,"),
        ("reason = 'r'\nuntil = 2027-01-01", "says nothing of what it is for"),
        ("rule = 'data-rase'\nreason = 'r'", "no rule 'data-rase'; did you mean data-race?"),
        ("rule = 'RP999'\nreason = 'r'", "there is no rule 'RP999'; did you mean RP"),
        ("rule = ['RP001']\nreason = 'r'", "rule is ['RP001']; it is to be a text"),
        ("function = ''\nreason = 'r'", "function is ''; it is to be one pattern, or a list of"),
        ("function = ['f']\nreason = 'r'", "function is ['f']; it is to be one pattern, or a list"),
        ("function = ['f', 3]\nreason = 'r'", "it is to be one pattern, or a list of two"),
        ("file = ['f', 'g', 'h']\nreason = 'r'", "it is to be one pattern, or a list of two"),
        ("page = 0\nreason = 'r'", "page is 0; it is to be a text"),
        ("lock = true\nreason = 'r'", "lock is True; it is to be a text"),
        ("page = 'p'\nreason = 'r'\nuntil = '2027-01-31'", "until is '2027-01-31'; it is to be a"),
        ("page = 'p'\nreason = 'r'\nuntil = 2027-01-31T10:00:00Z", "it is to be a day, without"),
        ("page = 'p'\nreason = 'r'\nuntil = 2027", "until is '2027'; it is to be a day"),
    ],
)
def test_what_is_no_suppression_is_told_with_its_file_and_number(
    file: Path, entry: str, told: str
) -> None:
    good = "[[suppress]]\nrule = 'RP001'\nreason = 'r'\n"
    file.write_text(f"{good}[[suppress]]\n{entry}\n")
    with pytest.raises(RacepageError) as error:
        read(file)
    assert str(error.value).startswith(f"{file}: suppression 2")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[supress]]\nreason = 'r'", "there is no table 'supress' here; every entry begins with"),
        ("reason = 'r'", "there is no table 'reason' here"),
        ("suppress = 3", "suppress is to be an array of tables"),
        ("[suppress]\nreason = 'r'", "suppress is to be an array of tables"),
        ("suppress = [3]", "suppress is to be an array of tables"),
        ("[[suppress", "not a file of suppressions in TOML"),
        ("\xff", "not a file of suppressions in TOML"),
        ("a = " + "[" * 100_000, "not a file of suppressions in TOML"),
        ("#" * (LARGEST + 1), "no file of suppressions is larger than 1,048,576 bytes"),
    ],
)
def test_what_is_no_file_of_suppressions_is_told(file: Path, text: str, told: str) -> None:
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(RacepageError) as error:
        read(file)
    assert str(error.value).startswith(f"{file}: ")
    assert told in str(error.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(RacepageError, match=r"none\.toml: No such file or directory; name a file"):
        read(tmp_path / "none.toml")
    with pytest.raises(RacepageError, match="Is a directory"):
        read(tmp_path)
