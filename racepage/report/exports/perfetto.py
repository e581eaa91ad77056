"""Perfetto's own format: a stream of `TracePacket`s with `TrackEvent`s in them, as protobuf.

The messages come from the package `perfetto`, an extra. One packet is made and written at a time.

- All packets are of one sequence (`trusted_packet_sequence_id`), whose first clears the incremental
  state and whose others need it: names, categories and places are sent once, in the packet that
  first needs them, and by number from then on.
- A thread is a track, described before its first event; where its critical sections do not nest, it
  has child tracks.
- A flow is one edge of happens-before: `flow_ids` where it leads from, `terminating_flow_ids` where
  it leads to, on whichever packet begins or ends the slice there, the former always earlier.
- Timestamps are nanoseconds. Packets of a track ascend, those of different tracks need not:
  importers sort them.

Reference: Perfetto's "Writing TrackEvent protos synthetically".
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Final

from racepage.errors import RacepageError
from racepage.finding import Analysis
from racepage.report.arrows import Arrows
from racepage.report.exports.names import CATEGORY, TOUCHES, Names
from racepage.report.exports.slices import Slice, marks, slices
from racepage.report.exports.timeline import Timeline
from racepage.trace.columns import NOTHING, Trace

_SEQUENCE: Final = 1
_CLEARED: Final = 1  # SEQ_INCREMENTAL_STATE_CLEARED
_NEEDS: Final = 2  # SEQ_NEEDS_INCREMENTAL_STATE
_PID: Final = 1
_PROCESS: Final = 1  # the uuid of its track; that of track k is k + 2
_EXPLICIT: Final = 3  # TrackDescriptor.EXPLICIT: children by their rank
_MOST_LINE: Final = (1 << 32) - 1
_PACKET: Final = b"\x0a"  # field 1 of Trace, length-delimited
_MESSAGES: Final = "perfetto.protos.perfetto.trace.perfetto_trace_pb2"


def messages() -> Any:
    """The module that has the messages.

    Raises:
        RacepageError: the package `perfetto` is not installed.
    """
    try:
        return importlib.import_module(_MESSAGES)
    except ImportError:
        raise RacepageError(
            "perfetto traces need the package perfetto: pip install 'racepage[perfetto]'; Perfetto "
            "opens chrome's format (.json.gz) as well, which needs nothing"
        ) from None


def packets(trace: Trace, analysis: Analysis, timeline: Timeline, edges: Arrows) -> Iterator[bytes]:
    """The packets of the file, each framed as it stands in it.

    Args:
        trace: the events.
        analysis: what was found: each side of a finding is an instant.
        timeline: where they stand.
        edges: happens-before: each is a flow.

    Raises:
        RacepageError: the package `perfetto` is not installed.
    """
    told = _Told(trace, timeline)
    for packet in told.descriptors():
        yield _framed(packet)
    for one in slices(trace, timeline, edges, marks(analysis)):
        for packet in told.event(one):
            yield _framed(packet)


class _Told:
    """One trace's events as packets."""

    def __init__(self, trace: Trace, timeline: Timeline) -> None:
        self._names = Names(trace)
        self._timeline = timeline
        self._packet, event = messages().TracePacket, messages().TrackEvent
        self._begin, self._instant = event.TYPE_SLICE_BEGIN, event.TYPE_INSTANT
        self._end = event.TYPE_SLICE_END
        # What has a number, from 1, and so need not be sent again.
        self._event_names: dict[str, int] = {}
        self._categories: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        self._sites: dict[int, int] = {}

    def descriptors(self) -> Iterator[Any]:
        """The process and the tracks."""
        kind = "wall time" if self._timeline.wall else "logical time"
        first = self._packet(
            trusted_packet_sequence_id=_SEQUENCE,
            sequence_flags=_CLEARED | _NEEDS,
            first_packet_on_sequence=True,
        )
        first.track_descriptor.uuid = _PROCESS
        first.track_descriptor.process.pid = _PID
        first.track_descriptor.process.process_name = f"{self._names.program()} ({kind})"
        yield first
        for number, (thread, level) in enumerate(self._timeline.tracks):
            packet = self._packet(trusted_packet_sequence_id=_SEQUENCE)
            track = packet.track_descriptor
            track.uuid = number + 2
            if level:
                track.parent_uuid = thread + 2
                track.name = f"sections {level + 1}"
                track.sibling_order_rank = level
            else:
                track.parent_uuid = _PROCESS
                track.child_ordering = _EXPLICIT
                track.thread.pid = _PID
                track.thread.tid = number + 1
                track.thread.thread_name = self._names.threads[thread]
            yield packet

    def event(self, one: Slice) -> Iterator[Any]:
        """Whatever begins, happens and ends with one event, in the order of time."""
        timeline, names = self._timeline, self._names
        margin = timeline.margin
        if one.opens is not None:
            yield self._opened(one, one.start, names.section(timeline.sections, one.opens), "lock")
        elif one.own:
            name = names.event(one.op, one.target, one.flags)
            yield self._opened(one, one.start + margin, name, CATEGORY[one.op])
        for mark in one.marks:
            packet = self._at(one.start + timeline.bend, one.track, self._instant)
            self._call(packet, mark.name, "finding")
            self._note(packet, "finding").uint_value = mark.finding
            self._note(packet, "message").string_value = mark.message
            yield packet
        if one.own:
            yield self._at(one.stop - margin, one.track, self._end)
        for number in one.closes:
            track = int(timeline.sections.track[number])
            packet = self._at(one.stop - margin, track, self._end)
            if not one.own and one.opens is None:  # it is the unlock, and has no other slice
                self._note(packet, "unlock").uint_value = one.event
                self._flow(packet, one)
            yield packet

    def _opened(self, one: Slice, time: int, name: str, category: str) -> Any:
        """The begin of a slice, with all there is to say of the event."""
        packet = self._at(time, one.track, self._begin)
        self._call(packet, name, category)
        self._note(packet, "event").uint_value = one.event
        if TOUCHES[one.op]:
            self._note(packet, "bytes").string_value = f"{one.offset}:{one.offset + one.length}"
        if one.site != NOTHING:
            iid = self._sites.get(one.site) or self._placed(packet, one.site)
            packet.track_event.source_location_iid = iid
        self._flow(packet, one)
        return packet

    def _at(self, time: int, track: int, kind: int) -> Any:
        packet = self._packet(
            timestamp=time, trusted_packet_sequence_id=_SEQUENCE, sequence_flags=_NEEDS
        )
        event = packet.track_event
        event.type = kind
        event.track_uuid = track + 2
        return packet

    def _call(self, packet: Any, name: str, category: str) -> None:
        event = packet.track_event
        event.name_iid = self._event_names.get(name) or _intern(
            packet.interned_data.event_names, self._event_names, name
        )
        event.category_iids.append(
            self._categories.get(category)
            or _intern(packet.interned_data.event_categories, self._categories, category)
        )

    def _note(self, packet: Any, key: str) -> Any:
        note = packet.track_event.debug_annotations.add()
        note.name_iid = self._keys.get(key) or _intern(
            packet.interned_data.debug_annotation_names, self._keys, key
        )
        return note

    def _placed(self, packet: Any, site: int) -> int:
        iid = self._sites[site] = len(self._sites) + 1
        frame = self._names.frame(site)
        packet.interned_data.source_locations.add(
            iid=iid,
            file_name=frame.file,
            line_number=min(frame.line, _MOST_LINE),
            function_name=frame.function,
        )
        return iid

    @staticmethod
    def _flow(packet: Any, one: Slice) -> None:
        if one.out:
            packet.track_event.flow_ids.extend(one.out)
        if one.into:
            packet.track_event.terminating_flow_ids.extend(one.into)


def _intern(table: Any, known: dict[str, int], name: str) -> int:
    """A number for `name`, which goes into the table of the packet that needs it first."""
    iid = known[name] = len(known) + 1
    table.add(iid=iid, name=name)
    return iid


def _framed(packet: Any) -> bytes:
    """A packet as field 1 of a `Trace`: a file of those is one `Trace`, made piece by piece."""
    data: bytes = packet.SerializeToString()
    length = len(data)
    size = bytearray()
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    size.append(length)
    return b"".join((_PACKET, size, data))
