"""The kernel: who can go, what a step touches, and which numbers things have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from greenlet import GreenletExit

from racepage import sync
from racepage.events import LockKind
from racepage.execution import current
from racepage.execution.kernel import Execution, Kernel, Task
from racepage.execution.step import AWAIT, READ, UNLOCK, WRITE, Step, Touch
from racepage.execution.targets import given, lock_kinds, sizes
from racepage.memory import GFP_KERNEL, Page, UserMemory, UserSlice, failing_allocations
from racepage.policy.scope import racy_ok
from racepage.sync.lock import OwnedLock
from tests.sync.controlled import explore, results, together


def first(tasks: Sequence[Task], _: int) -> Task:
    return tasks[0]


def last(tasks: Sequence[Task], _: int) -> Task:
    return tasks[-1]


def run(
    program: Callable[[], object], choose: Callable[[Sequence[Task], int], Task] = first
) -> Execution:
    kernel = Kernel()
    try:
        return kernel.execute(program, choose, lambda _: 0)
    finally:
        kernel.close()


def touches(steps: Sequence[Step], task: int) -> list[Touch]:
    return [touch for step in steps if step.task == task for touch in step.touches]


def test_what_a_task_makes_has_the_same_number_whoever_goes_first() -> None:
    numbers: list[tuple[int, ...]] = []

    def program() -> None:
        made: dict[int, int] = {}

        def make(which: int) -> None:
            sync.yield_now()
            made[which] = Page.alloc_page(GFP_KERNEL).number

        together(lambda: make(0), lambda: make(1))
        numbers.append((made[0], made[1]))

    assert len(list(explore(program))) > 1
    assert len(set(numbers)) == 1


def test_what_else_a_task_makes_changes_no_number() -> None:
    """It may depend on the schedule: a wait has a number, and so has what is handed over."""
    numbers: list[int] = []

    def program() -> None:
        event = sync.Event(name="e")

        def wait() -> None:
            event.wait()
            numbers.append(Page.alloc_page(GFP_KERNEL).number)

        together(wait, event.set)

    assert len(list(explore(program))) > 1
    assert len(set(numbers)) == 1


def test_a_wake_up_is_awaited_by_the_step_after_it() -> None:
    event = sync.Event()
    steps = run(lambda: together(event.wait, event.set)).steps
    woken = {touch.target for step in steps for touch in step.touches if touch.how == UNLOCK}
    awaited = {touch.target for step in steps for touch in step.touches if touch.how == AWAIT}
    assert awaited <= woken
    assert touches(steps, 1)[0] == Touch(event._mutex.number, 0, 1, WRITE)


def test_what_only_looks_is_a_read() -> None:
    queue, event = sync.Queue[int](), sync.Event()
    semaphore, lock = sync.Semaphore(0), sync.Lock()

    def look() -> None:
        queue.empty()
        event.is_set()
        semaphore.acquire(blocking=False)
        lock.locked()

    steps = run(look).steps
    assert [step.touches[0].how for step in steps] == [READ] * 4


def test_a_time_out_that_a_wake_up_takes_away_is_told() -> None:
    event = sync.Event()
    done = run(lambda: together(lambda: event.wait(1), event.set), choose=wake_first)
    ((number, step),) = done.missed
    assert done.steps[number].task == 2
    assert step == Step(1, (Touch(event._mutex.number, 0, 1, WRITE),))


def wake_first(tasks: Sequence[Task], _: int) -> Task:
    """The one that waits goes to its wait, and then everybody else first."""
    return next((task for task in tasks if task.wait is None), tasks[0])


def test_daemons_do_not_keep_an_execution_going() -> None:
    def program() -> None:
        sync.Thread(target=sync.Event().wait, daemon=True).start()

    done = run(program)
    assert (done.outcome, len(done.left)) == ("ended", 1)


def test_whom_the_last_act_wakes_goes_on_if_he_counts() -> None:
    found: list[int] = []

    def program() -> None:
        event = sync.Event()

        def wait() -> None:
            event.wait()
            sync.yield_now()
            found.append(1)

        sync.Thread(target=wait).start()
        event.set()

    assert {execution.outcome for execution in explore(program)} == {"ended"}
    assert found


def test_waits_raise_once_an_execution_is_over() -> None:
    raised: list[type[BaseException]] = []

    def wait() -> None:
        for _ in range(2):
            try:
                sync.Event().wait()
            except GreenletExit as error:
                raised.append(type(error))

    assert run(wait).outcome == "deadlock"
    assert raised == [GreenletExit] * 2


def test_primitives_are_real_ones_again_after_an_execution() -> None:
    lock, event = sync.Lock(), sync.Event()
    run(lambda: together(lock.acquire, event.set))
    assert current.mode == current.OFF
    assert lock.acquire(timeout=0.001) is False
    assert event.wait() is True


@pytest.mark.parametrize("change", ["unmap", "map"])
def test_user_memory_that_comes_or_goes_is_seen_by_a_copy_or_not(change: str) -> None:
    def program() -> bool:
        memory = UserMemory(bytearray(8))
        if change == "map":
            memory.unmap(4, 8)
        found: list[bool] = []

        def read() -> None:
            try:
                UserSlice(memory, 0, 8).reader().read_all()
                found.append(True)
            except OSError:
                found.append(False)

        together(read, lambda: getattr(memory, change)(4, 8))
        return found[0]

    assert results(program) == {True, False}


def test_which_allocation_fails_is_a_matter_of_who_goes_first() -> None:
    def program() -> tuple[bool, ...]:
        got: dict[int, bool] = {}

        def allocate(which: int) -> None:
            try:
                Page.alloc_page(GFP_KERNEL)
                got[which] = True
            except MemoryError:
                got[which] = False

        with failing_allocations(nth=1):
            together(lambda: allocate(0), lambda: allocate(1))
        return (got[0], got[1])

    assert results(program) == {(True, False), (False, True)}


@pytest.mark.parametrize("plan", [{"probability": 0.5}, {"nth": 2}, {"budget": 1}])
def test_allocations_fail_alike_in_every_execution(plan: dict[str, float]) -> None:
    def program() -> tuple[bool, ...]:
        found, kept = [], []
        for _ in range(8):
            try:
                kept.append(Page.alloc_page(GFP_KERNEL))
                found.append(True)
            except MemoryError:
                found.append(False)
        return tuple(found)

    seen: list[tuple[bool, ...]] = []
    with failing_allocations(**plan):  # type: ignore[arg-type]
        for _ in range(4):
            run(lambda: seen.append(program()))
    assert len(set(seen)) == 1
    assert False in seen[0]


def test_mappings_have_the_same_address_in_every_execution() -> None:
    kernel = Kernel()
    seen: list[int] = []

    def program() -> None:
        Page.alloc_page(GFP_KERNEL).with_page_mapped(lambda pointer: seen.append(int(pointer)))

    for _ in range(3):
        kernel.execute(program, last, lambda _: 0)
    kernel.close()
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_a_reason_keeps_its_number_beyond_an_execution() -> None:
    kernel = Kernel()
    numbers: list[int] = []
    for reason in ("one of two", "the other", "one of two"):
        scope = partial(racy_ok, reason)
        kernel.execute(lambda scope=scope: numbers.append(scope()._number), first, lambda _: 0)  # type: ignore[misc]
    kernel.close()
    assert numbers[0] == numbers[2] != numbers[1]


def test_what_another_execution_made_lends_nothing_its_name() -> None:
    kernel = Kernel()
    made: list[int] = []

    def program(kind: Callable[..., OwnedLock]) -> None:
        lock = kind(name="once" if kind is sync.SpinLock else None)
        made.append(lock._number)
        page = Page.alloc_page(GFP_KERNEL, order=kind is sync.SpinLock)
        seen.append((given.get(lock._number), lock_kinds.get(lock._number), sizes.get(page.number)))

    seen: list[tuple[object, ...]] = []
    for kind in (sync.SpinLock, sync.Mutex):
        kernel.execute(partial(program, kind), first, lambda _: 0)
    kernel.close()
    assert made[0] == made[1]
    assert seen == [("once", LockKind.SPIN, 8192), (None, LockKind.MUTEX, None)]


def test_a_thread_begins_when_it_is_started() -> None:
    def program() -> int:
        seen: list[float] = []
        sync.sleep(10)
        together(lambda: seen.append(sync.monotonic()))
        return round(seen[0])

    assert results(program) == {10}
