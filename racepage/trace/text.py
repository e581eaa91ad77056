r"""The text trace, `.trace`: for people, tests and documentation.

One event a line, in an order that is consistent with the execution; blank lines and comments are
free. `racepage.trace.grammar` has the words (names, targets, ranges, call stacks).

    line    = [event] ["#" comment]        a comment after an event starts with "# "
    event   = thread operation [target [range]] (option | word)* ["@" stack]
    option  = key "=" value, or "from" user range

A thread, and the pointer of `unmap`, `as=` and `via=`, stand bare; every other target with its
kind. What each operation takes:

    read write zero bytewise_read bytewise_write
                                 page:ID[a:b]   via=P slice=[a:b] old=HEX new=HEX
    copy_in                      page:ID[a:b]   from user:ID[c:d] moved=N begin, and as above
    load store rmw               page:ID[a:b] or cell:N   order=ORDER, and as `read`
    fence                                       order=ORDER
    alloc                        page:ID        size=N (4096)  zero, sleeps
    free collect                 page:ID        size=N (that of its alloc)
    user_read user_write         user:ID[a:b]   as `read`; a user_read may `begin`
    map                          page:ID        as=P slice=[a:b]
    unmap                        P
    lock rlock                   lock:N         try | tryfail, inner, sleeps | refused
    unlock runlock               lock:N         inner | refused
    destroy                      lock:N         refused
    acquire take                 sync:N         sleeps
    release release_merge        sync:N         sleeps
    start join detach            THREAD
    exit
    block                        any target, with its kind   try
    wake                                        begin | end
    assert_writer assert_access  page:ID[a:b] or cell:N   begin | end
    racy_ok                      reason:TEXT    begin | end

ORDER is relaxed, acquire, release, acq_rel or seq_cst, which is meant where none is given; a
byte-wise copy is relaxed. `copy_in` names the bytes that were asked for, and `moved` says how many
of them were moved, where not all. Every event may have `time=N`, in nanoseconds. `inner` is an
inner level of a re-entrant lock, `wake begin` and `wake end` a mark that an imported trace made;
neither orders anything. `begin` of a read of user memory: its thread's first of a new slice.
`sleeps` is what may sleep, `refused` what the primitive raised instead of doing, `block try` a wait
that may run out of time.

Comments that mean something; all others are dropped:

    # expect: clean
    # expect: KIND EVENT [EVENT] [TARGET[a:b]]     events count from 0
    # check: leaks                                 leaks are findings of this trace
    # racepage: program NAME                       what was recorded
    # racepage: incomplete N                       the recording was cut off, and N bytes lost
    # racepage: size page:ID N                     of a page that no line allocates
    # racepage: label TARGET NAME                  what people call it
    # racepage: lock lock:N KIND                   plain, mutex, spin, recursive or rw
    # racepage: variable NAME                      the k-th names bytes [8k:8k+8) of page:std

A page that no line allocates, or a thread that no line starts, exists from the beginning.

What is not in this grammar is a `TraceError` with the line, what was expected, and what was found.
A page has at most 2**30 bytes and a number at most 18 digits; reading costs memory in proportion to
the input and nothing else. `parse(render(trace))` has the same events as `trace`.
"""

from __future__ import annotations

from racepage.trace.columns import Trace
from racepage.trace.text_reader import read_lines
from racepage.trace.text_writer import write_lines


def parse(text: str, path: str | None = None) -> Trace:
    """Read a text trace.

    Args:
        text: the whole trace.
        path: the file it came from, for messages.

    Raises:
        TraceError: with the line, for anything that is not in the grammar or not consistent.
    """
    return read_lines(text.split("\n"), path)


def render(trace: Trace) -> str:
    """The trace as text, ending in a newline."""
    return "".join(write_lines(trace))
