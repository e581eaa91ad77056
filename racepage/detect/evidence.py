"""What a check found, as numbers of the trace, before anybody dresses it for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from racepage.trace.columns import NOTHING, Columns

NONE: Final = -1
"""The event number where a finding has only one side."""


class Evidence(NamedTuple):
    """One class of findings, and the events of its first instance.

    Attributes:
        kind: a key of `finding.RULES`.
        first, second: event numbers, or NONE.
        times: how many second events showed it.
        page: target id of the page, or NOTHING.
        overlap: the half-open byte range, or None.
        related: further events, for what takes more than two: a cycle, a deadlock.
        message: the sentence that says it; empty for the kinds that `analysis` has one for.
    """

    kind: str
    first: int
    second: int
    times: int = 1
    page: int = NOTHING
    overlap: tuple[int, int] | None = None
    related: tuple[int, ...] = ()
    message: str = ""


def place(columns: Columns, event: int) -> tuple[int, ...]:
    """What findings are deduplicated by: the site, or all that is known of an event without one."""
    if event == NONE:
        return ()
    site = int(columns.site[event])
    if site != NOTHING:
        return (site,)
    fields = (columns.thread, columns.op, columns.target, columns.offset, columns.length)
    return tuple(int(field[event]) for field in fields)


def deduplicated(columns: Columns, found: Iterable[Evidence]) -> list[Evidence]:
    """One for each kind and unordered pair of places, its earliest instance standing for all.

    An instance is one second event (or a first one that has no second): it counts once in a class,
    however many firsts it has there, and the latest of those stands for them. What an engine has
    put together already keeps its count.
    """
    classes: dict[tuple[str, tuple[int, ...], tuple[int, ...]], Evidence] = {}
    counted: set[tuple[str, tuple[int, ...], tuple[int, ...], int]] = set()
    for one in sorted(found, key=lambda one: (_instance(one), -one.first)):
        low, high = sorted((place(columns, one.first), place(columns, one.second)))
        key = (one.kind, low, high)
        if (*key, _instance(one)) in counted:
            continue
        counted.add((*key, _instance(one)))
        known = classes.get(key)
        classes[key] = one if known is None else known._replace(times=known.times + one.times)
    return list(classes.values())


def _instance(one: Evidence) -> int:
    return one.first if one.second == NONE else one.second
