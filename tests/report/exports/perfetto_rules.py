"""The rules of a TrackEvent trace; each broken one is an AssertionError.

After Perfetto's "Writing TrackEvent protos synthetically" and `trace_packet.proto`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

from tests.report.exports.shown import Tracks

_TABLES = ("event_names", "event_categories", "debug_annotation_names", "source_locations")
_KINDS = {TrackEvent.TYPE_SLICE_BEGIN, TrackEvent.TYPE_SLICE_END, TrackEvent.TYPE_INSTANT}


def read(data: bytes) -> tuple[Tracks, dict[int, str], str]:
    """What a viewer shows of a file; the names of its tracks, by uuid; and of the process."""
    trace = Trace()
    assert trace.ParseFromString(data) == len(data)
    packets = list(trace.packet)
    assert {packet.trusted_packet_sequence_id for packet in packets} == {1}
    assert packets[0].first_packet_on_sequence
    assert packets[0].sequence_flags == 3
    names: dict[int, str] = {}
    parents: dict[int, int] = {}
    process = ""
    events = []
    interned: dict[str, dict[int, Any]] = {table: {} for table in _TABLES}
    latest: defaultdict[int, int] = defaultdict(int)
    for packet in packets:
        for table in _TABLES:
            for one in getattr(packet.interned_data, table):
                assert one.iid not in {0, *interned[table]}
                interned[table][one.iid] = one
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert track.uuid not in names
            assert track.uuid
            if track.HasField("process"):
                process = track.process.process_name
                names[track.uuid] = ""
            else:
                assert track.parent_uuid in names
                parents[track.uuid] = track.parent_uuid
                names[track.uuid] = track.thread.thread_name or track.name
            continue
        assert packet.sequence_flags == 2
        event = packet.track_event
        assert event.type in _KINDS
        assert event.track_uuid in parents
        assert packet.timestamp >= latest[event.track_uuid], "packets of a track ascend"
        latest[event.track_uuid] = packet.timestamp
        events.append((packet.timestamp, event, _said(event, interned)))
    events.sort(key=lambda one: one[0])
    return _shown(events), {uuid: names[uuid] for uuid in parents}, process


def _said(event: Any, interned: dict[str, dict[int, Any]]) -> dict[str, Any]:
    """The arguments; what is interned must have been sent before."""
    args = {}
    for note in event.debug_annotations:
        key = interned["debug_annotation_names"][note.name_iid].name
        assert key not in args
        args[key] = note.uint_value if note.HasField("uint_value") else note.string_value
    if event.source_location_iid:
        place = interned["source_locations"][event.source_location_iid]
        where = f"{place.file_name}:{place.line_number}"
        args["at"] = f"{where} in {place.function_name}" if place.function_name else where
    if event.type != TrackEvent.TYPE_SLICE_END:
        args["name"] = interned["event_names"][event.name_iid].name
        [category] = event.category_iids
        args["category"] = interned["event_categories"][category].name
    return args


def _shown(events: list[tuple[int, Any, dict[str, Any]]]) -> Tracks:
    shown = Tracks()
    for time, event, args in events:
        track = event.track_uuid
        if event.type == TrackEvent.TYPE_INSTANT:
            stack = shown.at(time, track)
            assert not event.flow_ids
            assert not event.terminating_flow_ids
            shown.instants.append((stack[-1] if stack else None, args.pop("name"), args))
            continue
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            one = shown.begin(time, track, args.pop("name"), args.pop("category"), args)
        else:
            one = shown.end(time, track, args)
        for number in event.terminating_flow_ids:
            shown.reach(number, one)
        for number in event.flow_ids:
            shown.leave(number, one)
    return shown.done()
