"""Random programs over primitives: a search that knows what steps touch misses nothing.

Whatever threads can learn in any schedule, they learn in those that optimal DPOR tries. It leaves
out what it takes to be the same, by what steps say that they touch: so a primitive that did not say
enough would be caught here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from racepage import analyse, sync
from racepage.execution import current
from racepage.execution.kernel import Kernel
from racepage.execution.retrace import retrace
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.dpor import OptimalDpor
from racepage.exploration.random_walk import RandomWalk
from racepage.exploration.strategy import Strategy
from racepage.trace.validate import validate
from tests.sync.controlled import TooManyError, explore, together

MOST = 1_500
"""Schedules of a program that is looked at."""


EXPECTED = (
    sync.ChannelClosedError,
    sync.Full,
    sync.Empty,
    sync.InvalidStateError,
    TimeoutError,
    ValueError,
    RuntimeError,
)


class Things:
    """What threads share."""

    def __init__(self) -> None:
        self.cell = sync.Atomic()
        self.lock = sync.Lock()
        self.event = sync.Event()
        self.semaphore = sync.Semaphore(0)
        self.condition = sync.Condition(self.lock)
        self.queue = sync.Queue[int](1)
        self.channel = sync.Channel[int]()
        self.rwlock = sync.RwLock()
        self.group = sync.WaitGroup()
        self.future = sync.Future[int]()
        self.completion = sync.Completion()
        self.rcu = sync.RCU()
        self.other = sync.Channel[int](1)
        self.barrier = sync.Barrier(2)
        self.once = sync.Once()
        self.seqlock = sync.SeqLock()


def locked(things: Things) -> int:
    with things.lock:
        return things.cell.fetch_add(1)


def taking(things: Things, **how: Any) -> bool:
    taken = things.lock.acquire(**how)
    if taken:
        things.lock.release()
    return taken


def trying_to_write(things: Things) -> bool:
    taken = things.rwlock.try_write()
    if taken:
        things.rwlock.release_write()
    return taken


def writing(things: Things) -> int:
    with things.rwlock.write():
        return things.cell.fetch_add(1)


def reading(things: Things) -> int:
    with things.rwlock.read():
        return things.cell.load()


def changing(things: Things) -> None:
    with things.seqlock.write():
        things.cell.fetch_add(1)
        things.cell.fetch_add(1)


def choosing(things: Things) -> int:
    cases = things.channel.receiving(), things.other.receiving(), things.other.sending(1)
    return sync.select(*cases, timeout=1).case


def in_section(things: Things) -> int:
    with things.rcu.read():
        return things.cell.load()


def waiting(timeout: float | None) -> Callable[[Things], bool]:
    def wait(things: Things) -> bool:
        with things.condition:
            return things.condition.wait(timeout)

    return wait


def notifying(things: Things) -> None:
    with things.condition:
        things.condition.notify()


def or_not(body: Callable[[Things], object]) -> Callable[[Things], object]:
    """The body, or the name of what it raises."""

    def run(things: Things) -> object:
        try:
            return body(things)
        except EXPECTED as error:
            return type(error).__name__

    return run


ACTS: dict[str, Callable[[Things], object]] = {
    "add": lambda things: things.cell.fetch_add(1),
    "load": lambda things: things.cell.load(),
    "locked add": locked,
    "lock in time": lambda things: taking(things, timeout=1),
    "try": lambda things: taking(things, blocking=False),
    "set": lambda things: things.event.set(),
    "clear": lambda things: things.event.clear(),
    "is set": lambda things: things.event.is_set(),
    "wait": lambda things: things.event.wait(),
    "wait in time": lambda things: things.event.wait(1),
    "up": lambda things: things.semaphore.release(),
    "down": lambda things: things.semaphore.acquire(),
    "down in time": lambda things: things.semaphore.acquire(timeout=1),
    "notify": notifying,
    "wait for a notify": waiting(None),
    "wait for a notify in time": waiting(1),
    "put": lambda things: things.queue.put(1, timeout=1),
    "put now": lambda things: things.queue.put_nowait(2),
    "get": lambda things: things.queue.get(),
    "get in time": lambda things: things.queue.get(timeout=1),
    "empty": lambda things: things.queue.empty(),
    "send": lambda things: things.channel.send(1, timeout=1),
    "receive": lambda things: things.channel.receive(timeout=1),
    "receive now": lambda things: things.channel.receive(block=False),
    "write": writing,
    "read": reading,
    "try to write": trying_to_write,
    "more to do": lambda things: things.group.add(),
    "done": lambda things: things.group.done(),
    "all done": lambda things: things.group.wait(1),
    "settle": lambda things: things.future.set_result(things.cell.load()),
    "settled": lambda things: things.future.done(),
    "result": lambda things: things.future.result(1),
    "complete": lambda things: things.completion.complete(),
    "complete all": lambda things: things.completion.complete_all(),
    "completed": lambda things: things.completion.wait(1),
    "section": in_section,
    "synchronize": lambda things: things.rcu.synchronize(),
    "spin": lambda things: sync.spin_until(lambda: things.cell.load() > 0),
    "spin in time": lambda things: sync.spin_until(lambda: things.cell.load() > 1, 1),
    "meet": lambda things: things.barrier.wait(),
    "meet in time": lambda things: things.barrier.wait(1),
    "reset": lambda things: things.barrier.reset(),
    "once": lambda things: things.once.call(things.cell.fetch_add, 1),
    "change": changing,
    "look": lambda things: things.seqlock.read(things.cell.load),
    "choose": choosing,
    "close": lambda things: things.channel.close(),
    "call": lambda things: things.rcu.call(things.cell.fetch_add, 1),
    "sleep": lambda _: sync.sleep(1),
}
"""What a thread does; what it returns is what the thread learns."""

RELATED = (
    ("add", "load", "spin", "spin in time", "sleep"),
    ("locked add", "lock in time", "try", "notify", "wait for a notify", "load"),
    ("notify", "wait for a notify", "wait for a notify in time", "locked add"),
    ("set", "clear", "is set", "wait", "wait in time"),
    ("up", "down", "down in time"),
    ("put", "put now", "get", "get in time", "empty"),
    ("send", "receive", "receive now", "add"),
    ("write", "read", "try to write", "add"),
    ("more to do", "done", "all done"),
    ("settle", "settled", "result", "add"),
    ("complete", "complete all", "completed"),
    ("section", "synchronize", "call", "add"),
    ("meet", "meet in time", "reset"),
    ("once", "add"),
    ("change", "look"),
    ("choose", "send", "receive", "close"),
    tuple(ACTS),
)


@st.composite
def programs(draw: st.DrawFn) -> list[list[str]]:
    acts = st.lists(st.sampled_from(draw(st.sampled_from(RELATED))), min_size=1, max_size=2)
    return draw(st.lists(acts, min_size=2, max_size=3))


def runner(program: list[list[str]], seen: list[list[object]]) -> Callable[[], None]:
    """Runs a program, and puts what its threads learn into `seen`."""

    def run() -> None:
        things = Things()
        seen[:] = [[] for _ in program]
        together(*(partial(act, things, number) for number in range(len(program))))

    def act(things: Things, number: int) -> None:
        for name in program[number]:
            seen[number].append(or_not(ACTS[name])(things))

    return run


def learnt(program: list[list[str]], strategy: Strategy) -> set[Any]:
    """What all threads may learn together, and how an execution may end."""
    found: set[Any] = set()
    seen: list[list[object]] = []
    for execution in explore(runner(program, seen), strategy, executions=MOST):
        assert execution.outcome in {"ended", "deadlock", "abandoned"}, execution.failed
        if execution.outcome != "abandoned":
            found.add((execution.outcome, *map(tuple, seen)))
    return found


@settings(max_examples=max(settings().max_examples // 160, 5))
@given(programs())
def test_what_may_be_learnt_is_learnt_in_fewer_schedules(program: list[list[str]]) -> None:
    try:
        everything = learnt(program, DepthFirst())
    except TooManyError:
        reject()
    assert learnt(program, OptimalDpor()) == everything


@settings(max_examples=max(settings().max_examples // 160, 5))
@given(programs(), st.integers(0, 1 << 32))
def test_every_execution_leaves_a_valid_trace_that_tells_how_it_ended(
    program: list[list[str]], seed: int
) -> None:
    kernel = Kernel()
    kernel.mode, kernel.depth = current.STACKS | current.VALUES, 3
    walk = RandomWalk(seed)
    for execution in explore(runner(program, []), walk, executions=4, kernel=kernel):
        trace = retrace(kernel, execution.outcome, "random")
        validate(trace)
        kinds = {finding.kind for finding in analyse(trace).findings}
        assert kinds == ({"deadlock"} if execution.outcome == "deadlock" else set())
