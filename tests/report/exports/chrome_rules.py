"""The rules of Trace Event JSON, as importers have them; each broken one is an AssertionError.

Times are taken as Perfetto takes them: a JSON number with a point is multiplied by 1,000 as a
double, and what is behind the point of that is dropped.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.report.exports.shown import Tracks

_FIRST = re.compile(r'\{"ts":[0-9.e+]+,"ph":"[A-Za-z]",')
_KEYS = {
    "M": {"name", "args"},
    "B": {"cat", "name", "args"},
    "E": {"args"},
    "X": {"dur", "cat", "name", "args"},
    "i": {"s", "cat", "name", "args"},
    "s": {"id", "cat", "name"},
    "f": {"id", "bp", "cat", "name"},
}


def nanoseconds(value: float) -> int:
    """A time as it is taken."""
    assert type(value) in {int, float}
    assert 0 <= value < 1 << 53
    return int(value * 1000)


def read(text: str) -> tuple[Tracks, dict[int, str], dict[str, Any]]:
    """What a viewer shows of a file; the names of its tracks; and what it says of the whole."""
    whole = json.loads(text)
    assert list(whole) == ["traceEvents", "otherData"], "what importers do not know comes last"
    assert text.isascii()
    lines = text.splitlines()[1:-1]
    events = whole["traceEvents"]
    assert len(lines) == len(events)
    assert all(_FIRST.match(line) for line in lines), "the time stands first"
    names: dict[int, str] = {}
    ranks: dict[int, int] = {}
    process = []
    for one in events:
        assert one["pid"] == 1
        assert set(one) - {"ts", "ph", "pid", "tid"} <= _KEYS[one["ph"]]
        assert one.get("name", "x").isprintable()
        if one["ph"] == "M":
            assert one["ts"] == 0
            kind, args = one["name"], one["args"]
            if kind == "process_name":
                process.append(args["name"])
            elif kind == "thread_name":
                assert names.setdefault(one["tid"], args["name"]) is args["name"]
            else:
                assert kind == "thread_sort_index"
                ranks[one["tid"]] = args["sort_index"]
        else:
            assert type(one["tid"]) is int
            assert one["tid"] in names, "a track is named before it is used"
    assert len(process) == 1
    assert set(names) == set(ranks)
    assert sorted(ranks.values()) == list(range(len(ranks)))
    return _shown(events), names, {**whole["otherData"], "process": process[0]}


def _shown(events: list[dict[str, Any]]) -> Tracks:
    shown = Tracks()
    timed = [(nanoseconds(one["ts"]), one) for one in events if one["ph"] != "M"]
    for time, one in sorted(timed, key=lambda each: each[0]):
        track, args = one["tid"], one.get("args", {})
        if one["ph"] in {"B", "X"}:
            length = nanoseconds(one["dur"]) if one["ph"] == "X" else None
            shown.begin(time, track, one["name"], one["cat"], args, length=length)
            continue
        if one["ph"] == "E":
            shown.end(time, track, args)
            continue
        stack = shown.at(time, track)
        around = stack[-1] if stack else None
        if one["ph"] == "i":
            assert one["s"] == "t"
            shown.instants.append((around, one["name"], args))
            continue
        assert type(one["id"]) is int
        assert (one["cat"], one["name"]) == ("happens-before", "happens-before")
        assert around is not None, "an arrow begins and ends in a slice"
        assert around.start < time
        if one["ph"] == "s":
            shown.leave(one["id"], around)
        else:
            assert one["bp"] == "e"
            shown.reach(one["id"], around)
    return shown.done()
