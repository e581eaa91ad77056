"""What a viewer of slices makes of a file: slices, arrows and instants, whatever the format.

`Tracks` is a viewer's importer (after `SliceTracker` and `FlowTracker` of Perfetto's trace
processor), and strict where that is lenient: what it would count as an error in the trace's
statistics, and what it would quietly close or drop, is a failed test here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from racepage.trace.columns import Trace


@dataclass
class Shown:
    """One slice: its track, its times in nanoseconds, what it is called, and its arguments."""

    track: int
    start: int
    name: str
    category: str
    args: dict[str, Any]
    parent: Shown | None
    stop: int = -1
    until: int | None = None  # when it ends of itself

    @property
    def event(self) -> int:
        """The event that it begins with."""
        return int(self.args["event"])


@dataclass
class Tracks:
    """Fed in the order of time: of equal times in the order of the file."""

    slices: list[Shown] = field(default_factory=list)
    instants: list[tuple[Shown | None, str, dict[str, Any]]] = field(default_factory=list)
    flows: dict[int, list[Shown]] = field(default_factory=dict)
    sources: dict[int, tuple[Shown, int]] = field(default_factory=dict)
    now: int = 0
    _open: defaultdict[int, list[Shown]] = field(default_factory=lambda: defaultdict(list))

    def at(self, time: int, track: int) -> list[Shown]:
        """The slices that are open on a track then, outermost first."""
        assert time >= self.now, "not in the order of time"
        self.now = time
        stack = self._open[track]
        while stack and stack[-1].until is not None and stack[-1].until <= time:
            stack.pop()
        return stack

    def begin(
        self,
        time: int,
        track: int,
        name: str,
        category: str,
        args: dict[str, Any],
        *,
        length: int | None = None,
    ) -> Shown:
        """A slice begins; one with a length ends of itself."""
        stack = self.at(time, track)
        until = None if length is None else time + length
        parent = stack[-1] if stack else None
        if parent is not None and parent.until is not None:
            assert until is not None
            assert until <= parent.until, "it ends after what it is in"
        one = Shown(track, time, name, category, dict(args), parent, until=until)
        if until is not None:
            assert until > time
            one.stop = until
        stack.append(one)
        self.slices.append(one)
        return one

    def end(self, time: int, track: int, args: dict[str, Any]) -> Shown:
        """The innermost slice ends."""
        stack = self.at(time, track)
        assert stack, "nothing is open"
        one = stack.pop()
        assert one.until is None, "what is in it goes on"
        assert time > one.start
        assert not set(args) & set(one.args)
        one.stop = time
        one.args |= args
        return one

    def leave(self, number: int, one: Shown) -> None:
        """An arrow leads on from a slice, now."""
        assert number not in self.sources, "two arrows have one number"
        self.sources[number] = (one, self.now)

    def reach(self, number: int, one: Shown) -> None:
        """An arrow leads to a slice, now."""
        assert number not in self.flows, "an arrow has two ends"
        source, left = self.sources[number]
        assert left < self.now, "an arrow leads back"
        self.flows[number] = [source, one]

    def done(self) -> Tracks:
        """The end of the file."""
        for stack in self._open.values():
            assert all(one.until is not None for one in stack), "left open"
        assert set(self.sources) == set(self.flows), "an arrow leads nowhere"
        return self


def edges(shown: Tracks) -> list[tuple[int, int]]:
    """The arrows, as events: an arrow from a section leaves its unlock, one to it its lock."""
    return sorted(
        (source.args.get("unlock", source.event), to.event) for source, to in shown.flows.values()
    )


def assert_shows_all(trace: Trace, shown: Tracks, threads: dict[int, int]) -> None:
    """Every event is there once, on a track of its thread; `threads` is of tracks."""
    found: dict[int, int] = {}
    for one in shown.slices:
        for event in {one.event, one.args.get("unlock", one.event)}:
            assert event not in found
            found[event] = one.track
    assert sorted(found) == list(range(len(trace)))
    for event, track in found.items():
        assert threads[track] == trace.columns.thread[event]
