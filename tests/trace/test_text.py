from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from racepage.errors import TraceError
from racepage.events import Flag, Frame, Kind, LockKind, MemoryOrder, Op, Target
from racepage.trace import text
from racepage.trace.columns import Detail, Expectation, Trace
from tests.trace.sameness import assert_same, rows
from tests.trace.strategies import traces

DESIGN_EXAMPLE = """\
# two writers, no lock
# expect: data-race 3 4 page:0[32:64]
main  alloc    page:0 size=4096 zero
main  start    t1
main  start    t2
t1    write    page:0[0:64]     @ binder.py:120 copy_in
t2    write    page:0[32:96]    @ binder.py:120 copy_in
main  join     t1
main  join     t2
"""


def only(source: str) -> tuple[Trace, int]:
    """The trace, and the number of its last event."""
    trace = text.parse(source)
    return trace, len(trace) - 1


def refusal(source: str) -> str:
    with pytest.raises(TraceError) as caught:
        text.parse(source, "x.trace")
    assert caught.value.path == "x.trace"
    return f"{caught.value.place}: {caught.value.reason}"


# What is read


def test_the_example_of_the_design_is_read_as_it_stands() -> None:
    trace = text.parse(DESIGN_EXAMPLE)
    assert trace.threads == ["main", "t1", "t2"]
    assert trace.columns.op.tolist() == [9, 24, 24, 1, 1, 25, 25]
    assert trace.columns.offset.tolist() == [0, 0, 0, 0, 32, 0, 0]
    assert trace.columns.length.tolist() == [4096, 0, 0, 64, 64, 0, 0]
    assert trace.columns.flags.tolist() == [Flag.ZEROED, 0, 0, 0, 0, 0, 0]
    assert trace.sites == [(Frame("binder.py", 120, "copy_in"),)]
    assert trace.page_sizes == {0: 4096}
    assert trace.origin.form == "text"
    assert trace.origin.expects == (
        Expectation("data-race", (3, 4), Target(Kind.PAGE, "0"), (32, 64)),
    )


def test_an_empty_text_is_an_empty_trace() -> None:
    assert len(text.parse("")) == 0
    assert len(text.parse("\n# nothing\n\n")) == 0


def test_windows_line_ends_and_tabs_are_white_space() -> None:
    trace = text.parse("main\tlock\tlock:0\r\nmain\tunlock\tlock:0\t# done\r\n")
    assert trace.columns.op.tolist() == [Op.LOCK, Op.UNLOCK]


def test_threads_and_pointers_stand_bare_and_may_spell_their_kind() -> None:
    trace = text.parse(
        "main start thread:t1\nmain map page:0 as=P\nmain unmap pointer:P\nt1 exit\n"
    )
    assert trace.threads == ["main", "t1"]
    assert trace.targets == [
        Target(Kind.THREAD, "t1"),
        Target(Kind.PAGE, "0"),
        Target(Kind.POINTER, "P"),
    ]


def test_quoted_names_are_json_strings() -> None:
    trace = text.parse('"Thread-1 (worker)" lock lock:"a \\u00e9\\n"\n')
    assert trace.threads == ["Thread-1 (worker)"]
    assert trace.targets == [Target(Kind.LOCK, "a é\n")]


def test_a_comment_after_an_event_needs_a_space() -> None:
    trace = text.parse("main lock lock:0 # held from here\nmain read page:0[0:1] @ f.py:1 g # x\n")
    assert trace.sites == [(Frame("f.py", 1, "g"),)]
    assert refusal("main lock lock:0 #held").startswith("line 1: ")


def test_call_stacks_stand_innermost_first() -> None:
    trace = text.parse('a read page:0[0:1] @ f.py:1 g < "my file.py":2 <module> < C:\\x.py:3\n')
    assert trace.sites == [
        (Frame("f.py", 1, "g"), Frame("my file.py", 2, "<module>"), Frame("C:\\x.py", 3, ""))
    ]


def test_equal_call_stacks_are_one_site() -> None:
    trace = text.parse("a read page:0[0:1] @ f.py:1 g\na read page:0[0:1]  @  f.py:1  g # again\n")
    assert trace.columns.site.tolist() == [0, 0]


@pytest.mark.parametrize("op", [op for op in Op if op <= Op.COPY_IN])
def test_plain_accesses_take_a_pointer_a_slice_and_values(op: Op) -> None:
    trace, event = only(
        "a map page:0 as=P\n"
        f"a {op.name.lower()} page:0[8:16] via=P slice=[0:64] old=00ff new=AB time=12\n"
    )
    columns = trace.columns
    assert (columns.op[event], columns.offset[event], columns.length[event]) == (op, 8, 8)
    assert columns.time[event] == 12
    assert columns.detail(event) == Detail(via=1, bound=(0, 64), old=b"\x00\xff", new=b"\xab")


def test_a_copy_names_what_was_asked_for_and_what_was_moved() -> None:
    trace, event = only("a copy_in page:0[0:64] from user:u[100:164] moved=32")
    assert trace.columns.length[event] == 32
    assert trace.columns.detail(event) == Detail(source=1, source_offset=100, requested=64)
    assert trace.targets[1] == Target(Kind.USER, "u")


def test_a_copy_that_moved_everything_asked_for_nothing_more() -> None:
    trace, event = only("a copy_in page:0[0:64] from user:u[0:64] moved=64")
    assert trace.columns.detail(event).requested == -1
    assert trace.columns.length[event] == 64


@pytest.mark.parametrize("order", [order for order in MemoryOrder if order])
def test_atomics_have_an_order(order: MemoryOrder) -> None:
    word = order.name.lower()
    for event in ("store page:0[0:8]", "rmw cell:c", "fence"):
        trace, number = only(f"a {event} order={word}")
        assert trace.columns.order[number] == order


@pytest.mark.parametrize("event", ["bytewise_read page:0[0:8]", "read page:0[0:8]", "lock lock:0"])
def test_only_atomics_have_an_order(event: str) -> None:
    with pytest.raises(TraceError, match=r"line 1.* takes no option .order"):
        text.parse(f"a {event} order=acquire")


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("lock lock:0 try", Flag.TRY),
        ("rlock lock:0 tryfail", Flag.TRYFAIL),
        ("lock lock:0 try inner", Flag.TRY | Flag.INNER),
        ("unlock lock:0 inner", Flag.INNER),
        ("assert_writer page:0[0:8] begin", Flag.BEGIN),
        ("assert_access cell:c end", Flag.END),
        ("wake begin", Flag.BEGIN),
        ("wake", Flag.NONE),
    ],
)
def test_flags_are_words(words: str, flags: Flag) -> None:
    trace, event = only(f"a {words}")
    assert trace.columns.flags[event] == flags


def test_alloc_and_free_cover_the_page() -> None:
    trace = text.parse("a alloc page:0 size=8192\na free page:0\na free page:1\na alloc page:2\n")
    assert trace.columns.length.tolist() == [8192, 8192, 4096, 4096]
    assert trace.page_sizes == {0: 8192, 1: 4096, 2: 4096}


def test_a_page_that_no_line_allocates_holds_its_accesses() -> None:
    trace = text.parse("a read page:0[4096:4097]\na free page:0\n")
    assert trace.page_sizes == {0: 8192}
    assert trace.columns.length[1] == 8192


def test_a_second_life_may_have_another_size() -> None:
    trace = text.parse(
        "a alloc page:0 size=8192\na free page:0\na alloc page:0 size=4096\na free page:0\n"
    )
    assert trace.columns.length.tolist() == [8192, 8192, 4096, 4096]


# Comments that mean something


def test_no_expectation_is_not_the_same_as_a_clean_one() -> None:
    assert text.parse("a exit").origin.expects is None
    assert text.parse("# expect: clean\na exit").origin.expects == ()


def test_an_expectation_may_leave_out_bytes_and_target() -> None:
    trace = text.parse("# expect: page-leak 0 page:0\n# expect: data-race 0 1\na wake\na exit\n")
    assert trace.origin.expects == (
        Expectation("page-leak", (0,), Target(Kind.PAGE, "0"), None),
        Expectation("data-race", (0, 1), None, None),
    )


def test_leaks_are_judged_only_where_asked() -> None:
    assert not text.parse("a exit").origin.judge_leaks
    assert text.parse("# check: leaks\na exit").origin.judge_leaks


def test_a_recording_that_was_cut_off_says_so() -> None:
    origin = text.parse("# racepage: incomplete 0\na exit").origin
    assert (origin.complete, origin.lost_bytes) == (False, 0)
    assert text.parse("# racepage: incomplete 7\na exit").origin.lost_bytes == 7
    assert text.parse("a exit").origin.complete


def test_program_sizes_and_labels_are_header_comments() -> None:
    trace = text.parse(
        '# racepage: program "binder:early free"\n# racepage: size page:0 8192\n'
        '# racepage: label page:0 "inbox of p1"\na read page:0[0:1]\n'
    )
    assert trace.origin.program == "binder:early free"
    assert trace.page_sizes == {0: 8192}
    assert trace.labels == {0: "inbox of p1"}


def test_other_comments_are_free() -> None:
    assert len(text.parse("# expected: nothing\n# see: check leaks\n#expect clean\na exit")) == 1


# What is refused: the line, what was expected, what was found


@pytest.mark.parametrize(
    ("source", "place", "parts"),
    [
        ("a exit\nmain", "line 2", ["a thread and an operation", '"main"']),
        ("a raed page:0[0:1]", "line 1", ["an operation", '"raed"', "did you mean read"]),
        ("read page:0[0:4]", "line 1", ["a thread and an operation", "page:0[0:4]"]),
        ("a read", "line 1", ["a page after read", "nothing"]),
        ("a read pgae:0[0:1]", "line 1", ["a target", '"pgae:0"']),
        ("a read lock:0[0:1]", "line 1", ["takes a page", '"lock:0"']),
        ("a read page:0", "line 1", ["a range [a:b]"]),
        ("a read page:0 [0:1]", "line 1", ["a range [a:b]"]),
        ("a read page:0[0:1234567890123456789]", "line 1", ["at most 18 digits"]),
        ("a read page:0[1234567890123456789:8]", "line 1", ["at most 18 digits"]),
        ("a read page:0[8:4]", "line 1", ["[8:4] ends before it starts"]),
        ("a read page:0[-1:4]", "line 1", ["a page after read"]),
        ("a read page:0[0:1073741825]", "line 1", ["reaches beyond 1073741824 bytes"]),
        ("a lock lock:0[0:1]", "line 1", ["lock takes no range here"]),
        ("a exit now", "line 1", ["a flag", '"now"']),
        ("a exit page:0[0:1]", "line 1", ["takes no range"]),
        ("a lock lock:0 zero", "line 1", ["lock takes no zero"]),
        ("a lock lock:0 try tryfail", "line 1", ["lock takes no tryfail"]),
        ("a lock lock:0 size=4", "line 1", ["takes no option", '"size"']),
        ("a lock lock:0 colour=red", "line 1", ["takes no option", '"colour"']),
        ("a alloc page:0 size=0", "line 1", ["a size of 1 to 1073741824 bytes, found 0"]),
        ("a alloc page:0 size=1073741825", "line 1", ["a size of 1 to 1073741824"]),
        ("a alloc page:0 size=x", "line 1", ["a number", '"x"']),
        ("a alloc page:0 size=1234567890123456789", "line 1", ["at most 18 digits"]),
        ("a alloc page:0 size=1 size=2", "line 1", ["size is given twice"]),
        ("a map page:0", "line 1", ["as=POINTER"]),
        ("a read page:0[0:1] slice=4", "line 1", ["a range [a:b]", '"4"']),
        ("a read page:0[0:1] old=0", "line 1", ["hexadecimal"]),
        ("a load page:0[0:1] order=sc", "line 1", ["an order", '"sc"']),
        ("a load page:0[0:1] order=none", "line 1", ["an order"]),
        ("a copy_in page:0[0:2] from user:0[0:1]", "line 1", ["2 bytes from 1"]),
        ("a copy_in page:0[0:2] from page:0[0:2]", "line 1", ["user:ID[a:b]"]),
        ("a copy_in page:0[0:2] from user:0[0:2] moved=3", "line 1", ["moved 3 bytes of 2"]),
        ("a read page:0[0:1] @ f.py", "line 1", ["a call site", '"f.py"']),
        ("a read page:0[0:1] @ f.py:1 g <", "line 1", ["a call site"]),
        ('a lock lock:"x', "line 1", ["a lock after lock"]),
        ('a lock lock:"\\x"', "line 1", ["a JSON string"]),
        ("a start page:0", "line 1", ["a name", '"page:0"', "quote it"]),
        ("a:é+ exit", "line 1", ["a name"]),
        ("# check: leak\na exit", "line 1", ['"leaks"', '"leak"']),
        ("# expect: race 0\na exit", "line 1", ["a kind of finding", "data-race", "race"]),
        ("# expect: nothing\na exit", "line 1", ["clean"]),
        ("# expect: page-leak 1\na exit", "line 1", ["event 1 of a trace that has 1"]),
        ("# expect: clean\n# expect: page-leak 0\na exit", "line 2", ["line 1", "line 2"]),
        ("# racepage: colour red\na exit", "line 1", ["program", "colour red"]),
        ("# racepage: size page:0 0\na exit", "line 1", ["a size of 1 to"]),
    ],
)
def test_what_is_not_in_the_grammar_is_named(source: str, place: str, parts: list[str]) -> None:
    message = refusal(source)
    assert message.startswith(f"{place}: ")
    for part in parts:
        assert part in message


def test_what_cannot_have_happened_is_named_by_its_line() -> None:
    message = refusal("# x\nmain start t1\n\nt1 exit\nt1 read page:0[0:1]\n")
    assert message == "line 5: thread t1 acts after it exited, at line 4"


def test_a_message_is_one_line_without_control_characters() -> None:
    message = refusal("a \x1b[31m\u202e\u2028x page:0")
    assert message.isprintable()


# What is written


def test_the_example_of_the_design_is_written_as_it_stands() -> None:
    wanted = [" ".join(line.split()) for line in DESIGN_EXAMPLE.splitlines()[1:]]
    written = text.render(text.parse(DESIGN_EXAMPLE))
    assert [" ".join(line.split()) for line in written.splitlines()] == wanted


@settings(max_examples=settings().max_examples // 10)
@given(traces())
def test_what_is_written_reads_back_the_same(trace: Trace) -> None:
    written = text.render(trace)
    assert all(line.isprintable() for line in written.split("\n"))
    read = text.parse(written)
    assert_same(read, trace)
    assert read.origin.expects == trace.origin.expects
    assert text.render(read) == written


WORDS = [
    "a",
    "read",
    "lock",
    "page:0",
    "[0:1]",
    "page:0[0:1]",
    "lock:0",
    "@",
    "<",
    "#",
    "f:1",
    "size=1",
    "from",
    "user:0[0:1]",
    '"',
    '"a"',
    "start",
    "b",
    "unmap",
    "expect:",
    "\t",
]
lines = st.one_of(
    st.sampled_from([line for line in DESIGN_EXAMPLE.splitlines() if line]),
    st.text(max_size=30),
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
)


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(lines, max_size=6).map("\n".join))
@example('# racepage: label "')
@example("a map page:0 as=x\na read page:0[0:1] via=y")
def test_any_text_is_a_trace_or_a_trace_error(source: str) -> None:
    try:
        trace = text.parse(source)
    except TraceError as error:
        assert error.place is not None  # noqa: PT017  (both outcomes are fine)
        assert "\n" not in str(error)  # noqa: PT017  (as above)
    else:
        assert rows(text.parse(text.render(trace))) == rows(trace)


def test_a_long_line_costs_no_more_than_its_length() -> None:
    for source in (
        "a read " + "page:" * 100_000,
        '"' * 100_000,
        "a read page:0[0:1] @ " + "f:" * 50_000,
    ):
        with pytest.raises(TraceError):
            text.parse(source)


def test_what_a_lock_is_is_a_header_comment() -> None:
    trace = text.parse("# racepage: lock lock:mm spin\na lock lock:mm\n")
    assert trace.lock_kinds == {0: LockKind.SPIN}


@pytest.mark.parametrize("said", ["lock lock:mm heavy", "lock page:0 spin", "lock lock:mm"])
def test_a_lock_is_something_that_locks_are(said: str) -> None:
    with pytest.raises(TraceError, match="line 1"):
        text.parse(f"# racepage: {said}\na lock lock:mm\n")
