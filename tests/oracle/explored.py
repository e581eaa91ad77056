"""The programs of `exploring` as people would write them, for explorations to run.

Each operation has a line of its own, so that findings can be told apart by their lines.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from hypothesis import strategies as st

from racepage import sync
from racepage.exploration.api import explore_threads
from racepage.exploration.result import Exploration
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from tests.oracle.exploring import CONDITIONS, Operation, Place, Threads, value

Trail = list[tuple[Place, Any]]

FILE = "program of the brute force"

_TIME = 1.0
"""Seconds of a wait that may run out of time: whether it does is for the exploration to say."""


class Shared:
    """What the threads of one execution share, and what they did, in order."""

    def __init__(self) -> None:
        self.pages = [Page.alloc_page(GFP_KERNEL | GFP_ZERO) for _ in range(2)]
        self.locks = [sync.Lock() for _ in range(2)]
        self.conditions = [sync.Condition(lock) for lock in self.locks]
        self.queues: list[sync.Queue[int]] = [sync.Queue(1) for _ in range(2)]
        self.events = [sync.Event() for _ in range(2)]
        self.semaphores = [sync.Semaphore(0) for _ in range(2)]
        self.trail: Trail = []

    def poll(self, number: int) -> int | None:
        try:
            return self.queues[number].get_nowait()
        except sync.Empty:
            return None


def _statement(operation: Operation, thread: int, number: int) -> str:
    """The operation as an expression, whose value is its result."""
    word, target = operation[:2]
    page, word_of = f"shared.pages[{target}]", f"shared.pages[{target}].atomic(0, 2)"
    byte = value(thread, number)
    if word in {"read", "if", "check"}:
        start = operation[2]
        stop = operation[3] if word == "read" else start + 1
        return f"tuple({page}.view()[{start}:{stop}].tolist())"
    if word == "write":
        start, stop = operation[2:]
        return f"{page}.write_raw(bytes([{byte}]) * {stop - start}, {start}, {stop - start})"
    return {
        "load": f"tuple({word_of}.load().to_bytes(2, 'little'))",
        "store": f"{word_of}.store({byte * 257})",
        "add": f"tuple({word_of}.fetch_add(1).to_bytes(2, 'little'))",
        "lock": f"shared.locks[{target}].acquire() and None",
        "unlock": f"shared.locks[{target}].release()",
        "try": f"shared.locks[{target}].acquire(blocking=False)",
        "set": f"shared.events[{target}].set()",
        "wait": f"shared.events[{target}].wait()",
        "timed": f"shared.events[{target}].wait({_TIME})",
        "up": f"shared.semaphores[{target}].release()",
        "down": f"shared.semaphores[{target}].acquire()",
        "put": f"shared.queues[{target}].put({byte})",
        "get": f"shared.queues[{target}].get()",
        "poll": f"shared.poll({target})",
        "await": f"shared.conditions[{target}].wait()",
        "limited": f"shared.conditions[{target}].wait({_TIME})",
        "notify": f"shared.conditions[{target}].notify()",
        "soon": f"shared.semaphores[{target}].acquire(blocking=False)",
    }[word]


def source(threads: Threads) -> tuple[str, dict[int, Place]]:
    """The text of a program, and the operation of each line that has one."""
    lines: list[str] = []
    places = {}
    for thread, operations in enumerate(threads):
        lines += f"def thread_{thread}(shared):", "    skips = False"
        for number, operation in enumerate(operations):
            lines.append("    if not skips:")
            lines.append(f"        result = {_statement(operation, thread, number)}")
            places[len(lines)] = thread, number
            lines.append(f"        shared.trail.append((({thread}, {number}), result))")
            if operation[0] == "check":
                lines.append("        assert not any(result)")
            if operation[0] in CONDITIONS:
                found = "any(result)" if operation[0] == "if" else "result"
                lines += f"        skips = not {found}", "    else:", "        skips = False"
            else:
                lines += "    else:", "        skips = False"
    return "\n".join(lines) + "\n", places


Finding = tuple[str, frozenset[Hashable]]


class Seen:
    """What an exploration showed of a program.

    Attributes:
        exploration: what came of it.
        trails: of every execution, those that were told again included: what was done, in order,
            and what it resulted in.
        findings: the kinds, and the operations or the message of each.
    """

    def __init__(self, threads: Threads, strategy: str, most: int | None = None) -> None:
        text, places = source(threads)
        scope: dict[str, Any] = {}
        exec(compile(text, FILE, "exec"), scope)  # noqa: S102  (made above)
        self.trails: list[Trail] = []

        def setup() -> Shared:
            shared = Shared()
            self.trails.append(shared.trail)  # its pages are not to be kept
            return shared

        bodies: list[Callable[[Shared], None]] = [
            scope[f"thread_{thread}"] for thread in range(len(threads))
        ]
        self.exploration: Exploration = explore_threads(
            bodies,
            setup=setup,
            strategy=strategy,
            executions=most,
            seconds=None,
            findings=None,
            shrinks=0,
        )
        self.findings: set[Finding] = set()
        for found in self.exploration.findings:
            finding = found.finding
            sides = [side for side in (finding.first, finding.second) if side is not None]
            lines = frozenset(
                places[frame.line] if frame.file == FILE else frame
                for frame in (side.stack[0] for side in sides)
            )
            self.findings.add((finding.kind, lines or frozenset([finding.message])))


# Random ones

_pages = st.integers(0, 1)
_numbers = st.integers(0, 1)


@st.composite
def _span(draw: st.DrawFn, word: str) -> Operation:
    start = draw(st.integers(0, 3))
    return word, draw(_pages), start, draw(st.integers(start + 1, 4))


MEMORY = (
    _span("read"),
    _span("write"),
    _span("write"),
    st.tuples(st.just("if"), _pages, st.integers(0, 3)),
)
ATOMICS = tuple(st.tuples(st.just(word), _pages) for word in ("load", "store", "add"))
LOCKS = tuple(st.tuples(st.just(word), _numbers) for word in ("lock", "unlock"))
CHECKS = (st.tuples(st.just("check"), _pages, st.integers(0, 3)),)
WAITS = tuple(
    st.tuples(st.just(word), _numbers)
    for word in ("try", "set", "wait", "timed", "up", "down", "soon", "put", "get", "poll")
)
MEETINGS = tuple(st.tuples(st.just(word), _numbers) for word in ("await", "limited", "notify"))


def programs(*kinds: st.SearchStrategy[Operation]) -> st.SearchStrategy[Threads]:
    """Two or three threads of up to four operations, which give back what they lock."""
    thread = st.lists(st.one_of(*kinds), max_size=4).map(_proper)
    return st.lists(thread, min_size=2, max_size=3).map(tuple)


def _proper(operations: list[Operation]) -> tuple[Operation, ...]:
    """Without locking what it holds, or unlocking what it does not; and whatever comes may."""
    held: list[int] = []
    kept: list[Operation] = []
    for operation in operations:
        word, target = operation[:2]
        meets = word in {"await", "limited", "notify"}
        if (meets or word in {"lock", "try", "unlock"}) and kept and kept[-1][0] in CONDITIONS:
            continue
        if meets and target not in held:
            held.append(target)
            kept.append(("lock", target))
        if word in {"lock", "try"} and target in held:
            continue
        if word == "unlock":
            if target not in held:
                continue
            held.remove(target)
        if word == "lock":
            held.append(target)
        if word == "try":  # whoever has it gives it back at once
            kept += operation, ("unlock", target)
        else:
            kept.append(operation)
    if kept and kept[-1][0] in CONDITIONS - {"try"} and held:
        kept.append(("read", 0, 0, 1))
    return (*kept, *(("unlock", target) for target in reversed(held)))
