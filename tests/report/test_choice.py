from __future__ import annotations

from dataclasses import replace

import pytest

from racepage.detect import analyse
from racepage.errors import RacepageError
from racepage.finding import Analysis
from racepage.report import text as report
from racepage.report.choice import choose
from racepage.trace import text

THREE = """\
t1  write  page:0[0:8]    @ a.py:1 one
t2  write  page:0[0:8]    @ a.py:2 two
t1  write  page:0[8:16]   @ a.py:3 three
t2  write  page:0[8:16]   @ a.py:4 four
t1  write  page:0[16:24]  @ a.py:5 three
t2  write  page:0[16:24]  @ a.py:6 four
"""


@pytest.fixture
def analysis() -> Analysis:
    """Three races; the last two are between the same functions, and have one fingerprint."""
    return analyse(text.parse(THREE, path="a.trace"))


def meant(analysis: Analysis, number: int) -> Analysis:
    """The analysis, with one of its findings suppressed."""
    findings = list(analysis.findings)
    findings[number] = replace(findings[number], suppressed="known")
    return replace(analysis, findings=tuple(findings))


def test_a_number_is_that_of_the_report(analysis: Analysis) -> None:
    for number, one in enumerate(analysis.findings, 1):
        assert choose(analysis, str(number)) == (one, number)
    heads = [line for line in report.render(analysis).splitlines() if line.startswith("━━")]
    assert [head.split()[3] for head in heads] == ["#1", "#2", "#3"]
    assert [head.split()[-1] for head in heads] == [
        f"page:0[{start}:{start + 8}]" for start in (0, 8, 16)
    ]


def test_what_does_not_count_has_no_number(analysis: Analysis) -> None:
    known = meant(analysis, 0)
    assert choose(known, "1") == (analysis.findings[1], 1)
    assert choose(known, analysis.findings[0].fingerprint) == (known.findings[0], None)


def test_a_fingerprint_s_beginning_will_do(analysis: Analysis) -> None:
    fingerprint = analysis.findings[1].fingerprint
    for begin in (fingerprint, fingerprint[:6], fingerprint[:6].upper()):
        assert choose(analysis, begin) == (analysis.findings[1], 2)  # of those two, the first
    assert choose(meant(analysis, 1), fingerprint).number == 2  # of those two, one that counts


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("0", "there is no finding 0; it has 3 findings, and they are numbers 1 to 3"),
        ("4", "there is no finding 4; it has 3 findings, and they are numbers 1 to 3"),
        ("", "there is no finding ; it"),
        ("\u00b2", "there is no finding \u00b2; it"),
        ("9" * 99, "there is no finding 999"),
        ("xyzzy\x1b", r"there is no finding xyzzy\x1b; it"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(analysis: Analysis, wanted: str, said: str) -> None:
    with pytest.raises(RacepageError) as error:
        choose(analysis, wanted)
    assert str(error.value).startswith(f"a.trace: {said}")


def test_a_beginning_of_several_fingerprints_is_told(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = {id(one): f"abcd{number}" for number, one in enumerate(analysis.findings)}
    kind = type(analysis.findings[0])
    monkeypatch.setattr(kind, "fingerprint", property(lambda one: prints[id(one)]))
    with pytest.raises(RacepageError, match="3 fingerprints begin with abcd: abcd0, abcd1, abcd2"):
        choose(analysis, "abcd")


def test_nothing_that_counts_is_told() -> None:
    with pytest.raises(RacepageError, match="there is no finding 1, since there is none"):
        choose(analyse(text.parse("main exit")), "1")
