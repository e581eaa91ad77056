"""Findings as plain data, and the rules that they are instances of.

A finding says what is wrong, which events show it, and why. It holds names, not numbers of some
trace's tables, so that reports, baselines and viewers need nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, NamedTuple

from racepage.events import Stack

Verdict = Literal["clean", "findings", "incomplete"]


class Rule(NamedTuple):
    """One kind of finding: a stable id, the kind's name, and one line of what it means."""

    id: str
    kind: str
    summary: str


RULES: Final[dict[str, Rule]] = {
    rule.kind: rule
    for rule in (
        Rule("RP001", "data-race", "two unordered accesses overlap, and at least one writes"),
        Rule("RP002", "use-after-free", "a page is touched after it was freed"),
        Rule("RP003", "free-race", "a page is freed while another thread may be touching it"),
        Rule("RP004", "double-free", "a page is freed twice"),
        Rule("RP005", "uninitialised-read", "bytes are read that nothing has written"),
        Rule("RP006", "page-leak", "a page is never freed"),
        Rule("RP007", "stale-pointer", "a pointer is used after its mapping ended"),
        Rule("RP008", "foreign-pointer", "a pointer is used by a task that did not map it"),
        Rule("RP009", "out-of-slice", "a pointer reaches outside the bytes it was made for"),
        Rule(
            "RP010", "unmap-order", "mappings of a task end in another order than last-in-first-out"
        ),
        Rule("RP011", "map-depth", "a task holds more than 16 mappings at once"),
        Rule("RP012", "leaked-mapping", "a mapping is still there when its task ends"),
        Rule("RP013", "program-error", "the program raised an exception that nothing caught"),
        Rule(
            "RP014",
            "mixed-size-atomic",
            "unordered atomic accesses of different sizes share bytes",
        ),
        Rule("RP015", "double-fetch", "one copy path reads the same user memory twice"),
        Rule("RP016", "lock-misuse", "a lock is used otherwise than it promises"),
        Rule("RP017", "lock-order", "locks are taken in orders that form a cycle"),
        Rule("RP018", "sleep-in-atomic", "what may sleep is done while holding a spin lock"),
        Rule("RP019", "deadlock", "threads wait, and nothing can wake them any more"),
        Rule(
            "RP020",
            "exclusive-violation",
            "bytes are touched that a thread asserts to have to itself",
        ),
        Rule("RP021", "thread-leak", "a thread has ended, and nobody joins or detaches it"),
        Rule("RP022", "livelock", "threads go on for ever, and none of them gets anywhere"),
        Rule(
            "RP023",
            "nondeterminism",
            "the program does not do the same when it is scheduled the same",
        ),
    )
}
"""kind -> rule. Ids are stable: a number is never given to another kind."""


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock that a thread held: its name and `read` or `write`."""

    name: str
    mode: Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Side:
    """One event of a finding, with everything a reader asks of it.

    Attributes:
        event: its number in the trace.
        op: the operation's text form, `write`.
        range: the half-open byte range that it touched, or None.
        access: the access class, `plain`; `none` for what is no access.
        clock: the thread's own count, from 1.
        vector: thread -> clock, without the zeros.
        stack: innermost frame first; empty where it was not recorded.
        target: what it acts on, `page:0` or `lock:mmap`, or None.
    """

    event: int
    thread: str
    op: str
    range: tuple[int, int] | None
    access: str
    clock: int
    vector: Mapping[str, int]
    stack: Stack = ()
    locks: tuple[HeldLock, ...] = ()
    target: str | None = None


@dataclass(frozen=True, slots=True)
class LastSync:
    """The last synchronisation of one thread that another one knows of.

    `event` is None when it knows of none: nothing ever ordered the one after the other.
    """

    thread: str
    clock: int
    event: int | None = None
    op: str | None = None
    target: str | None = None
    stack: Stack = ()


@dataclass(frozen=True, slots=True)
class Why:
    """Why two events are unordered: how far each side knows the other's thread."""

    last_of_first_known_to_second: LastSync
    last_of_second_known_to_first: LastSync


@dataclass(frozen=True, slots=True)
class Values:
    """Bytes of the overlap before and after an access, where they were recorded."""

    old: bytes | None
    new: bytes | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, with its two sides where it has them.

    Attributes:
        kind: a key of `RULES`.
        message: one sentence for people.
        count: how many second events showed it.
        page: the page's text form, `page:0`, or None.
        overlap: the half-open range of bytes that both sides touch, or None.
        related: further events: a cycle's, a deadlock's; for a page finding its allocation.
        suppressed: the reason, where a policy says that this is not to count.
        meant: it is the program that says so (`racy_ok`).
        known: it is in the baseline; `suppressed` says so.
    """

    kind: str
    message: str
    count: int = 1
    page: str | None = None
    overlap: tuple[int, int] | None = None
    first: Side | None = None
    second: Side | None = None
    related: tuple[Side, ...] = ()
    why: Why | None = None
    values: Values | None = None
    suppressed: str | None = None
    meant: bool = False
    known: bool = False

    @property
    def rule(self) -> str:
        """The stable id, `RP001`."""
        return RULES[self.kind].id

    @property
    def fingerprint(self) -> str:
        """Rule and the unordered pair of functions, no line numbers: survives edits elsewhere.

        Of what has no sides, an exception, it is the rule and the exception's type.
        """
        return self._digest(*self._places(_place))

    @property
    def identity(self) -> str:
        """As the fingerprint, with line numbers, and of its own where it is not to count.

        That tells findings of one text of a program apart, from execution to execution.
        """
        return self._digest(*self._places(_line), *(() if self.suppressed is None else ("meant",)))

    def _places(self, place: Callable[[Side], str]) -> list[str]:
        sides = [side for side in (self.first, self.second) if side is not None]
        return sorted(map(place, sides)) or [self.message.partition(":")[0]]

    def _digest(self, *parts: str) -> str:
        text = "\0".join((self.rule, *parts))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _place(side: Side) -> str:
    if not side.stack:
        return side.op
    frame = side.stack[0]
    return f"{frame.file.rsplit('/', 1)[-1]}:{frame.function}"


def _line(side: Side) -> str:
    return f"{_place(side)}:{side.stack[0].line}" if side.stack else side.op


@dataclass(frozen=True, slots=True)
class ThreadInfo:
    """A thread of the trace: where it was started and how it ended, where that is known."""

    start: Side | None = None
    end: Side | None = None


@dataclass(frozen=True, slots=True)
class PageInfo:
    """A page of the trace: `alloc` is None for one that exists from the beginning.

    `variables` is what an imported trace called the bytes [8k, 8k + 8) of it, by k.
    """

    size: int
    label: str | None = None
    alloc: Side | None = None
    free: Side | None = None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuppressionUse:
    """What became of one suppression with the findings of one trace.

    Attributes:
        source: the file that it stands in.
        entry: its number there, from 1.
        reason: why it is there.
        conditions: what it asks of a finding, by key.
        until: the last day on which it holds, or None.
        expired: that day is over.
        matched: how many findings met it; none where it expired.
    """

    source: str
    entry: int
    reason: str
    conditions: Mapping[str, str | list[str]]
    until: date | None
    expired: bool
    matched: int


@dataclass(frozen=True, slots=True)
class Known:
    """Findings of one fingerprint in a baseline.

    Attributes:
        fingerprint: `Finding.fingerprint`.
        rule: the id.
        count: how many there are.
        places: of each, where its sides stand, for people.
    """

    fingerprint: str
    rule: str
    count: int
    places: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class BaselineUse:
    """What a baseline says of one trace.

    Attributes:
        path: its file.
        known: how many findings of the trace are in it.
        gone: what is in it, and not in the trace; nothing where the trace is not complete.
    """

    path: str
    known: int
    gone: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class PolicyUse:
    """What was not to count, as far as files say so, and what that came to."""

    suppressions: tuple[SuppressionUse, ...] = ()
    baseline: BaselineUse | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of analysing one trace: what every report is made from.

    Attributes:
        path: the trace's file, or None.
        events: how many events it has.
        lost_bytes: bytes that were cut off; the verdict is then never `clean`.
        order: the partial order that was used, `hb`.
        engine: `reference` or `native`.
        racy_events: how many events are the second of a race (DESIGN.md section 5, promise 2).
        racy_event_ids: those events, ascending.
        racy_bytes: page -> disjoint ascending half-open ranges.
        threads, pages: name -> information.
        warnings: sentences that a reader should know, such as a thread that nobody started.
        complete: False for a recording that was not closed: it may have lost events without
            having lost bytes.
        labels: target -> the name that people gave it, where that is not its name already.
        policy: what suppressions and a baseline came to, where there are any.
    """

    path: str | None
    events: int
    lost_bytes: int
    order: str
    engine: str
    findings: tuple[Finding, ...]
    racy_events: int
    racy_event_ids: tuple[int, ...]
    racy_bytes: dict[str, list[tuple[int, int]]]
    threads: dict[str, ThreadInfo] = field(default_factory=dict)
    pages: dict[str, PageInfo] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    complete: bool = True
    labels: dict[str, str] = field(default_factory=dict)
    policy: PolicyUse | None = None

    def label(self, target: str) -> str | None:
        """What people call a target, `page:0`, where that is not its name already."""
        page = self.pages.get(target)
        return self.labels.get(target) if page is None or page.label is None else page.label

    @property
    def verdict(self) -> Verdict:
        """`findings` if any is not suppressed, else `incomplete` if something is missing."""
        if any(finding.suppressed is None for finding in self.findings):
            return "findings"
        return "clean" if self.complete and not self.lost_bytes else "incomplete"


class Unusable(NamedTuple):
    """A trace that could not be analysed: its file, and why not, in a sentence."""

    path: str
    reason: str
