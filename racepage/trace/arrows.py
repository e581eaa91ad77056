"""The recorded trace, `.arrows`: an Arrow IPC stream that plain pyarrow or polars reads.

    pyarrow.ipc.open_stream("run.arrows").read_all()        polars.read_ipc_stream("run.arrows")

One row an event, in an order that is consistent with the execution. Format 1, the first:

    thread   dictionary<int32, utf8>    the thread's name
    op       dictionary<int8, utf8>     `read`, `lock`, ...: the names of `racepage.events.Op`
    target   dictionary<int32, utf8>    `page:0`, `lock:m`: kind, colon, name; null where none
    offset   int64                      first byte touched; 0 where no bytes are
    length   int64                      bytes touched
    class    dictionary<int8, utf8>     the access class, `none` for what is no access
    order    dictionary<int8, utf8>     memory order of an atomic; null where none
    site     dictionary<int32, utf8>    `file:line function < file:line function`, innermost
                                        first, quoted as in a text trace; or null
    clock    int64                      the thread's own count, from 1; null if not stamped
    vector   list<struct<thread: dictionary<int32, utf8>, clock: int64>>
                                        the other components of the thread's vector clock that this
                                        row changed, in those threads' own counts; null where none
    time     int64                      nanoseconds on the recording's clock; null where not taken
    flags    dictionary<int8, utf8>     `try`, `zero`, `try inner`, ...; null where none
    detail   list<struct<via: utf8, slice_start: int64, slice_stop: int64, source: utf8,
             source_offset: int64, requested: int64, old: binary, new: binary>>
                                        what few rows have: a list of one, or null. `via` is the
                                        pointer that was used or made, `source` and `requested` are
                                        a copy's user memory and what was asked of it

The vector of an event is the sum of the changes of its thread's rows up to it, its own component
apart, which is `clock`. A thread's vector starts with what its first row changed.

Schema metadata: `racepage.format` (the number above), `racepage.version`, `racepage.program` where
it has a name, and `racepage.comments`: lines of a text trace's header, without their `#`
(`check: leaks`). Batches may have `racepage.comments` of their own: labels that were given, and
sizes of imported pages that were met, since the last one.

A dictionary that grew is sent again whole, never as a delta, since readers differ on those; one
that did not is not sent again. Where a dictionary outgrew the batch (a trace with a million
pointers), only the names that the batch uses are sent, so that a file grows with its events.

The first batch is empty, since Arrow writes no header before there is one: a recording can be read
from its first moment on. A batch is handed to the operating system as a whole, so that a process
that is killed leaves every batch that it wrote. The stream ends with Arrow's end marker. A file
without one was not closed: it reads up to its last complete batch, `origin.complete` is False, and
`origin.lost_bytes` says how many bytes follow that batch. They may be none: what a killed process
had not written yet is in no file, so that such a recording is never taken for a whole one.

A file that is not of this format, or damaged before its last batch, is a `TraceError` with the
byte. Nothing in it is trusted: the framing is walked and held against the file's size before Arrow
sees it, compressed buffers are refused, and numbers are held against their tables.
"""

from __future__ import annotations

from racepage.trace.arrows_reader import read
from racepage.trace.arrows_writer import BATCH, ArrowsWriter, write

__all__ = ["BATCH", "ArrowsWriter", "read", "write"]
