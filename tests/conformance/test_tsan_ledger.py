"""Every case of ThreadSanitizer's is accounted for, and the README counts them."""

from __future__ import annotations

from tests.conformance import ledger


def test_every_case_is_accounted_for() -> None:
    ledger.is_held("tsan")


def test_the_readme_counts_them() -> None:
    counted = {letter: section.numbers for letter, section in ledger.sections("tsan").items()}
    assert ledger.readme_rows("tsan") == counted
