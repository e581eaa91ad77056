"""What a search says while it goes on, and what stands in the terminal then."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from racepage import cache
from racepage.cli.controlled import _unheard
from racepage.cli.output import say
from racepage.cli.searching import progress

GONE = "\r\x1b[K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2


@contextmanager
def heard() -> Iterator[None]:
    yield


def stand_in(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 60 columns, on which every look at the clock is four seconds later."""
    terminal = Terminal()
    seconds = count(step=4.0)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((60, 24)))
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    return terminal


def test_a_search_has_one_line_of_the_terminal_which_goes_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = stand_in(monkeypatch)
    with progress("exploring ring.py", 60.0, heard) as tell:
        tell(8, 0)
        tell(1_000, 1)
    assert terminal.getvalue().split(GONE) == [
        "exploring ring.py: 8 executions (2/s), 0 findings, 4 of 60 ",  # 59 columns: it never wraps
        "exploring ring.py: 1,000 executions (125/s), 1 finding, 8 o",
        "",
    ]


def test_what_is_said_meanwhile_stands_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = stand_in(monkeypatch)
    with progress("exploring ring.py", None, heard) as tell:
        tell(8, 0)
        say("ending after this execution")
        said = terminal.getvalue()
    assert said.endswith(f" 4 s{GONE}racepage: ending after this execution\n")
    assert terminal.getvalue() == said  # nothing is left to take away


def test_what_is_said_when_nothing_is_drawn_is_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = stand_in(monkeypatch)
    say("wrote race.json")
    assert terminal.getvalue() == "racepage: wrote race.json\n"


def test_a_search_that_has_to_wait_for_the_compiler_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _unheard():
        sys.stderr.write("what a program says\n")
        cache.announce("compiling")
    cache.announce("compiling again")
    assert capsys.readouterr().err == "racepage: compiling\nracepage: compiling again\n"
