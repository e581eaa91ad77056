"""From a trace to its findings: order, engine, checks, and the sides that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from racepage.detect.deadlock import deadlock
from racepage.detect.evidence import NONE, Evidence, deduplicated
from racepage.detect.exclusive import exclusive
from racepage.detect.fetches import both_fetched, double_fetches, fetched
from racepage.detect.lifetime import lifetime
from racepage.detect.lock_misuse import lock_misuse
from racepage.detect.lock_order import lock_order
from racepage.detect.lock_replay import LockReplay
from racepage.detect.mapping import mapping
from racepage.detect.meant import Scopes
from racepage.detect.mixed import mixed_sizes
from racepage.detect.races import RaceEngine, Races
from racepage.detect.reference import Reference
from racepage.detect.rows import extent, is_native, native_is_loaded, rare, which
from racepage.detect.sides import Sides
from racepage.detect.sleeping import sleeping
from racepage.detect.thread_leak import thread_leak
from racepage.detect.uninitialised import uninitialised
from racepage.detect.values import values
from racepage.detect.worlds import ONE_WORLD, Worlds
from racepage.events import Op
from racepage.finding import Analysis, Finding, Side
from racepage.order.hb import HappensBefore
from racepage.order.history import History
from racepage.order.stamps import Stamper, Stamps
from racepage.trace.columns import NOTHING, Trace

Engine = Literal["auto", "reference", "native"]
Progress = Callable[[int, int], None]
"""Called with the events done and the events there are."""

_BATCH: Final = 1 << 20


def analyse(
    trace: Trace,
    *,
    engine: Engine = "auto",
    all_pairs: bool = False,
    progress: Progress | None = None,
) -> Analysis:
    """Find everything that DESIGN.md section 3.3 calls a finding in a consistent trace.

    What the program means (`racy_ok`) is found as well, and marked as suppressed; it counts among
    the racy events and bytes.

    Args:
        trace: as a reader made it; what `trace.validate` refuses must not come here.
        engine: `auto` takes the native one where `rows.is_native` says so.
        all_pairs: report every racing pair of sites, not only each access's latest partner.
        progress: told now and then how far the engine is.
    """
    found = examine(trace, engine=engine, all_pairs=all_pairs, progress=progress)
    sides = Sides(trace, found.history, found.rare, found.evidence)
    return Analysis(
        path=trace.origin.path,
        events=len(trace),
        lost_bytes=trace.origin.lost_bytes,
        order=found.order,
        engine=found.engine,
        findings=tuple(
            _finding(trace, sides, one, found.scopes.reason(one)) for one in found.evidence
        ),
        racy_events=len(found.races.events),
        racy_event_ids=tuple(found.races.events.tolist()),
        racy_bytes=_racy_bytes(trace, found.races),
        threads=sides.threads(),
        pages=sides.pages(),
        warnings=tuple(_strangers(trace, found.rare)),
        complete=trace.origin.complete,
        labels={str(trace.targets[target]): label for target, label in trace.labels.items()},
    )


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """What there is to find in a trace, before anybody dresses it for people.

    Attributes:
        evidence: one for each kind and pair of places, ascending by event.
        races: what the engine found.
        scopes: say what is meant.
        history: what the order said of the trace.
        order, engine: their names.
        rare: the rows that `rows.rare` chose.
    """

    evidence: list[Evidence]
    races: Races
    scopes: Scopes
    history: History
    order: str
    engine: str
    rare: NDArray[np.int64]


def examine(
    trace: Trace,
    *,
    engine: Engine = "auto",
    all_pairs: bool = False,
    progress: Progress | None = None,
    worlds: Worlds = ONE_WORLD,
) -> Examined:
    """The findings of a trace as numbers: all of `analyse` but the words.

    Args:
        trace: as for `analyse`.
        engine: likewise.
        all_pairs: likewise.
        progress: likewise.
        worlds: which threads can have to do with each other.
    """
    chosen = rare(trace.columns)
    scopes = Scopes(trace, chosen)
    apart = scopes.apart()
    native = engine == "native" or (engine == "auto" and is_native(len(trace)))
    stamper, races = _machines(native=native, all_pairs=all_pairs)
    history = _run(apart, stamper, races, progress)
    found = races.races()
    locks = LockReplay(trace, chosen)
    checks = chain(
        _races(trace, found),
        lifetime(trace, history, chosen),
        uninitialised(apart, chosen),
        mapping(trace, chosen),
        mixed_sizes(apart, history, chosen),
        exclusive(apart, history, chosen),
        double_fetches(apart),
        lock_misuse(trace, locks),
        lock_order(trace, locks, chosen),
        sleeping(trace, locks),
        deadlock(trace, locks, chosen, worlds),
        thread_leak(trace, chosen, worlds),
    )
    evidence = deduplicated(apart.columns, checks)
    evidence.sort(key=lambda one: (one.first if one.second == NONE else one.second, one))
    return Examined(
        evidence=evidence,
        races=found,
        scopes=scopes,
        history=history,
        order=stamper.name,
        engine="native" if native else "reference",
        rare=chosen,
    )


def _machines(*, native: bool, all_pairs: bool) -> tuple[Stamper, RaceEngine]:
    if not native:
        return HappensBefore(), Reference(all_pairs=all_pairs)
    # Imported here, since it loads a compiler.
    from racepage.detect.native import Native  # noqa: PLC0415
    from racepage.order.hb_native import NativeHappensBefore  # noqa: PLC0415

    native_is_loaded()
    return NativeHappensBefore(), Native(all_pairs=all_pairs)


def _run(trace: Trace, stamper: Stamper, races: RaceEngine, progress: Progress | None) -> History:
    batches: list[Stamps] = []
    done = 0
    for batch in trace.columns.batches(_BATCH):
        stamps = stamper.stamp(batch, trace.threads, trace.targets)
        races.feed(batch, stamps)
        batches.append(stamps)
        done += len(batch)
        if progress is not None:
            progress(done, len(trace))
    return History(trace.columns.thread, batches)


def _races(trace: Trace, found: Races) -> Iterator[Evidence]:
    op = trace.columns.op
    for pair in found.pairs:
        frees = [op[pair.first], op[pair.second]].count(Op.FREE)
        (low, high), (start, stop) = (extent(trace.columns, event) for event in pair[:2])
        yield Evidence(
            kind=("data-race", "free-race", "double-free")[frees],
            first=pair.first,
            second=pair.second,
            times=pair.times,
            page=int(trace.columns.target[pair.second]),
            overlap=(max(low, start), min(high, stop)),
        )


def _finding(trace: Trace, sides: Sides, one: Evidence, meant: str | None) -> Finding:
    first, second = (_side(trace, sides, one, event) for event in (one.first, one.second))
    related = list(one.related)
    alloc = sides.allocation(one)
    if alloc is not None and alloc not in (one.first, one.second):
        related.append(alloc)
    page = None if one.page == NOTHING else str(trace.targets[one.page])
    accesses = NONE not in (one.first, one.second) and one.page != NOTHING
    unordered = accesses and not sides.ordered(one.first, one.second)
    return Finding(
        kind=one.kind,
        message=one.message or _message(one, first, second, page),
        count=one.times,
        page=page,
        overlap=one.overlap,
        first=first,
        second=second,
        related=tuple(map(sides.side, related)),
        why=sides.why(one.first, one.second) if unordered else None,
        suppressed=meant,
        values=(both_fetched if one.kind == "double-fetch" else values)(trace.columns, one),
    )


def _side(trace: Trace, sides: Sides, one: Evidence, event: int) -> Side | None:
    if event == NONE:
        return None
    side = sides.side(event)
    if one.kind != "double-fetch":
        return side
    # A copy into a page has two sides, and this is about the other one.
    return replace(side, target=str(trace.targets[one.page]), range=fetched(trace.columns, event))


_DOES: Final = {
    "read": "reads",
    "write": "writes",
    "zero": "zeroes",
    "copy_in": "copies into",
    "load": "loads",
    "store": "stores to",
    "rmw": "updates",
    "bytewise_read": "reads byte-wise",
    "bytewise_write": "writes byte-wise",
    "alloc": "allocates",
    "free": "frees",
}
"""What a thread does to a page, in a sentence."""

_ASSERTS: Final = {"assert_writer": "writes", "assert_access": "touches"}
"""What an assertion says that nobody else does."""


def _message(one: Evidence, a: Side | None, b: Side | None, page: str | None) -> str:
    """One sentence; the sides' details stand beside it."""
    first, second = (None if side is None else side.thread for side in (a, b))
    who = " and ".join(f"{side.thread} {_DOES.get(side.op, side.op)}" for side in (a, b) if side)
    where = page or "a page"
    if one.overlap is not None:
        where = f"{where}[{one.overlap[0]}:{one.overlap[1]}]"
    return {
        "data-race": f"{who} {where}, and nothing orders the two",
        "free-race": f"{who} {where}, and nothing orders the two",
        "double-free": f"{second} frees {page}, which {first} freed before",
        "use-after-free": f"{second} touches {where} after {first} freed the page",
        "uninitialised-read": f"{second} reads {where}, where nothing was written yet",
        "page-leak": f"{first} allocated {page}, and nothing frees it",
        "stale-pointer": f"{second} uses a pointer to {where} after {first} unmapped it",
        "foreign-pointer": f"{second} uses a pointer to {where} that only {first} may use",
        "out-of-slice": f"{second} reaches {where}, outside the slice that its pointer is for",
        "unmap-order": f"{second} ends a mapping of {page} before one that it made later",
        "map-depth": f"{second} holds more than 16 mappings at once",
        "leaked-mapping": f"{first} never ended its mapping of {page}",
        "mixed-size-atomic": f"{who} {where} in different sizes, and nothing orders the two",
        "double-fetch": f"{second} reads {where} twice, and it may have changed in between",
        "exclusive-violation": _violation(where, a, b),
    }[one.kind]


def _violation(where: str, *sides: Side | None) -> str:
    both = [side for side in sides if side is not None]
    told = [
        f"{side.thread} asserts that nobody else {_ASSERTS[side.op]} it"
        if side.op in _ASSERTS
        else f"{side.thread} {_DOES.get(side.op, side.op)} {where}"
        for side in sorted(both, key=lambda side: side.op in _ASSERTS)
    ]
    return " while ".join(told)


def _racy_bytes(trace: Trace, found: Races) -> dict[str, list[tuple[int, int]]]:
    racy: dict[str, list[tuple[int, int]]] = {}
    for piece in found.ranges:
        racy.setdefault(str(trace.targets[piece.page]), []).append((piece.start, piece.stop))
    return racy


def _strangers(trace: Trace, chosen: NDArray[np.int64]) -> Iterator[str]:
    """The threads of a recording that nobody started: nothing orders them after anything."""
    if not trace.origin.judge_leaks:
        return
    starts = trace.columns.target[which(trace.columns, chosen, Op.START)]
    started = {trace.targets[target].name for target in starts.tolist()}
    for name in trace.threads:
        if name not in started and name != "main":
            yield (
                f"thread {name} was not started through racepage.sync.Thread: nothing orders its "
                "events after those of the thread that started it"
            )
