"""An abstract machine for strategies: threads are generators that yield what they do next.

    ("read", cell)                      sends back its value
    ("write", cell, value)
    ("change", cell, function)          one atomic step; sends back the old value
    ("exchange", cell, old, new)        sends back whether it held `old`; a read if it did not
    ("lock", cell)  ("unlock", cell)    an unlock of what nobody holds is a read
    ("try", cell)                       sends back whether it took it; a read if it did not
    ("copy", cell, cell)                a read and a write in one step
    ("pick", cell, function)            writes which was picked of as many as the function says of
                                        the old value; sends it back
    ("place", cells)                    writes into the cell that was picked
    ("join", thread)                    waits until it has ended
    ("park", cell, timed, token)        begins to wait for a "notify", for which a target is given
    ("parked", cell, timed, token, place)   the end of the wait, right after that, which sends back
                                        whether it was woken: if so, the place is written, or
                                        locked if it is ("lock", cell); a timed wait can run out of
                                        time until then, which writes the cell
    ("notify", cell)                    wakes one that waits, if any: it picks which
    ("yield",)                          touches nothing
    ("daemon",)                         no step, and at the beginning only: the thread ends where
                                        all threads have ended that are no daemons

A cell is a name, or a name with a range of its bytes: `("page", 2, 6)`; a name alone is the byte
[0, 1). A write puts its value into each byte of the range, a read sends back their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from racepage.execution.step import AWAIT, LOCK, READ, UNLOCK, WRITE, Step, Touch
from racepage.exploration.strategy import Outcome, Run, Strategy

Operation = tuple[Any, ...]
Body = Callable[[], Generator[Operation, Any, None]]
Program = Callable[[], tuple[dict[Any, int], list[Body]]]
"""Makes the values of cells that do not begin as 0, and the threads."""


class Failure(Exception):  # noqa: N818  (a program fails; it does not err)
    """A program found itself wrong."""


@dataclass(frozen=True, slots=True)
class Result:
    run: Run
    memory: dict[tuple[Any, int], int]
    failure: str | None


class Thread:
    """One thread, at an operation that it has not done yet."""

    def __init__(self, machine: Machine, number: int, body: Body) -> None:
        self.machine = machine
        self.number = number
        self.body = body()
        self.operation: Operation | None = None
        self.daemon = False

    def go_on(self, answer: Any) -> None:
        self.operation = None
        with suppress(StopIteration):
            self.operation = self.body.send(answer)

    @property
    def upcoming(self) -> Step:
        return Step(self.number, self.machine.touches(self))

    @property
    def wait(self) -> object:
        operation = self.operation
        if operation is None or operation[0] != "parked":
            return None
        return operation if self.machine.runs_out(self, operation) else None

    def ready(self) -> bool:
        if self.operation is None:
            return False
        word, cell = (*self.operation, None)[:2]
        machine = self.machine
        if word == "parked" and not machine.runs_out(self, self.operation):
            kind, lock = machine.woken(self.operation)
            if kind == LOCK and lock in machine.held:
                return False
        return not (
            (word == "lock" and cell in machine.held)
            or (word == "join" and machine.threads[cell].operation is not None)
            or (word == "parked" and (cell, self.number, False) in machine.waiting)
        )


class Machine:
    """One execution."""

    def __init__(self, program: Program, numbers: dict[Any, int]) -> None:
        values, bodies = program()
        self.numbers = numbers  # cell name -> target, the same in every execution
        self.memory = {(name, 0): value for name, value in values.items()}
        self.held: set[Any] = set()
        self.waiting: set[tuple[Any, int, bool]] = set()  # cell, thread, whether timed
        self.missed: list[tuple[int, Step]] = []
        self.done = 0  # steps
        self.threads = [Thread(self, number, body) for number, body in enumerate(bodies)]

    def place(self, cell: Any) -> tuple[Any, int, int]:
        if isinstance(cell, tuple) and len(cell) == 3:
            return cell
        return cell, 0, 1

    def touch(self, cell: Any, how: int) -> Touch:
        name, start, stop = self.place(cell)
        return Touch(self.numbers.setdefault(name, len(self.numbers)), start, stop, how)

    def runs_out(self, thread: Thread, operation: Operation) -> bool:
        """Whether a thread that is parked would run out of time."""
        return (operation[1], thread.number, True) in self.waiting

    def woken(self, operation: Operation) -> tuple[int, Any]:
        """What a thread that is parked does once it is woken."""
        place = operation[4]
        return (LOCK, place[1]) if place[0] == "lock" else (WRITE, place)

    def touches(self, thread: Thread) -> tuple[Touch, ...]:
        operation = thread.operation
        assert operation is not None
        if operation == ("yield",):
            return ()
        word, cell = operation[:2]
        if word == "copy":
            return self.touch(cell, READ), self.touch(operation[2], WRITE)
        if word == "place":
            return tuple(self.touch(one, WRITE) for one in cell)
        if word == "join":
            return (self.touch(f"thread {cell}", AWAIT),)
        if word == "parked" and not self.runs_out(thread, operation):
            kind, place = self.woken(operation)
            return self.touch(operation[3], AWAIT), self.touch(place, kind)
        kinds = {"read": READ, "lock": LOCK, "unlock": UNLOCK}
        return (self.touch(cell, kinds.get(word, WRITE)),)

    def load(self, cell: Any) -> int:
        name, start, stop = self.place(cell)
        return sum(self.memory.get((name, byte), 0) for byte in range(start, stop))

    def store(self, cell: Any, value: int) -> None:
        name, start, stop = self.place(cell)
        for byte in range(start, stop):
            self.memory[name, byte] = value

    def do(  # noqa: C901, PLR0912, PLR0915  (one branch for each operation)
        self, thread: Thread, pick: Callable[[int], int]
    ) -> tuple[Step, Any]:
        operation = thread.operation
        assert operation is not None
        word, cell = (*operation, None)[:2]
        touches = self.touches(thread)
        picks: tuple[int, ...] = ()
        answer: Any = None
        fails = False
        if word == "read":
            answer = self.load(cell)
        elif word == "write":
            self.store(cell, operation[2])
        elif word == "change":
            answer = self.load(cell)
            self.store(cell, operation[2](answer))
        elif word == "exchange":
            answer = self.load(cell) == operation[2]
            fails = not answer
            if answer:
                self.store(cell, operation[3])
        elif word == "lock":
            self.held.add(cell)
        elif word == "unlock":
            fails = cell not in self.held
            self.held.discard(cell)
        elif word == "try":
            answer = cell not in self.held
            fails = not answer
            self.held.add(cell)
        elif word == "copy":
            self.store(operation[2], self.load(cell))
        elif word == "pick":
            picks = self.picked(pick, operation[2](self.load(cell)))
            answer = picks[-1] if picks else 0
            self.store(cell, answer)
        elif word == "park":
            self.waiting.add((cell, thread.number, operation[2]))
        elif word == "parked":
            answer = not self.runs_out(thread, operation)
            self.waiting.discard((cell, thread.number, True))
            kind, place = self.woken(operation)
            if answer and kind == LOCK:
                self.held.add(place)
            elif answer:
                self.store(place, 1)
        elif word == "notify":
            there = sorted(other for other in self.waiting if other[0] == cell)
            if there:
                picks = self.picked(pick, len(there))
                touches = (*touches, self.wake(there[picks[0] if picks else 0]))
        elif word == "place":
            picks = self.picked(pick, len(cell))
            touches = (touches[picks[0]],)
            self.store(cell[picks[0]], 1)
        else:
            assert word in {"join", "yield"}
        if fails:
            touches = (self.touch(cell, READ),)
        return Step(thread.number, touches, picks), answer

    def wake(self, waiter: tuple[Any, int, bool]) -> Touch:
        thread = self.threads[waiter[1]]
        assert thread.operation is not None
        if waiter[2]:
            self.missed.append((self.done, thread.upcoming))
        self.waiting.discard(waiter)
        return self.touch(thread.operation[3], UNLOCK)

    def picked(self, pick: Callable[[int], int], count: int) -> tuple[int, ...]:
        return (pick(count),) if count > 1 else ()

    def left(self) -> bool:
        """Whether threads have not ended for which an execution goes on."""
        return any(not thread.daemon and thread.operation is not None for thread in self.threads)

    def ready(self) -> list[Thread]:
        return [thread for thread in self.threads if thread.ready()] if self.left() else []

    def run(self, strategy: Strategy, limit: int = 10_000) -> Result:
        steps: list[Step] = []
        last = -1
        outcome: Outcome = "ended"
        failure = None
        try:
            for thread in self.threads:
                thread.go_on(None)
                if thread.operation == ("daemon",):
                    thread.daemon = True
                    thread.go_on(None)
            while ready := self.ready():
                if len(steps) == limit:
                    outcome = "limit"
                    break
                chosen = strategy.choose(ready, last)
                if chosen is None:
                    outcome = "abandoned"
                    break
                thread = self.threads[chosen.number]
                assert thread in ready
                self.done = len(steps)
                step, answer = self.do(thread, strategy.pick)
                steps.append(step)
                last = thread.number
                thread.go_on(answer)
                if thread.operation is None:
                    end = self.touch(f"thread {last}", UNLOCK)
                    steps[-1] = step._replace(touches=(*step.touches, end))
            else:
                if self.left():
                    outcome = "deadlock"
        except Failure as error:
            outcome, failure = "failed", str(error)
        waiting = [thread.upcoming for thread in self.threads if thread.operation is not None]
        return Result(Run(steps, waiting, outcome, self.missed), self.memory, failure)


def explore(program: Program, strategy: Strategy, most: int | None = None) -> Iterator[Result]:
    """Run `program` under `strategy` until nothing is left, or `most` times."""
    numbers: dict[Any, int] = {}
    executions = 0
    while executions != most and strategy.begin():
        result = Machine(program, numbers).run(strategy)
        strategy.end(result.run)
        executions += 1
        yield result


def schedule(steps: Sequence[Step]) -> tuple[int, ...]:
    """The threads in the order in which they went."""
    return tuple(step.task for step in steps)
