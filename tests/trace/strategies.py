"""Hypothesis strategies for traces that use the whole vocabulary: every operation, flag and detail.

They are consistent, as far as `validate` asks, and otherwise arbitrary: what formats are held to.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from racepage.events import Flag, Frame, Kind, LockKind, MemoryOrder, Op, Stack, Target
from racepage.finding import RULES
from racepage.trace.columns import Detail, Expectation, Origin, Trace, TraceBuilder
from racepage.trace.shapes import MAX_NUMBER, SHAPES, flags_fit

NAMES: Final = (
    "0",
    "m",
    "page:0",
    "#x",
    "a b",
    "",
    'q"',
    "é",
    "\x1b[31m",
    "\n",
    "a=b",
    "-",
    "@",
    "<",
)
FILES: Final = ("a.py", "/x y/b.py", "<stdin>", "C:\\c.py", "", "#", "a:1", "\u202e.py")
FUNCTIONS: Final = ("f", "<module>", "A.<locals>.g", "", "<", "#", "two words", "@", "f:3")
DEAD: Final = frozenset({Op.EXIT, Op.JOIN})

names = st.one_of(st.sampled_from(NAMES), st.text(st.characters(codec="utf-8"), max_size=6))
frames = st.builds(
    Frame,
    st.one_of(st.sampled_from(FILES), names),
    st.one_of(st.integers(0, 9), st.just(MAX_NUMBER)),
    st.one_of(st.sampled_from(FUNCTIONS), names),
)
stacks: st.SearchStrategy[Stack] = st.lists(frames, max_size=3).map(tuple)
spans = st.tuples(st.integers(0, 4096), st.integers(0, 4096)).map(lambda ends: tuple(sorted(ends)))
times = st.one_of(st.just(0), st.integers(0, MAX_NUMBER))
values = st.one_of(st.none(), st.binary(max_size=4))


@st.composite
def traces(draw: st.DrawFn, max_size: int = 12) -> Trace:
    """A trace of at most `max_size` events."""
    builder = TraceBuilder()
    pool = draw(st.lists(names, min_size=2, max_size=4, unique=True))
    threads = dict.fromkeys(pool, "free")  # then used; dead is gone
    live: set[str] = set()
    mapped = Target(Kind.POINTER, draw(names))
    builder.add(pool[0], Op.MAP, Target(Kind.PAGE, "0"), detail=Detail(via=builder.target(mapped)))
    threads[pool[0]] = "used"
    for _ in range(draw(st.integers(0, max_size))):
        able = [name for name, state in threads.items() if state != "dead"]
        if able:
            _event(draw, builder, draw(st.sampled_from(able)), threads, live, mapped)
    for target, label in draw(
        st.dictionaries(st.builds(Target, st.sampled_from(Kind), names), names, max_size=2)
    ).items():
        if target.kind is not Kind.THREAD:
            builder.label(target, label)
    kinds = st.sampled_from([kind for kind in LockKind if kind is not LockKind.PLAIN])
    for name, kind in draw(st.dictionaries(names, kinds, max_size=2)).items():
        builder.lock_kind(Target(Kind.LOCK, name), kind)
    return builder.finish(draw(origins(len(builder))))


def _event(  # noqa: PLR0917  (what has happened so far)
    draw: st.DrawFn,
    builder: TraceBuilder,
    thread: str,
    threads: dict[str, str],
    live: set[str],
    mapped: Target,
) -> None:
    op = draw(st.sampled_from(Op))
    shape = SHAPES[op]
    target: Target | None = None
    if op is Op.UNMAP:
        target = mapped
    elif op in (Op.START, Op.JOIN, Op.DETACH):
        free = [name for name, state in threads.items() if state == "free" and name != thread]
        gone = [name for name, state in threads.items() if state != "free" and name != thread]
        choice = free if op is Op.START else gone
        if not choice:
            return
        target = Target(Kind.THREAD, draw(st.sampled_from(choice)))
        if op is not Op.DETACH:
            threads[target.name] = "used" if op is Op.START else "dead"
    elif shape.kinds:
        kinds = [kind for kind in shape.kinds if kind is not Kind.THREAD]
        # a lock that is taken is one that no other thread ever takes
        own = str(builder.thread(thread)) if op in (Op.LOCK, Op.RLOCK) else ""
        target = Target(draw(st.sampled_from(kinds)), draw(names) + own)
    threads[thread] = "dead" if op is Op.EXIT else "used"
    start, stop = 0, 0
    if op is Op.ALLOC:
        assert target is not None
        if target.name in live:
            return
        live.add(target.name)
        stop = 4096
    elif op in (Op.FREE, Op.COLLECT):
        assert target is not None
        live.discard(target.name)
    elif target and (shape.span == "must" or (shape.span == "page" and target.kind is Kind.PAGE)):
        start, stop = draw(spans)
    flags = draw(st.sampled_from([flags for flags in range(256) if flags_fit(op, flags)]))
    builder.add(
        thread,
        op,
        target,
        start,
        stop,
        stack=draw(stacks),
        flags=Flag(flags),
        order=draw(st.sampled_from(MemoryOrder)) if "order" in shape.details else MemoryOrder.NONE,
        time=draw(times),
        detail=_detail(draw, builder, op, stop - start, mapped),
    )


def _detail(draw: st.DrawFn, builder: TraceBuilder, op: Op, length: int, mapped: Target) -> Detail:
    fields: dict[str, Any] = {}
    takes = SHAPES[op].details
    if "as" in takes or ("via" in takes and draw(st.booleans())):
        fields["via"] = builder.target(mapped)
    if "slice" in takes and draw(st.booleans()):
        fields["bound"] = draw(spans)
    if "old" in takes:
        fields["old"], fields["new"] = draw(values), draw(values)
    if "moved" in takes and draw(st.booleans()):
        fields["source"] = builder.target(Target(Kind.USER, draw(names)))
        fields["source_offset"] = draw(st.integers(0, 99))
        if draw(st.booleans()):
            fields["requested"] = length + draw(st.integers(1, 9))
    return Detail(**fields)


@st.composite
def origins(draw: st.DrawFn, events: int) -> Origin:
    """Where a trace of so many events may have come from."""
    lost = draw(st.one_of(st.just(0), st.integers(0, 99)))
    expects = st.builds(
        Expectation,
        kind=st.sampled_from(list(RULES)),
        events=st.lists(st.integers(0, events - 1), min_size=1, max_size=2).map(tuple),
        target=st.builds(Target, st.sampled_from(Kind), names),
        overlap=st.one_of(st.none(), spans),
    )
    return Origin(
        program=draw(st.one_of(st.none(), names)),
        judge_leaks=draw(st.booleans()),
        lost_bytes=lost,
        complete=not lost and draw(st.booleans()),
        expects=draw(st.one_of(st.none(), st.lists(expects, max_size=2).map(tuple))),
        variables=draw(st.lists(names, max_size=2).map(tuple)),
    )
