"""Reads STD: `racepage.trace.std` has the format."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple

from racepage.errors import TraceError
from racepage.events import Flag, Frame, Kind, Op, Target
from racepage.trace.columns import NOTHING, Origin, Trace, TraceBuilder
from racepage.trace.grammar import NUMBER, MalformedError, shown
from racepage.trace.shapes import MAX_PAGE
from racepage.trace.validate import validate

PAGE: Final = Target(Kind.PAGE, "std")
VARIABLE: Final = 8
"""The bytes of a variable."""

LOCATION: Final = "location"
"""The file of a site that is a mere number."""

_ACTION: Final = re.compile(r"([a-z]+)\(([^\s()]*)\)")
_NAME: Final = re.compile(r"[^\s|()]+")
_SITE: Final = re.compile(rf"(?:(\S+):)?({NUMBER})")
_OPS: Final = {
    "r": Op.READ,
    "w": Op.WRITE,
    "acq": Op.LOCK,
    "rel": Op.UNLOCK,
    "fork": Op.START,
    "join": Op.JOIN,
    "begin": Op.WAKE,
    "end": Op.WAKE,
}
_KINDS: Final = {"acq": Kind.LOCK, "rel": Kind.LOCK, "fork": Kind.THREAD, "join": Kind.THREAD}
_MARKS: Final = {"begin": Flag.BEGIN, "end": Flag.END}


class _Action(NamedTuple):
    """What `operation(operand)` means."""

    op: int
    where: int  # target id
    offset: int
    length: int
    flags: int
    locks: bool


def read_lines(lines: Iterable[str], path: str | None = None) -> Trace:
    """Read a trace in STD, line by line; line ends do not matter.

    Raises:
        TraceError: with the line, for anything that the format does not say.
    """
    reader = _Reader()
    try:
        reader.read(lines)
    except MalformedError as error:
        raise TraceError(str(error), path=path, place=f"line {reader.number}") from None
    trace = reader.finish(path)
    validate(trace, reader.line_of)
    return trace


class _Reader:
    """The trace so far.

    Attributes:
        line_of: event -> the line that it stands on.
        number: of the line that is being read, from 1.
    """

    def __init__(self) -> None:
        self.line_of = array("q")
        self.number = 0
        self._builder = TraceBuilder()
        self._threads: dict[str, int] = {}
        self._actions: dict[str, _Action] = {}
        self._sites: dict[str, int] = {}
        self._variables: dict[str, int] = {}
        self._held: dict[int, tuple[int, int]] = {}  # lock -> its holder, and how often

    def read(self, lines: Iterable[str]) -> None:
        """Take all lines."""
        append, seen = self._builder.append, self.line_of.append
        threads, actions, sites = self._threads, self._actions, self._sites
        for self.number, line in enumerate(lines, 1):
            text = line.strip()
            if not text:
                continue
            try:
                who, what, location = text.split("|")
            except ValueError:
                raise MalformedError(
                    f"expected thread|operation(operand)|location, found {shown(text)}"
                ) from None
            thread = threads.get(who)
            if thread is None:
                thread = threads[who] = self._builder.thread(_name(who, "a thread"))
            op, where, offset, length, flags, locks = actions.get(what) or self._action(what)
            if locks:
                flags = self._lock(thread, op, where)
            site = sites.get(location)
            if site is None:
                site = sites[location] = self._site(location)
            append(thread, op, where, offset, length, site, flags, 0, 0)
            seen(self.number)

    def finish(self, path: str | None) -> Trace:
        """The trace."""
        return self._builder.finish(Origin(path=path, form="std", variables=tuple(self._variables)))

    def _action(self, text: str) -> _Action:
        found = _ACTION.fullmatch(text)
        if found is None:
            raise MalformedError(f"expected operation(operand), found {shown(text)}")
        word, operand = found.groups()
        op = _OPS.get(word)
        if op is None:
            raise MalformedError(f"expected an operation ({' '.join(_OPS)}), found {shown(word)}")
        where, offset, length = NOTHING, 0, 0
        if word in ("r", "w"):
            name = _name(operand, "a variable")
            offset = VARIABLE * self._variables.setdefault(name, len(self._variables))
            if offset + VARIABLE > MAX_PAGE:
                raise MalformedError(f"more than {MAX_PAGE // VARIABLE} variables")
            where, length = self._builder.target(PAGE), VARIABLE
        elif word in _KINDS:
            kind = _KINDS[word]
            where = self._builder.target(Target(kind, _name(operand, f"a {kind.name.lower()}")))
        action = _Action(op, where, offset, length, _MARKS.get(word, 0), op in (Op.LOCK, Op.UNLOCK))
        self._actions[text] = action
        return action

    def _lock(self, thread: int, op: int, lock: int) -> int:
        """Take or release a lock; INNER for all levels but the outermost."""
        holder, levels = self._held.get(lock, (NOTHING, 0))
        if op == Op.LOCK:
            if levels and holder != thread:
                raise MalformedError(f"acquires a lock that {self._thread(holder)} holds")
            self._held[lock] = (thread, levels + 1)
            return int(Flag.INNER) if levels else 0
        if not levels or holder != thread:
            other = f"; {self._thread(holder)} holds it" if levels else ""
            raise MalformedError(
                f"releases a lock that {self._thread(thread)} does not hold{other}"
            )
        if levels == 1:
            del self._held[lock]
            return 0
        self._held[lock] = (thread, levels - 1)
        return int(Flag.INNER)

    def _thread(self, number: int) -> str:
        return next(name for name, each in self._threads.items() if each == number)

    def _site(self, location: str) -> int:
        _name(location, "a location")
        found = _SITE.fullmatch(location)
        file, line = (location, 0) if found is None else (found[1] or LOCATION, int(found[2]))
        return self._builder.site((Frame(file, line, ""),))


def _name(text: str, what: str) -> str:
    if not _NAME.fullmatch(text):
        raise MalformedError(f"expected {what}, found {shown(text)}")
    return text
