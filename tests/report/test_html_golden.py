"""The page draws locks and orders that it works out for itself: they must be the analysis'."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from racepage.detect import analyse
from racepage.report import html
from racepage.report.viewer.kept import Limits
from racepage.trace.files import read_trace

ROOT = Path(__file__).resolve().parents[2]
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="there is no node here; apt-get install nodejs brings it")
def test_the_page_says_of_locks_and_orders_what_the_analysis_says(tmp_path: Path) -> None:
    pages = []
    for path in sorted((ROOT / "traces").glob("*.trace")):
        trace = read_trace(path)
        found = analyse(trace)
        for name, most in (("whole", html.MOST_EVENTS), ("excerpt", 0)):
            page = tmp_path / f"{path.name}.{name}.html"
            shown = html.render(trace, found, most_events=most, limits=Limits(around=0))
            page.write_text(shown, encoding="utf-8")
            pages.append(page)
    done = subprocess.run(
        [str(NODE), str(ROOT / "tests" / "viewer" / "agree.mjs"), *map(str, pages)],
        check=True,
        capture_output=True,
        text=True,
    )
    *differences, compared = done.stdout.splitlines()
    assert differences == []
    sides, orders = map(int, re.findall(r"\d+", compared))
    assert sides > 600  # of the golden traces' findings, twice
    assert orders > 400
