"""What a strategy is: it says which thread goes next, and when there is nothing left to try."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from racepage.execution.step import Step

if TYPE_CHECKING:  # loads numpy, which the help on strategies has no use for
    from racepage.execution.steps import Execution

Outcome = Literal["ended", "deadlock", "failed", "limit", "abandoned"]


class Task(Protocol):
    """A thread that could go next.

    Attributes:
        number: the same in every execution.
        upcoming: the step that it would do, without picks; a compare-exchange announces a WRITE.
        wait: what it waits for, if it can go because its time could run out; otherwise None.
    """

    number: int

    @property
    def upcoming(self) -> Step: ...

    @property
    def wait(self) -> object: ...


def gives_way(task: Task) -> bool:
    """Whether it yields, which is a step that touches nothing, or waits until its time runs out.

    It can go on, but to let it do so again and again, while others could go, would show little
    (Musuvathi and Qadeer, Fair stateless model checking, PLDI 2008).
    """
    return task.wait is not None or not task.upcoming.touches


class Run(NamedTuple):
    """One execution, when it is over.

    Attributes:
        steps: what was done, in order.
        waiting: what the threads that are left were about to do.
        outcome: `failed` where the program raised, `limit` where it had too many steps, `abandoned`
            where the strategy would not go on.
        missed: (n, step): before step number n a thread could have done this, such as run out of
            time in a wait, and after step n it cannot.
        failure: what the program raised, and the name of the thread, where that is known.
    """

    steps: Sequence[Step]
    waiting: Sequence[Step]
    outcome: Outcome
    missed: Sequence[tuple[int, Step]] = ()
    failure: tuple[BaseException, str] | None = None

    @classmethod
    def of(cls, done: Execution, most: int) -> Run:
        """An execution as a strategy has to know it: without the steps beyond the limit.

        Args:
            done: the execution.
            most: the limit; after that, threads took turns, as nobody had chosen.
        """
        outcome, steps, waiting, missed, failed, _, _ = done
        if outcome == "livelock":
            outcome = "limit"
        failure = None
        if failed is not None and failed.failed is not None:
            failure = failed.failed, failed.log.name
        return cls(steps[:most] if outcome == "limit" else steps, waiting, outcome, missed, failure)


class Strategy(ABC):
    """Runs a program again and again, each time under a schedule of its choice.

    `begin` before every execution, `choose` at every scheduling point, `pick` where a step itself
    has a choice, `end` after the execution. A strategy is deterministic: its parameters and its
    seed decide what it does.
    """

    name: ClassVar[str]
    exhaustive: ClassVar[bool] = False
    """Whether every behaviour was seen once `begin` says that nothing is left, unless an execution
    ended at the limit of steps: what would have come after it was not tried."""

    draw: Callable[[], int] | None = None
    """Where `choose` draws lots, all of them alike: what decides (`Kernel.execute`)."""

    @abstractmethod
    def begin(self) -> bool:
        """Prepare the next execution; False when there is nothing left to try."""

    @abstractmethod
    def choose(self, tasks: Sequence[Task], last: int) -> Task | None:
        """Which of `tasks`, at least one, ascending by number, goes next.

        Args:
            tasks: those that can go.
            last: the number of the task that went last, -1 at the beginning.

        Returns:
            One of them, or None to abandon the execution: it would show nothing new.
        """

    def pick(self, count: int) -> int:
        """A number from 0 to `count` - 1, for a choice within a step: which of equals."""
        del count
        return 0

    @abstractmethod
    def end(self, run: Run) -> None:
        """Learn what came of the execution."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on from here, as JSON can hold it."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken.

        Raises:
            RacepageError: it is no state of this strategy.
        """
