"""Reads the text trace: `racepage.trace.text` has the grammar.

One regular expression cuts a line into words. What a word means is looked up in tables that grow
with the trace's own vocabulary, and it is held to the grammar when it is new; so a line that says
nothing new costs a match, a few lookups and 64 bytes.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, NamedTuple

from racepage.errors import TraceError
from racepage.events import Kind, Op
from racepage.trace.columns import NO_DETAIL, NOTHING, Detail, Trace, TraceBuilder
from racepage.trace.directives import Directives
from racepage.trace.grammar import QUOTED, MalformedError, read_name, read_stack, read_target, shown
from racepage.trace.shapes import MAX_NUMBER, MAX_PAGE, SHAPES
from racepage.trace.text_options import Options, read_bare, read_options
from racepage.trace.validate import validate

DEFAULT_PAGE: Final = 4096

_WORD: Final = r'[^\s"\[\]=@<]++'
_EVENT: Final = re.compile(
    rf"[ \t]*+(?!#)({_WORD}|{QUOTED})[ \t]++([a-z_]++)"
    rf"(?:[ \t]++({_WORD}|(?:[a-z]++:)?{QUOTED})(?:\[([0-9]{{1,18}}+):([0-9]{{1,18}}+)\])?"
    r"(?![^ \t]))?(?:[ \t]++(?=\S)(.*+))?"
)
_TOO_LONG: Final = re.compile(r"[^\s\[]*+\[(?:[0-9]{1,18}+:)?[0-9]{19}")
_OPS: Final[dict[str, Op]] = {op.name.lower(): op for op in Op}
_SIZED: Final = (Op.ALLOC, Op.FREE, Op.COLLECT)
_BARE_KIND: Final = {
    Op.START: Kind.THREAD,
    Op.JOIN: Kind.THREAD,
    Op.DETACH: Kind.THREAD,
    Op.UNMAP: Kind.POINTER,
}


class _Head(NamedTuple):
    """What an operation and its target mean."""

    op: Op
    where: int  # target id
    ranged: bool  # a range must follow
    limit: int  # of the range; -1 where the event needs a closer look
    kind: Kind | None


def read_lines(lines: Iterable[str], path: str | None = None) -> Trace:
    """Read a text trace line by line; line ends do not matter.

    Raises:
        TraceError: with the line, for anything that is not in the grammar or not consistent.
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
        self._directives = Directives(self._builder)
        self._threads: dict[str, int] = {}  # word -> number
        self._heads: dict[tuple[str, str | None], _Head] = {}
        self._sites: dict[str | None, int] = {None: NOTHING}

    def read(self, lines: Iterable[str]) -> None:
        """Take all lines."""
        cut, append, seen = _EVENT.fullmatch, self._builder.append, self.line_of.append
        heads, threads, sites = self._heads, self._threads, self._sites
        for self.number, line in enumerate(lines, 1):
            found = cut(line.rstrip())
            if found is None:
                self._no_event(line.strip())
                continue
            word, name, target, start, stop, rest = found.groups()
            thread = threads.get(word)
            if thread is None:
                thread = threads[word] = self._builder.thread(read_name(word))
            head = heads.get((name, target)) or self._head(name, target, rest or "")
            op, where, ranged, limit, _ = head
            site = sites.get(rest)
            if site is None or limit < 0:
                self._slow(thread, head, target, (start, stop), rest or "")
            elif ranged and start is not None:
                low, high = int(start), int(stop)
                if not low <= high <= limit:
                    _bad_range(low, high, limit)
                append(thread, op, where, low, high - low, site, 0, 0, 0)
            elif not ranged and start is None:
                append(thread, op, where, 0, 0, site, 0, 0, 0)
            else:
                self._slow(thread, head, target, (start, stop), rest or "")
            seen(self.number)

    def finish(self, path: str | None) -> Trace:
        """The trace."""
        return self._builder.finish(self._directives.origin(path, "text", len(self.line_of)))

    def _no_event(self, text: str) -> None:
        if not text:
            return
        if text.startswith("#"):
            self._directives.read(text[1:].strip(), self.number)
            return
        thread, *rest = text.split(maxsplit=2)
        raise MalformedError(
            f"expected a thread and an operation, found {shown(' '.join([thread, *rest[:1]]))}"
        )

    def _head(self, name: str, token: str | None, rest: str) -> _Head:
        op = _OPS.get(name)
        if op is None:
            close = get_close_matches(name, _OPS, 1)
            mend = f"; did you mean {close[0]}?" if close else ""
            raise MalformedError(f"expected an operation, found {shown(name)}{mend}")
        shape = SHAPES[op]
        where, kind = NOTHING, None
        if shape.kinds:
            kinds = " or ".join(kind.name.lower() for kind in shape.kinds)
            if token is None:
                found = shown(rest.split(maxsplit=1)[0]) if rest else "nothing"
                if _TOO_LONG.match(rest):
                    raise MalformedError(f"a number has at most 18 digits, found {found}")
                raise MalformedError(f"expected a {kinds} after {name}, found {found}")
            bare = _BARE_KIND.get(op)
            target = read_target(token) if bare is None else read_bare(bare, token)
            kind = target.kind
            if kind not in shape.kinds:
                raise MalformedError(f"{name} takes a {kinds}, found {shown(token)}")
            where = self._builder.target(target)
        limit = MAX_NUMBER if kind is Kind.USER else MAX_PAGE
        if op in _SIZED or shape.span == "may" or (token is not None and not shape.kinds):
            limit = -1
        ranged = shape.span == "must" or (shape.span == "page" and kind is Kind.PAGE)
        head = self._heads[name, token] = _Head(op, where, ranged, limit, kind)
        return head

    def _slow(
        self,
        thread: int,
        head: _Head,
        target: str | None,
        span: tuple[str | None, str | None],
        rest: str,
    ) -> None:
        """An event with options, or with something that must not be there."""
        op = head.op
        if head.kind is None and target is not None:  # the word after `wake` is no target
            rest = f"{target} {rest}"
        low, high = _range(head, *span)
        options = read_options(op, rest, self._builder)
        detail = options.detail()
        if op in _SIZED:
            high = self._size(head, options.size)
        elif op is Op.COPY_IN:
            high, detail = _copied(low, high, options)
        if detail != NO_DETAIL:
            self._builder.detail(len(self._builder), detail)
        site = NOTHING
        if options.site is not None:
            site = self._builder.site(read_stack(options.site))
            if rest.startswith("@"):
                self._sites[rest] = site
        self._builder.append(
            thread,
            op,
            head.where,
            low,
            high - low,
            site,
            options.flags,
            options.order,
            options.time,
        )

    def _size(self, head: _Head, given: int) -> int:
        """The bytes of the page that is allocated or freed; 0 where only the end will tell."""
        if given == 0 or given > MAX_PAGE:
            raise MalformedError(f"expected a size of 1 to {MAX_PAGE} bytes, found {given}")
        if head.op is Op.ALLOC:
            size = DEFAULT_PAGE if given == NOTHING else given
            self._builder.resize(head.where, size)
            return size
        return self._builder.size(head.where) if given == NOTHING else given


def _range(head: _Head, start: str | None, stop: str | None) -> tuple[int, int]:
    name = head.op.name.lower()
    if start is None or stop is None:
        if head.ranged:
            raise MalformedError(f"expected a range [a:b] right after the target of {name}")
        return 0, 0
    if not head.ranged and SHAPES[head.op].span != "may":
        raise MalformedError(f"{name} takes no range here, found [{start}:{stop}]")
    low, high = int(start), int(stop)
    limit = head.limit if head.ranged else MAX_PAGE
    if not low <= high <= limit:
        _bad_range(low, high, limit)
    return low, high


def _bad_range(low: int, high: int, limit: int) -> None:
    if low > high:
        raise MalformedError(f"the range [{low}:{high}] ends before it starts")
    raise MalformedError(f"the range [{low}:{high}] reaches beyond {limit} bytes")


def _copied(low: int, high: int, options: Options) -> tuple[int, Detail]:
    """Where a copy that was asked for [low, high) ended, and its detail."""
    asked, source, moved = high - low, options.asked, options.moved
    if source is not None and source[1] - source[0] != asked:
        raise MalformedError(
            f"copy_in of {asked} bytes from {source[1] - source[0]}: both ranges have one length"
        )
    if moved in (NOTHING, asked):
        return high, options.detail()
    if moved > asked:
        raise MalformedError(f"copy_in moved {moved} bytes of {asked}")
    return low + moved, options.detail()._replace(requested=asked)
