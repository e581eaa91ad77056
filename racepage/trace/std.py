"""RAPID's STD format, `.std`: one event a line, `thread|operation(operand)|location`.

    T1|acq(L1)|12      acq rel   a lock      a thread may take a lock again that it holds
    T1|r(V1)|13        r w       a variable
    T1|fork(T2)|14     fork join a thread
    T1|begin(1)|15     begin end a transaction: orders nothing

Blank lines do not count: event N is the N-th line that is not blank, from 0.
Source: RAPID (Mathur et al., https://github.com/umangm/rapid), `src/parse/std`.

What is read. A variable is 8 bytes of its own in `page:std`, which exists from the beginning;
`origin.variables` has their names. Inner levels of a lock are rows with `Flag.INNER`, so that every
line has its row. `begin` and `end` are WAKE rows with `Flag.BEGIN` and `Flag.END`. A location is
the call site: `12` is `location:12`, and `a.py:12` is line 12 of that file. Whatever this format
does not say is a `TraceError` with its line: an unknown operation, a release of what the thread
does not hold, an acquire of what another one holds, a thread that acts before its fork or after its
join.

What is written. The races stay what they are: each page is cut into variables where accesses begin
or end, and an access is a line for each variable that it touches, so that the numbers of events
change. An `alloc` and a `free` write the whole page, as they do in the conflict table, and a new
life of a page has new variables. Rows that no order and no race depends on are left out
(`left_out` counts them): mappings, user memory, failed tries, exits, blocking, pages that the
garbage collector freed. An event that orders in a way that STD has no word for, such as a read lock
or a queue's hand-over, is refused, since leaving it out would make races, and a lock in its place
would hide some; so are locks that are given back by another thread. Locations are numbers: an event
without a site has one of its own. Characters that would break a line are percent-encoded.
"""

from __future__ import annotations

from racepage.trace.columns import Trace
from racepage.trace.std_reader import read_lines
from racepage.trace.std_writer import left_out, write_lines

__all__ = ["left_out", "parse", "read_lines", "render", "write_lines"]


def parse(text: str, path: str | None = None) -> Trace:
    """Read a trace in STD.

    Raises:
        TraceError: with the line, for anything that the format does not say.
    """
    return read_lines(text.split("\n"), path)


def render(trace: Trace) -> str:
    """The trace in STD.

    Raises:
        TraceError: with the first event that STD cannot say.
    """
    return "".join(write_lines(trace))
