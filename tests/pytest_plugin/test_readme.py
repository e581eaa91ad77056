from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import Pytest
from tests.test_readme import blocks


def test_the_example_for_pytest_fails_as_is_shown(run: Pytest, pytester: pytest.Pytester) -> None:
    [code] = [block for block in blocks("python") if "racepage_recording" in block]
    [order] = [block for block in blocks("text") if block.startswith("  order ")]
    pytester.makepyfile(test_count=code)
    result = run(None)
    result.assert_outcomes(failed=1, passed=1)
    report = result.stdout.str()
    assert f"\n{order}" in report
    assert "pytest test_count.py::test_nothing_is_lost --racepage-replay=rp1:" in report
