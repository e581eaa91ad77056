r"""A log for ShiViz, which draws the events of hosts and how they are ordered.

The file is what its "upload" takes: the log's regular expression, a line for the delimiter of
executions (there is one, so it is empty), and two lines an event,

    write page:0[0:64] at binder.py:120 in copy_in (event 3)
    t1 {"main":2,"t1":1}

A host is a thread. ShiViz asks of the clocks (`modelGraph.js`) that every host's own begins at 1
and goes up by 1, and that every entry is of an event of the log; `neighbourhood` makes such. Host
names have no blank, and are none that every JavaScript object has already: what does not fit is
%-encoded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from racepage.report.choice import Choice
from racepage.report.exports.names import Names
from racepage.report.exports.neighbourhood import Neighbourhood
from racepage.trace.columns import Trace

MOST_EVENTS: Final = 5_000
"""Events of a log: what ShiViz draws without trouble."""

EXPRESSION: Final = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})"
"""The first line: ShiViz's own default."""

_SAFE: Final = "".join(chr(code) for code in range(33, 127) if chr(code) != "%")
_LONGEST_HOST: Final = 60
_TAKEN: Final = frozenset(
    (
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    )
)
"""What every JavaScript object has: ShiViz looks hosts up in plain objects."""


def write_lines(trace: Trace, kept: Neighbourhood, choice: Choice) -> Iterator[str]:
    """The lines of the file, each with its end."""
    yield f"{EXPRESSION}\n"
    yield "\n"
    names = Names(trace)
    hosts = _hosts([trace.threads[number] for number in kept.threads])
    finding = choice.finding
    sides = {
        side.event: f"{finding.rule} {finding.kind}, {which} side: "
        for which, side in (("second", finding.second), ("first", finding.first))
        if side is not None
    }
    for event, column, clock in zip(
        kept.events.tolist(), kept.thread.tolist(), kept.clocks.tolist(), strict=True
    ):
        yield f"{sides.get(event, '')}{names.line(event)}\n"
        known = {host: count for host, count in zip(hosts, clock, strict=True) if count}
        yield f"{hosts[column]} {json.dumps(known, separators=(',', ':'))}\n"


def _hosts(threads: list[str]) -> list[str]:
    """A name for each: the thread's own where it can be, and no two alike."""
    found: dict[str, None] = {}
    for name in threads:
        host = quote(name[:_LONGEST_HOST], safe=_SAFE, errors="surrogatepass") or "%"
        if host in _TAKEN:
            host = f"%{ord(host[0]):02X}{host[1:]}"
        number = 1
        unique = host
        while unique in found:
            number += 1
            unique = f"{host}%23{number}"
        found[unique] = None
    return list(found)
