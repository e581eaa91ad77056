"""Suppressions first, then the baseline; what was of no use is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from racepage.errors import RacepageError
from racepage.finding import Finding
from racepage.policy.apply import Policy
from racepage.policy.baseline import counted, read, write
from racepage.policy.suppress import Suppression, parse
from tests.policy.findings import analysis, race, side, suppressed

TODAY = date(2026, 5, 1)
FILL = race(side(1, "fill"), side(2, "g"))
DRAIN = race(side(1, "drain"), side(2, "g"))
MEANT = replace(FILL, suppressed="meant")


def entries(*tables: dict[str, Any]) -> tuple[Suppression, ...]:
    return parse([{"reason": f"reason {n}", **one} for n, one in enumerate(tables, 1)], "x.toml")


def policy(*tables: dict[str, Any], baseline: Path | None = None, update: bool = False) -> Policy:
    return Policy(entries(*tables), baseline, update=update, today=TODAY)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A baseline that knows one finding of `fill`."""
    path = tmp_path / "known.json"
    write(path, counted([FILL]))
    return path


# Suppressions ------------------------------------------------------------------------------------


def test_what_matches_has_the_reason_and_does_not_count() -> None:
    result = policy({"function": "fill"}).apply(analysis(FILL, DRAIN))
    assert suppressed(result) == ["reason 1", None]
    assert result.verdict == "findings"
    assert policy({"page": "page:0"}).apply(result).verdict == "clean"


def test_the_first_that_matches_gives_the_reason_and_all_are_counted() -> None:
    one = policy({"function": "fill"}, {"rule": "RP001"})
    result = one.apply(analysis(FILL, DRAIN))
    assert suppressed(result) == ["reason 1", "reason 2"]
    assert result.policy is not None
    assert [use.matched for use in result.policy.suppressions] == [1, 2]


def test_what_the_program_means_is_not_asked_again() -> None:
    one = policy({"rule": "RP001"})
    result = one.apply(analysis(MEANT))
    assert suppressed(result) == ["meant"]
    assert list(one.remarks()) == [
        "x.toml: suppression 1 matched nothing (reason 1); if that is for good, take it out"
    ]


def test_what_is_past_its_day_matches_nothing_and_is_told() -> None:
    one = policy(
        {"function": "fill", "until": date(2026, 4, 30)}, {"function": "drain", "until": TODAY}
    )
    result = one.apply(analysis(FILL, DRAIN))
    assert suppressed(result) == [None, "reason 2"]
    assert result.policy is not None
    assert [use.expired for use in result.policy.suppressions] == [True, False]
    [remark] = one.remarks()
    assert remark == (
        "x.toml: suppression 1 expired on 2026-04-30, and matches nothing any more (reason 1); "
        "give it another day, or take it out"
    )


def test_one_is_of_use_that_matches_in_any_of_several_traces() -> None:
    one = policy({"function": "fill"}, {"function": "other"})
    uses = [one.apply(analysis(finding)).policy for finding in (DRAIN, FILL, DRAIN)]
    matched = [use.suppressions[0].matched for use in uses if use is not None]
    assert matched == [0, 1, 0]
    assert [remark.partition(" matched")[0] for remark in one.remarks()] == [
        "x.toml: suppression 2"
    ]


def test_where_no_trace_was_analysed_nothing_is_known_of_use() -> None:
    assert list(policy({"function": "fill"}).remarks()) == []


def test_without_a_policy_nothing_is_changed() -> None:
    before = analysis(FILL)
    assert policy().apply(before) is before


def test_the_default_of_today_is_today() -> None:
    old = entries({"rule": "RP001", "until": date(2000, 1, 1)})
    new = entries({"rule": "RP001", "until": date(9999, 1, 1)})
    assert suppressed(Policy(old).apply(analysis(FILL))) == [None]
    assert suppressed(Policy(new).apply(analysis(FILL))) == ["reason 1"]


# Baselines ---------------------------------------------------------------------------------------


def test_what_is_known_does_not_count(known: Path) -> None:
    result = policy(baseline=known).apply(analysis(DRAIN, FILL))
    assert suppressed(result) == [None, f"in the baseline {known}"]
    assert [finding.known for finding in result.findings] == [False, True]
    assert result.policy is not None
    assert result.policy.baseline is not None
    assert result.policy.baseline.known == 1


def test_what_is_known_in_one_trace_is_known_in_the_next(known: Path) -> None:
    one = policy(baseline=known)
    verdicts = [one.apply(analysis(*some)).verdict for some in ([FILL], [FILL], [FILL, FILL])]
    assert verdicts == ["clean", "clean", "findings"]


@pytest.mark.parametrize("meant", [MEANT, FILL])
def test_the_baseline_sees_only_what_is_left(known: Path, meant: Finding) -> None:
    """One is suppressed: the other is the one that is known."""
    one = policy({"function": "fill", "lock": "m"}, baseline=known)
    held = race(side(1, "fill", locks=("m",)), side(2, "g"))
    result = one.apply(analysis(meant, held, *([] if meant is FILL else [FILL])))
    assert suppressed(result)[1] == "reason 1"
    assert sum(finding.known for finding in result.findings) == 1


def test_what_is_gone_is_told(known: Path) -> None:
    one = policy(baseline=known)
    result = one.apply(analysis(DRAIN))
    assert result.policy is not None
    assert result.policy.baseline is not None
    assert [gone.count for gone in result.policy.baseline.gone] == [1]
    [remark] = one.remarks()
    assert remark == (
        f"{known}: 1 finding of it was not found, or suppressed by now (RP001 a.py:1 in fill and "
        "a.py:1 in g); if that is for good, --update-baseline drops what is gone"
    )


def test_what_one_of_several_traces_has_is_not_gone(known: Path) -> None:
    one = policy(baseline=known)
    for finding in (DRAIN, FILL, DRAIN):
        one.apply(analysis(finding))
    assert list(one.remarks()) == []


def test_in_a_trace_that_is_cut_off_nothing_is_gone(known: Path) -> None:
    one = policy(baseline=known)
    result = one.apply(analysis(complete=False))
    assert result.policy is not None
    assert result.policy.baseline is not None
    assert result.policy.baseline.gone == ()
    assert list(one.remarks()) == []


def test_of_many_that_are_gone_some_are_named(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    write(path, counted([race(side(1, f"f{n}"), None) for n in range(5)]))
    one = policy(baseline=path)
    one.apply(analysis())
    [remark] = one.remarks()
    assert remark.startswith(
        f"{path}: 5 findings of it were not found, or suppressed by now (RP001"
    )
    assert "; …); " in remark


# Updating ----------------------------------------------------------------------------------------


def test_an_update_takes_all_that_counts_for_known(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    one = policy({"function": "drain"}, baseline=path, update=True)
    result = one.apply(analysis(MEANT, DRAIN, FILL, FILL))
    assert suppressed(result) == ["meant", "reason 1", *[f"in the baseline {path}"] * 2]
    assert result.verdict == "clean"
    assert not path.exists()
    assert one.save() == f"wrote {path}: 2 known, of which 2 new, and 0 gone"
    assert read(path) == counted([FILL, FILL])


def test_an_update_drops_what_is_gone(known: Path) -> None:
    one = policy(baseline=known, update=True)
    one.apply(analysis(DRAIN))
    assert list(one.remarks()) == []
    assert one.save() == f"wrote {known}: 1 known, of which 1 new, and 1 gone"
    assert read(known) == counted([DRAIN])


def test_an_update_from_several_traces_has_the_most_of_each(known: Path) -> None:
    one = policy(baseline=known, update=True)
    for some in ([FILL], [FILL, FILL, DRAIN], [FILL]):
        one.apply(analysis(*some))
    one.save()
    assert read(known) == counted([FILL, FILL, DRAIN])


def test_an_update_from_a_trace_that_is_cut_off_drops_nothing(known: Path) -> None:
    one = policy(baseline=known, update=True)
    one.apply(analysis(DRAIN, complete=False))
    assert one.save() == f"wrote {known}: 2 known, of which 1 new, and 0 gone"
    assert read(known) == counted([FILL, DRAIN])


def test_nothing_is_written_without_an_update(known: Path) -> None:
    before = known.read_bytes()
    one = policy(baseline=known)
    one.apply(analysis(DRAIN))
    assert one.save() is None
    assert known.read_bytes() == before


def test_an_update_does_not_overwrite_what_is_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("do not lose me")
    with pytest.raises(RacepageError, match="no baseline"):
        policy(baseline=path, update=True)


def test_a_baseline_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RacepageError, match="--update-baseline writes it"):
        policy(baseline=tmp_path / "known.json")
