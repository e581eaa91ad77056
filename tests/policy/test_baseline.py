"""Baselines: what is known of a fingerprint is a number, and the file is whole or as it was."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.errors import RacepageError
from racepage.finding import Finding, Known
from racepage.policy import baseline
from racepage.policy.baseline import LARGEST, counted, known_among, missing, most, read, write
from tests.policy.findings import race, side


def at(first: int, second: int = 0, function: str = "f") -> Finding:
    """A race between two lines of two functions; all with one `function` have one fingerprint."""
    return race(side(1, function, line=first), side(2, "g", line=second))


FINDINGS = st.lists(
    st.builds(at, st.integers(0, 3), st.just(0), st.sampled_from("fhk")), max_size=8
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known.json"


# What is known -----------------------------------------------------------------------------------


@given(FINDINGS, FINDINGS)
@settings(max_examples=200)
def test_of_each_fingerprint_as_many_are_known_as_there_were(
    before: list[Finding], now: list[Finding]
) -> None:
    known = known_among(now, counted(before))
    had = Counter(finding.fingerprint for finding in before)
    have = Counter(finding.fingerprint for finding in now)
    old = Counter(one.fingerprint for one, is_known in zip(now, known, strict=True) if is_known)
    assert old == had & have


@given(FINDINGS, FINDINGS)
@settings(max_examples=200)
def test_what_is_missing_is_what_there_was_more_of(
    before: list[Finding], now: list[Finding]
) -> None:
    had = Counter(finding.fingerprint for finding in before)
    have = Counter(finding.fingerprint for finding in now)
    gone = missing(counted(before), counted(now))
    assert {one.fingerprint: one.count for one in gone} == had - have
    assert all(len(one.places) == one.count for one in gone)


@given(FINDINGS, FINDINGS)
@settings(max_examples=200)
def test_the_most_of_two_knows_both(one: list[Finding], other: list[Finding]) -> None:
    both = most(counted(one), counted(other))
    assert all(known_among(one, both))
    assert all(known_among(other, both))


def test_lines_may_move() -> None:
    assert known_among([at(80, 90)], counted([at(1, 2)])) == [True]


def test_one_more_between_the_same_functions_is_new() -> None:
    before = counted([at(1)])
    assert known_among([at(1), at(5)], before) == [True, False]


def test_the_one_at_a_known_place_is_the_known_one() -> None:
    before = counted([at(5)])
    assert known_among([at(1), at(5), at(9)], before) == [False, True, False]


def test_a_fingerprint_without_places_counts_all_the_same() -> None:
    fingerprint = at(1).fingerprint
    before = {fingerprint: Known(fingerprint, "RP001", 2)}
    assert known_among([at(1), at(2), at(3)], before) == [True, True, False]


def test_a_finding_of_another_rule_or_function_is_new() -> None:
    before = counted([at(1)])
    others = [at(1, function="h"), race(side(1, "f", line=1), side(2, "g", line=0), "free-race")]
    assert known_among(others, before) == [False, False]


def test_an_exception_is_known_by_its_type() -> None:
    told = [
        "ValueError: no (in thread t1, a.py:7 in work)",
        "ValueError: yes (in thread t2, a.py:8 in work)",
        "KeyError: 3 (in thread t1, a.py:7 in work)",
        "the program exited with code 3",
    ]
    first, *others = [Finding(kind="program-error", message=one) for one in told]
    assert known_among(others, counted([first])) == [True, False, False]
    assert counted([first])[first.fingerprint].places == (("ValueError",),)


def test_what_is_gone_is_named_by_its_place() -> None:
    [gone] = missing(counted([at(1), at(2)]), counted([at(1)]))
    assert gone.places == (("a.py:0 in g", "a.py:2 in f"),)


# The file ----------------------------------------------------------------------------------------


@given(FINDINGS)
@settings(max_examples=20)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, findings: list[Finding]
) -> None:
    file = tmp_path_factory.mktemp("known") / "known.json"
    write(file, counted(findings))
    assert read(file) == counted(findings)


def test_the_file_is_the_same_whatever_the_order(file: Path) -> None:
    texts = set()
    for findings in ([at(1), at(2), at(1, function="h")], [at(1, function="h"), at(2), at(1)]):
        write(file, counted(findings))
        texts.add(file.read_text())
    assert len(texts) == 1


def test_the_file_has_no_folders_of_this_machine(file: Path) -> None:
    write(file, counted([at(1)]))
    assert "/src" not in file.read_text()


def test_names_in_the_file_may_be_anything(file: Path) -> None:
    odd = race(side(1, "f\ud800\x1b[2J", "a\nb.py"), None)
    write(file, counted([odd]))
    assert known_among([odd], read(file)) == [True]


def good(**changes: object) -> str:
    row = {"fingerprint": "0123456789abcdef", "rule": "RP001", "count": 1, "places": [["a"]]}
    return json.dumps({"schema": "racepage-baseline/1", "findings": [row | changes]})


def test_what_is_not_there_is_told_how_to_make(file: Path) -> None:
    with pytest.raises(RacepageError, match=r"no such baseline; --update-baseline writes it"):
        read(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no baseline, since it is no JSON"),
        ("{", "no baseline, since it is no JSON"),
        ("\xff\xfe", "no baseline, since it is no JSON"),
        ("[" * 200_000, "no baseline, since it is no JSON"),
        ("9" * 5000, "no baseline, since it is no JSON"),
        ("[]", "no baseline of this version"),
        ("{}", "no baseline of this version"),
        ('{"schema": "racepage-report/1", "findings": []}', "no baseline of this version"),
        ('{"schema": "racepage-baseline/2", "findings": []}', "no baseline of this version"),
        ('{"schema": "racepage-baseline/1"}', '"findings" is to be a list'),
        ('{"schema": "racepage-baseline/1", "findings": {}}', '"findings" is to be a list'),
        ('{"schema": "racepage-baseline/1", "findings": [3]}', "finding 1 is no finding"),
        ('{"schema": "racepage-baseline/1", "findings": [{}]}', "finding 1 is no finding"),
        (good(fingerprint="x"), "finding 1 is no finding"),
        (good(fingerprint="0123456789abcdef\n"), "finding 1 is no finding"),
        (good(fingerprint=["0"]), "finding 1 is no finding"),
        (good(rule="../../etc"), "finding 1 is no finding"),
        (good(count=0), "finding 1 is no finding"),
        (good(count=-1), "finding 1 is no finding"),
        (good(count=10**4000), "finding 1 is no finding"),
        (good(count=True), "finding 1 is no finding"),
        (good(count=1.5), "finding 1 is no finding"),
        (good(count="1"), "finding 1 is no finding"),
        (good(places="a"), "finding 1 is no finding"),
        (good(places=["a"]), "finding 1 is no finding"),
        (good(places=[[1]]), "finding 1 is no finding"),
    ],
)
def test_what_is_no_baseline_is_told_in_one_line(file: Path, text: str, told: str) -> None:
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(RacepageError) as error:
        read(file)
    assert str(error.value).startswith(f"{file}: {told}")
    assert "\n" not in str(error.value)


def test_a_fingerprint_that_is_there_twice_is_told(file: Path) -> None:
    once = json.loads(good())
    once["findings"] *= 2
    file.write_text(json.dumps(once))
    with pytest.raises(RacepageError, match=r"finding 2 is there twice; write the baseline anew"):
        read(file)


def test_a_large_count_takes_no_memory(file: Path) -> None:
    file.write_text(good(count=1 << 32))
    [gone] = missing(read(file), {})
    assert gone.places == (("a",),)
    assert known_among([at(1)], read(file)) == [False]


def test_a_large_file_is_not_read_to_its_end(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(LARGEST * 1000)
    with pytest.raises(RacepageError, match="no baseline is larger than 67,108,864 bytes"):
        read(file)


def test_a_directory_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(RacepageError, match="Is a directory; name a baseline"):
        read(tmp_path)


# Writing it --------------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_what_was_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, counted([at(1)]))
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RacepageError, match="No space left on device; the baseline is as it was"):
        write(file, counted([at(1), at(2)]))
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_write_that_is_interrupted_leaves_what_was_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(file, counted([at(1)]))
    assert list(file.parent.iterdir()) == []


def test_a_new_file_has_the_mode_that_new_files_have(file: Path) -> None:
    other = file.with_name("other")
    other.touch()
    write(file, {})
    assert file.stat().st_mode == other.stat().st_mode


def test_a_file_keeps_its_mode(file: Path) -> None:
    write(file, {})
    file.chmod(0o640)
    write(file, {})
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.with_name("link.json")
    link.symlink_to(file)
    write(link, counted([at(1)]))
    assert link.is_symlink()
    assert read(file) == counted([at(1)])


def test_what_is_no_file_is_left_alone() -> None:
    with pytest.raises(RacepageError, match="it is no file"):
        write(Path(os.devnull), {})
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RacepageError, match="No such file or directory; the baseline is as it was"):
        write(tmp_path / "none" / "known.json", {})


def test_the_schema_is_version_1() -> None:
    assert baseline.SCHEMA == "racepage-baseline/1"
