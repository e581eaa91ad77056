"""Trace Event JSON, which Perfetto and chrome://tracing open.

The format is the "Trace Event Format" of Chromium, in its object form; a viewer's importer asks a
little more than it says (`json_trace_tokenizer.cc` of Perfetto), and gets it:

- `ts` stands first in every event, and before any name: importers look for it without parsing what
  stands behind it, and do not know every escape that JSON has;
- times are microseconds, so that a nanosecond is 0.001; `displayTimeUnit` is not given, which some
  importers have taken for the unit of `ts`;
- a flow is one edge of happens-before: `s` and `f` with one id, each inside the slice that it binds
  to (`"bp": "e"`), the `f` always later;
- critical sections are `B` and `E`, which nest whatever becomes of fractions; the rest are `X`;
- what is said of the file as a whole (`otherData`) comes last, since some importers skip what comes
  after a key that they do not know.

There is one event a line, and nothing is held but the trace.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from racepage import __version__
from racepage.finding import Analysis
from racepage.report.arrows import Arrows
from racepage.report.exports.names import CATEGORY, TOUCHES, Names
from racepage.report.exports.slices import Slice, marks, slices
from racepage.report.exports.timeline import Timeline
from racepage.trace.columns import NOTHING, Trace

_PID: Final = 1


def write_lines(
    trace: Trace, analysis: Analysis, timeline: Timeline, edges: Arrows
) -> Iterator[str]:
    """The lines of the file, each with its end.

    Args:
        trace: the events.
        analysis: what was found: each side of a finding is an instant.
        timeline: where they stand.
        edges: happens-before: each is a flow.
    """
    told = _Told(trace, timeline)
    yield '{"traceEvents":[\n'
    yield ",\n".join(told.metadata())
    for one in slices(trace, timeline, edges, marks(analysis)):
        for line in told.event(one):
            yield ",\n" + line
    other = {"racepage": __version__, "time": _timing(timeline)}
    yield f'\n],"otherData":{json.dumps(other)}}}\n'


class _Told:
    """One trace's events as lines of JSON, without what separates them."""

    def __init__(self, trace: Trace, timeline: Timeline) -> None:
        self._names = Names(trace)
        self._timeline = timeline
        self._events: dict[tuple[int, int, int], str] = {}
        self._sites: dict[int, str] = {}

    def metadata(self) -> Iterator[str]:
        """The names of the process and of the tracks, and the order of those."""
        kind = "wall time" if self._timeline.wall else "logical time"
        name = f"{self._names.program()} ({kind})"
        yield f'{{"ts":0,"ph":"M","pid":{_PID},"name":"process_name","args":{_args(name=name)}}}'
        tracks = self._timeline.tracks
        ranks = {track: rank for rank, track in enumerate(sorted(tracks))}
        for number, track in enumerate(tracks):
            head = f'{{"ts":0,"ph":"M","pid":{_PID},"tid":{number + 1}'
            name = self._names.track(*track)
            yield f'{head},"name":"thread_name","args":{_args(name=name)}}}'
            yield f'{head},"name":"thread_sort_index","args":{_args(sort_index=ranks[track])}}}'

    def event(self, one: Slice) -> Iterator[str]:
        """Whatever begins, happens and ends with one event, in the order of time."""
        timeline = self._timeline
        where = f'"pid":{_PID},"tid":{one.track + 1}'
        inner = one.start + timeline.margin
        if one.opens is not None:
            name = json.dumps(self._names.section(timeline.sections, one.opens))
            yield (
                f'{{"ts":{_micro(one.start)},"ph":"B",{where},"cat":"lock","name":{name},'
                f'"args":{{"event":{one.event}{self._site(one.site)}}}}}'
            )
        elif one.own:
            touched = (
                f',"bytes":"{one.offset}:{one.offset + one.length}"' if TOUCHES[one.op] else ""
            )
            yield (
                f'{{"ts":{_micro(inner)},"ph":"X",{where},'
                f'"dur":{_micro(one.stop - timeline.margin - inner)},{self._event(one)},'
                f'"args":{{"event":{one.event}{touched}{self._site(one.site)}}}}}'
            )
        if one.into or one.out or one.marks:
            yield from self._points(one, f'{{"ts":{_micro(one.start + timeline.bend)},"ph":', where)
        for number in one.closes:
            track = int(timeline.sections.track[number])
            args = ""
            if not one.own and one.opens is None:
                args = f',"args":{{"unlock":{one.event}{self._site(one.site, "unlocked at")}}}'
            yield (
                f'{{"ts":{_micro(one.stop - timeline.margin)},"ph":"E","pid":{_PID},'
                f'"tid":{track + 1}{args}}}'
            )

    def _points(self, one: Slice, head: str, where: str) -> Iterator[str]:
        """The ends of arrows, and the findings that name the event."""
        flow = '"cat":"happens-before","name":"happens-before"'
        for number in one.into:
            yield f'{head}"f",{where},"id":{number},"bp":"e",{flow}}}'
        for number in one.out:
            yield f'{head}"s",{where},"id":{number},{flow}}}'
        for mark in one.marks:
            args = _args(finding=mark.finding, message=mark.message)
            yield (
                f'{head}"i",{where},"s":"t","cat":"finding","name":{json.dumps(mark.name)},'
                f'"args":{args}}}'
            )

    def _event(self, one: Slice) -> str:
        key = (one.op, one.target, one.flags)
        told = self._events.get(key)
        if told is None:
            name = json.dumps(self._names.event(*key))
            told = self._events[key] = f'"cat":"{CATEGORY[one.op]}","name":{name}'
        return told

    def _site(self, site: int, key: str = "at") -> str:
        if site == NOTHING:
            return ""
        if site not in self._sites:
            self._sites[site] = json.dumps(self._names.site(site))
        return f',"{key}":{self._sites[site]}'


def _timing(timeline: Timeline) -> str:
    """What the times mean."""
    if timeline.wall:
        return "the recording's clock, from its first event"
    return f"logical: {timeline.least // 1000} us for every event, in the order of the trace"


def _args(**values: str | int) -> str:
    return json.dumps(values, separators=(",", ":"))


def _micro(nanoseconds: int) -> int | float:
    """Microseconds; whole ones as an integer."""
    whole, rest = divmod(nanoseconds, 1000)
    return nanoseconds / 1000 if rest else whole
