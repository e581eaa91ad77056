"""Hypothesis strategies for traces that could have happened.

A trace is a list of small steps, each a few small numbers. A step says who acts, what kind of thing
is done and to which object; `World` looks at what is possible there and does it: a lock that is
free is taken, one that is held is given back or tried in vain. So every list of steps is a valid
trace, taking a step away leaves a valid trace, and smaller numbers mean simpler things: that is
what makes failures shrink.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hypothesis import strategies as st

from racepage.events import Flag, Frame, Kind, MemoryOrder, Op, Stack, Target
from racepage.trace.columns import Detail, Trace, TraceBuilder

MAX_THREADS: Final = 8
PAGES: Final = (0, 0, 0, 1, 0, 1, 2, 3)  # most accesses should meet others
BOUNDARIES: Final = (0, 8, 16, 0, 8, 4, 64, 0, 12, 17, 4096, 4095, 8192)
SITES: Final[tuple[Stack, ...]] = (
    (),
    (Frame("a.py", 1, "f"),),
    (Frame("a.py", 2, "f"),),
    (Frame("b.py", 1, "g"), Frame("a.py", 9, "main")),
    (Frame("b.py", 1, "g"), Frame("a.py", 10, "main")),
)

ATOMICS: Final = (Op.STORE, Op.LOAD, Op.RMW, Op.LOAD, Op.STORE, Op.RMW, Op.LOAD, Op.STORE)
BYTEWISE: Final = (Op.BYTEWISE_WRITE, Op.BYTEWISE_READ)
SENSIBLE: Final[dict[Op, MemoryOrder]] = {
    Op.STORE: MemoryOrder.RELEASE,
    Op.LOAD: MemoryOrder.ACQUIRE,
    Op.RMW: MemoryOrder.ACQ_REL,
    Op.FENCE: MemoryOrder.ACQ_REL,
}
ORDERS: Final = (
    None,  # the sensible one
    MemoryOrder.RELAXED,
    None,
    MemoryOrder.RELAXED,
    MemoryOrder.ACQUIRE,
    MemoryOrder.RELEASE,
    MemoryOrder.SEQ_CST,
    MemoryOrder.NONE,
)

# How often each kind of step is taken, of 16. A trace that is about one thing gets deep into it.
FOCUS: Final[dict[str, dict[str, int]]] = {
    "everything": {"access": 6, "lock": 3, "object": 4, "thread": 2, "lifetime": 1},
    "bytes": {"access": 12, "object": 2, "lifetime": 2},
    "locks": {"access": 4, "lock": 12},
    "objects": {"access": 4, "object": 12},
    "threads": {"access": 4, "thread": 10, "object": 2},
    "lives": {"access": 7, "lifetime": 6, "object": 3},
}
ATOMIC_FOCUS: Final[dict[str, dict[str, int]]] = {
    "everything": {"access": 4, "atomic": 4, "lock": 2, "object": 3, "thread": 2, "lifetime": 1},
    "atomics": {"atomic": 15, "thread": 1},
    "bytes": {"atomic": 9, "access": 4, "lifetime": 3},
    "messages": {"atomic": 9, "access": 3, "lock": 2, "object": 2},
}


class Step(NamedTuple):
    """What is drawn; each number is taken modulo what there is to choose from."""

    who: int
    what: int
    which: int  # the object
    how: int  # the variant
    span: tuple[int, int]  # two boundaries of a byte range, in either order
    site: int
    order: int  # of an atomic operation


class Beginning(NamedTuple):
    """What exists before the first event, beside `main`, and what the trace is mostly about."""

    threads: int
    pages: frozenset[int]
    focus: str
    atomics: bool


_small = st.integers(0, 15)
_boundary = st.one_of(st.sampled_from(BOUNDARIES), st.integers(0, 4096))
_span = st.tuples(_boundary, _boundary)
_threads = st.sampled_from((0, 3, 2, 3))
_pages = st.frozensets(st.integers(0, 3), max_size=3)


def traces(max_steps: int = 40, *, atomics: bool = False) -> st.SearchStrategy[Trace]:
    """Valid traces of at most about `max_steps` events, with every operation that matters to races.

    Not every order can stamp atomic operations, and not every format can say them.
    """
    orders = st.integers(0, 7) if atomics else st.just(0)
    steps = st.builds(Step, _small, _small, _small, _small, _span, st.integers(0, 4), orders)
    focus = st.sampled_from(list(ATOMIC_FOCUS if atomics else FOCUS))
    beginnings = st.builds(Beginning, _threads, _pages, focus, st.just(atomics))
    # Left alone, Hypothesis makes lists of five or so; most bugs need more to show.
    sizes = ((0, max_steps // 4), (max_steps // 2, max_steps), (max_steps // 2, max_steps))
    lists = [st.lists(steps, min_size=least, max_size=most) for least, most in sizes]
    return st.builds(play, beginnings, st.one_of(lists))


_CROWD: Final = (
    *ATOMICS,
    *BYTEWISE,
    *(Op.LOAD, Op.RMW, Op.FENCE, Op.FENCE, Op.FENCE),
    *(Op.WRITE, Op.ZERO, Op.COPY_IN, Op.FREE, Op.COLLECT),
)
_crowds = st.lists(
    st.tuples(
        st.sampled_from(("t1", "t2", "t3")),
        st.sampled_from(_CROWD),
        st.integers(0, 2),
        st.integers(0, 3),
        st.sampled_from(ORDERS),
    ),
    min_size=8,  # shrinking finds the shorter ones
    max_size=16,
)


def crowded() -> st.SearchStrategy[Trace]:
    """Valid traces of three threads whose atomics, fences and writes meet on three bytes."""
    return _crowds.map(_crowd)


def _crowd(rows: list[tuple[str, Op, int, int, MemoryOrder | None]]) -> Trace:
    builder = TraceBuilder()
    page = Target(Kind.PAGE, "0")
    live = True
    for thread, drawn, start, end, said in rows:
        op = drawn
        if op in (Op.FREE, Op.COLLECT):
            op = op if live else Op.ALLOC
            live = not live
        whole = op in (Op.ALLOC, Op.FREE, Op.COLLECT)
        span = (0, 4096) if whole else (min(start, end), max(start, end))
        target, span = (None, (0, 0)) if op is Op.FENCE else (page, span)
        builder.add(thread, op, target, *span, order=_order(op, said))
    return builder.finish()


def _order(op: Op, said: MemoryOrder | None) -> MemoryOrder:
    """The order that `op` says: a sensible one for None, and none where it takes none."""
    sensible = SENSIBLE.get(op, MemoryOrder.NONE)
    return said if said is not None and sensible else sensible


def play(beginning: Beginning, steps: list[Step]) -> Trace:
    """The trace that comes of doing `steps` one after the other."""
    world = World(beginning)
    for step in steps:
        world.do(step)
    return world.builder.finish()


@dataclass
class _Lock:
    holder: str | None = None
    inner: int = 0  # levels that the holder took on top
    readers: list[str] = field(default_factory=list)


@dataclass
class World:
    """Everything that decides what can happen next."""

    beginning: Beginning
    builder: TraceBuilder = field(default_factory=TraceBuilder)
    live: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)  # exited, and not joined yet
    born: int = 0
    pages: dict[int, str] = field(default_factory=dict)  # number -> live, freed; absent: never
    sizes: dict[int, int] = field(default_factory=dict)  # number -> bytes, where not 4096
    locks: dict[int, _Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.live = ["main", *(f"u{number}" for number in range(self.beginning.threads))]
        self.born = len(self.live)
        self.pages = dict.fromkeys(self.beginning.pages, "live")
        acts = {
            "access": self._access,
            "atomic": self._atomic,
            "lifetime": self._lifetime,
            "lock": self._lock,
            "object": self._object,
            "thread": self._thread,
        }
        shares = (ATOMIC_FOCUS if self.beginning.atomics else FOCUS)[self.beginning.focus].items()
        self._acts = [acts[name] for name, share in shares for _ in range(share)]

    def do(self, step: Step) -> None:
        """Do one step; nothing where nothing of its kind is possible.

        Synchronisation often stands between two accesses to one record that all threads share: an
        edge shows in nothing else.
        """
        thread = self.live[step.who % len(self.live)]
        act = self._acts[step.what]
        if act in (self._access, self._lifetime) or step.span[0] >= step.span[1]:
            act(thread, step)
            return
        self._touch(thread, step)
        act(thread, step)
        if thread in self.live:
            self._touch(thread, step)

    def _touch(self, thread: str, step: Step) -> None:
        op = (Op.WRITE, Op.READ)[step.site % 2]
        self.builder.add(thread, op, Target(Kind.PAGE, "shared"), 0, 8)

    def _access(self, thread: str, step: Step) -> None:
        start, stop = sorted(step.span)
        number = PAGES[step.which % 8]
        op = (Op.WRITE, Op.READ, Op.READ, Op.WRITE, Op.ZERO, Op.COPY_IN)[step.how % 6]
        detail = Detail()
        if step.how == 15:
            op = (Op.USER_READ, Op.USER_WRITE)[step.which % 2]
        elif number not in self.pages and step.site:
            self._lifetime(thread, step)
            return
        elif op is Op.COPY_IN:
            detail = Detail(source=self.builder.target(Target(Kind.USER, "0")))
        kind = Kind.USER if step.how == 15 else Kind.PAGE
        limit = self.sizes.get(number, 4096)
        self.builder.add(
            thread,
            op,
            Target(kind, str(number)),
            min(start, limit),
            min(stop, limit),
            stack=SITES[step.site],
            detail=detail,
        )

    def _atomic(self, thread: str, step: Step) -> None:
        op = Op.FENCE if step.how > 11 else ATOMICS[step.how % 8]
        target, start, stop = None, 0, 0
        in_cell = step.which < 8 and self.beginning.focus != "bytes"
        if op is not Op.FENCE and in_cell:
            target = Target(Kind.CELL, str(step.which // 6))
        elif op is not Op.FENCE:
            target = Target(Kind.PAGE, str(step.which // 14))
            op = BYTEWISE[step.how % 2] if step.how > 9 else op
            start = step.span[0] % 16  # few bytes, so that ranges meet and seldom coincide
            stop = start + (8, 1, 2, 4, 16, 4080, 0)[step.span[1] % 7]
        order = _order(op, ORDERS[step.order])
        self.builder.add(thread, op, target, start, stop, stack=SITES[step.site], order=order)

    def _lifetime(self, thread: str, step: Step) -> None:
        number = PAGES[step.which % 8]
        state = self.pages.get(number)
        if state == "live":
            op = Op.COLLECT if step.how == 15 else Op.FREE
        elif state == "freed" and step.how % 4 == 3:
            op = Op.FREE
        else:
            op = Op.ALLOC
        self.pages[number] = "live" if op is Op.ALLOC else "freed"
        zeroed = op is Op.ALLOC and step.how % 2 == 0
        if op is Op.ALLOC and number == 3:  # each life of this one has a size of its own
            self.sizes[number] = 4096 << step.how % 3
        self.builder.add(
            thread,
            op,
            Target(Kind.PAGE, str(number)),
            0,
            self.sizes.get(number, 4096),
            stack=SITES[step.site],
            flags=Flag.ZEROED if zeroed else Flag.NONE,
        )

    def _lock(self, thread: str, step: Step) -> None:
        number = step.which % 4 // 3
        lock = self.locks.setdefault(number, _Lock())
        shared = step.how % 4 == 1
        flags = Flag.NONE
        if thread in lock.readers:
            op = Op.RUNLOCK
            lock.readers.remove(thread)
        elif lock.holder == thread and (lock.inner or step.how > 11):
            op, flags = (Op.LOCK if step.how > 11 else Op.UNLOCK), Flag.INNER
            lock.inner += 1 if op is Op.LOCK else -1
        elif lock.holder is not None and (lock.holder == thread or step.how % 4 != 3):
            op = Op.UNLOCK  # by its holder or, as threading.Lock allows, by any other thread
            lock.holder, lock.inner = None, 0
        elif lock.holder is not None or (lock.readers and not shared):
            op, flags = (Op.RLOCK if shared else Op.LOCK), Flag.TRYFAIL
        else:
            op, flags = (Op.RLOCK if shared else Op.LOCK), Flag.TRY if step.how > 7 else Flag.NONE
            if shared:
                lock.readers.append(thread)
            else:
                lock.holder = thread
        self.builder.add(thread, op, Target(Kind.LOCK, str(number)), flags=flags)

    def _object(self, thread: str, step: Step) -> None:
        op = (Op.RELEASE, Op.ACQUIRE, Op.RELEASE_MERGE, Op.TAKE)[step.how % 4]
        self.builder.add(thread, op, Target(Kind.SYNC, str(step.which % 4 // 3)))

    def _thread(self, thread: str, step: Step) -> None:
        others = [other for other in self.live if other != thread]
        if step.how % 4 == 0 and self.born < MAX_THREADS:
            child = f"t{self.born}"
            self.born += 1
            self.live.append(child)
            self.builder.add(thread, Op.START, Target(Kind.THREAD, child))
        elif step.how % 4 == 1 and others:  # joined: with or without a row for its end
            child = others[step.which % len(others)]
            self.live.remove(child)
            self.builder.add(thread, Op.JOIN, Target(Kind.THREAD, child))
        elif step.how == 14 and others:
            self.live.remove(thread)
            self.ended.append(thread)
            self.builder.add(thread, Op.EXIT)
        elif self.ended:
            child = self.ended[step.which % len(self.ended)]
            self.builder.add(thread, Op.JOIN, Target(Kind.THREAD, child))
