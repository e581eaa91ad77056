"""Comments of a text trace that mean something: `racepage.trace.text` has their grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from racepage.errors import TraceError
from racepage.events import Kind, LockKind, Op, Target
from racepage.finding import RULES
from racepage.trace.columns import Expectation, Origin, Trace, TraceBuilder, settle_sizes
from racepage.trace.grammar import (
    BARE,
    NUMBER,
    QUOTED,
    MalformedError,
    read_name,
    read_target,
    shown,
    write_name,
    write_target,
)
from racepage.trace.shapes import MAX_PAGE

_DIRECTIVE: Final = re.compile(r"(expect|check|racepage):[ \t]*(.*)")
_TARGET: Final = rf"(?:[a-z]+:){QUOTED}|{BARE}"
_EXPECT: Final = re.compile(
    rf"([\w-]+)((?:[ \t]+{NUMBER}){{1,2}})(?:[ \t]+({_TARGET})(?:\[({NUMBER}):({NUMBER})\])?)?"
)
_SAID: Final = re.compile(
    rf"(?:(program|variable)[ \t]+({QUOTED}|{BARE})"
    rf"|(incomplete)[ \t]+({NUMBER})"
    rf"|(size)[ \t]+({_TARGET})[ \t]+({NUMBER})"
    rf"|(label)[ \t]+({_TARGET})[ \t]+({QUOTED}|{BARE})"
    rf"|(lock)[ \t]+({_TARGET})[ \t]+([a-z]+))"
)
_LOCK_KINDS: Final = {kind.name.lower(): kind for kind in LockKind}


class Directives:
    """What the comments read so far have said."""

    def __init__(self, builder: TraceBuilder) -> None:
        self._builder = builder
        self._expects: list[tuple[int, Expectation]] = []  # with the line
        self._clean: int | None = None  # the line that says so
        self._leaks = False
        self._program: str | None = None
        self._lost: int | None = None
        self._variables: list[str] = []

    def read(self, comment: str, line: int) -> None:
        """Take a comment, without its `#`.

        Raises:
            MalformedError: for `expect:`, `check:` or `racepage:` with anything that is not in the
                grammar after it.
        """
        found = _DIRECTIVE.fullmatch(comment)
        if found is None:
            return
        name, text = found.groups()
        if name == "racepage":
            self._say(text)
        elif name == "check":
            if text != "leaks":
                raise MalformedError(f'expected "leaks" after check:, found {shown(text)}')
            self._leaks = True
        elif text == "clean":
            self._clean = line
        else:
            self._expects.append((line, _expectation(text)))
        if self._clean is not None and self._expects:
            raise MalformedError(
                f"expect: clean on line {self._clean}, and findings on line {self._expects[0][0]}"
            )

    def _say(self, text: str) -> None:
        found = _SAID.fullmatch(text)
        if found is None:
            raise MalformedError(
                "expected program, incomplete, size, label, lock or variable and what belongs to "
                f"it after racepage:, found {shown(text)}"
            )
        named, name, incomplete, lost, size, page, bytes_, label, target, text, _, lock, kind = (
            found.groups()
        )
        if named == "program":
            self._program = read_name(name)
        elif named:
            self._variables.append(read_name(name))
        elif incomplete:
            self._lost = int(lost)
        elif size:
            self._resize(read_target(page), int(bytes_))
        elif label:
            self._builder.label(read_target(target), read_name(text))
        else:
            self._lock(read_target(lock), kind)

    def _lock(self, lock: Target, kind: str) -> None:
        if lock.kind is not Kind.LOCK or kind not in _LOCK_KINDS:
            raise MalformedError(
                f"expected lock:ID and what it is ({', '.join(_LOCK_KINDS)}) after lock"
            )
        self._builder.lock_kind(lock, _LOCK_KINDS[kind])

    def _resize(self, page: Target, size: int) -> None:
        if page.kind is not Kind.PAGE or not 1 <= size <= MAX_PAGE:
            raise MalformedError(f"expected a page and a size of 1 to {MAX_PAGE} bytes")
        self._builder.resize(self._builder.target(page), size)

    def origin(self, path: str | None, form: str, events: int | None = None) -> Origin:
        """What was said of where a trace came from.

        Raises:
            TraceError: where an expectation names an event that a trace of so many does not have.
        """
        for line, expected in self._expects:
            if events is not None and max(expected.events) >= events:
                raise TraceError(
                    f"expects event {max(expected.events)} of a trace that has {events}, "
                    "counted from 0",
                    path=path,
                    place=f"line {line}",
                )
        said = self._clean is not None or bool(self._expects)
        return Origin(
            path=path,
            form=form,
            program=self._program,
            judge_leaks=self._leaks,
            lost_bytes=self._lost or 0,
            complete=self._lost is None,
            expects=tuple(expected for _, expected in self._expects) if said else None,
            variables=tuple(self._variables),
        )


def _expectation(text: str) -> Expectation:
    found = _EXPECT.fullmatch(text)
    if found is None:
        raise MalformedError(
            "expected clean, or KIND EVENT [EVENT] [TARGET[a:b]], after expect:, "
            f"found {shown(text)}"
        )
    kind, events, target, low, high = found.groups()
    if kind not in RULES:
        raise MalformedError(f"expected a kind of finding ({', '.join(RULES)}), found {kind}")
    return Expectation(
        kind=kind,
        events=tuple(map(int, events.split())),
        target=read_target(target) if target else None,
        overlap=(int(low), int(high)) if low else None,
    )


def write_origin(origin: Origin) -> Iterator[str]:
    """What a trace says of where it came from, each a comment without its `#`."""
    for expected in origin.expects or ():
        yield f"expect: {_write_expectation(expected)}"
    if origin.expects == ():
        yield "expect: clean"
    if origin.judge_leaks:
        yield "check: leaks"
    if origin.program is not None:
        yield f"racepage: program {write_name(origin.program)}"
    if not origin.complete or origin.lost_bytes:
        yield f"racepage: incomplete {origin.lost_bytes}"
    for variable in origin.variables:
        yield f"racepage: variable {write_name(variable)}"


def write_size(page: Target, size: int) -> str:
    """The comment that says how large a page is."""
    return f"racepage: size {write_target(page)} {size}"


def write_label(target: Target, label: str) -> str:
    """The comment that says what people call something."""
    return f"racepage: label {write_target(target)} {write_name(label)}"


def write_lock(target: Target, kind: LockKind) -> str:
    """The comment that says what a lock is."""
    return f"racepage: lock {write_target(target)} {kind.name.lower()}"


def write_directives(trace: Trace) -> Iterator[str]:
    """What `Directives` reads back, each a comment without its `#`."""
    yield from write_origin(trace.origin)
    for page, size in _sizes_to_say(trace):
        yield write_size(trace.targets[page], size)
    for target, label in trace.labels.items():
        yield write_label(trace.targets[target], label)
    for target, kind in trace.lock_kinds.items():
        yield write_lock(trace.targets[target], kind)


def _write_expectation(expected: Expectation) -> str:
    words = [expected.kind, *map(str, expected.events)]
    if expected.target is not None:
        span = f"[{expected.overlap[0]}:{expected.overlap[1]}]" if expected.overlap else ""
        words.append(f"{write_target(expected.target)}{span}")
    return " ".join(words)


def _sizes_to_say(trace: Trace) -> Iterator[tuple[int, int]]:
    """The pages that no row allocates and whose accesses do not tell their size."""
    columns = trace.columns
    allocated = set(columns.target[columns.op == Op.ALLOC].tolist())
    known = {page: size for page, size in trace.page_sizes.items() if page in allocated}
    told = settle_sizes(columns, trace.targets, known)
    for page, size in trace.page_sizes.items():
        if page not in allocated and told[page] != size:
            yield page, size
