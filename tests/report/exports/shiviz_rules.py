"""What ShiViz asks of a log, after its source; each broken rule is an AssertionError.

`js/util/regexp.js` and `js/model/parser.js`: the first line of an uploaded file is the parser's
expression, the second the delimiter of executions, the rest the log. The expression is applied
again and again, each match is an event, and text between two matches is skipped: here that is an
error. `js/model/vectorTimestamp.js`: the clock is a JSON object that has the local host; entries of
0 are dropped. `js/model/modelGraph.js`: the clocks of a host begin at 1 and go up by 1; an entry
for another host names one of its events; an event's parents are the events that its clock names
anew, without those that another of them names exactly; and in the order of the graph that this
makes, joining clocks along it gives every event's clock again (`stepThroughAndVerify`).

Plain JavaScript objects serve as maps there, so a host may be called nothing that those have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_IN_OBJECTS = {
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
    "__proto__",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
}
_ENDS_A_LINE = re.compile("[\r\u2028\u2029]")  # in JavaScript, beside \n
_BLANK = re.compile("[\\s\ufeff]")


class Event(NamedTuple):
    """One event of the log."""

    text: str
    host: str
    clock: dict[str, int]


def read(log: str) -> list[Event]:
    """The events of a file, in its order."""
    expression, delimiter, rest = log.split("\n", 2)
    assert delimiter == ""
    assert not _ENDS_A_LINE.search(log)
    parser = re.compile(re.sub(r"\(\?<(\w+)>", r"(?P<\1>", expression))
    assert set(parser.groupindex) == {"event", "host", "clock"}
    events = []
    at = 0
    rest = rest.strip()
    for match in parser.finditer(rest):
        assert rest[at : match.start()] in {"", "\n"}, "text that belongs to no event"
        at = match.end()
        host = match["host"]
        assert host
        assert not _BLANK.search(host)
        assert host not in _IN_OBJECTS
        clock = json.loads(match["clock"])
        assert all(type(value) is int and value > 0 for value in clock.values())
        assert host in clock, "the local host is missing"
        events.append(Event(match["event"], host, clock))
    assert at == len(rest)
    assert events, "no events"
    _verify(events)
    return events


def _verify(events: list[Event]) -> None:
    hosts: dict[str, list[Event]] = {}
    for one in events:
        hosts.setdefault(one.host, []).append(one)
    for host, own in hosts.items():
        own.sort(key=lambda one: one.clock[host])
        assert [one.clock[host] for one in own] == list(range(1, len(own) + 1))
    parents = {
        (host, number): above
        for host in hosts
        for number, above in enumerate(_parents(hosts, host), 1)
    }
    joined: dict[tuple[str, int], dict[str, int]] = {}
    next_: dict[str, int] = dict.fromkeys(hosts, 1)
    moved = True
    while moved:
        moved = False
        for host, own in hosts.items():
            while next_[host] <= len(own) and all(
                one in joined for one in parents[host, next_[host]]
            ):
                number = next_[host]
                clock = {host: number}
                for above in (*parents[host, number], (host, number - 1)):
                    for other, value in joined.get(above, {}).items():
                        clock[other] = max(value, clock.get(other, 0))
                joined[host, number] = clock
                assert clock == own[number - 1].clock, "an impermissible vector clock"
                next_[host] += 1
                moved = True
    assert len(joined) == len(events), "the log is intransitive"


def _parents(hosts: dict[str, list[Event]], host: str) -> Iterator[set[tuple[str, int]]]:
    """The parents of each event of a host."""
    last: dict[str, int] = {}
    for one in hosts[host]:
        found = set()
        for other, value in one.clock.items():
            if other != host and last.get(other, 0) < value:
                assert other in hosts, "an unrecognised host"
                assert 1 <= value <= len(hosts[other]), "an invalid clock value"
                found.add((other, value))
            last[other] = max(value, last.get(other, 0))
        yield found - {
            (third, value)
            for other, number in found
            for third, value in hosts[other][number - 1].clock.items()
            if third != other
        }
