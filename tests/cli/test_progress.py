from __future__ import annotations

import io
import sys
import time
from itertools import count

import pytest

from racepage.cli.progress import watched


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is four seconds later."""
    seconds = count(step=4.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))


@pytest.mark.usefixtures("clock")
def test_long_work_says_now_and_then_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with watched("checking \x1b[2Ja.trace") as tick:
        for done in range(1_000, 7_000, 1_000):
            tick(done, 10_000)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "racepage: checking \\x1b[2Ja.trace: 3,000 of 10,000 events",
        "racepage: checking \\x1b[2Ja.trace: 6,000 of 10,000 events",
    ]


@pytest.mark.usefixtures("clock")
def test_what_is_done_needs_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with watched("checking") as tick:
        for _ in range(9):
            tick(10, 10)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("clock")
def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with watched("checking [bold]\x1b]0;a.trace") as tick:
        tick(1_000, 10_000)
        tick(2_000, 10_000)
    shown = terminal.getvalue()
    assert "checking [bold]\\x1b]0;a.trace" in shown
    assert "000/10000" in shown
    assert shown.endswith("\x1b[2K")  # and it is gone when the work is done


def test_short_work_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    with watched("checking") as tick:
        tick(1_000, 10_000)
    assert terminal.getvalue() == ""
