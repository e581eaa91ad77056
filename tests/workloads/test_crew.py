import threading

import pytest

from racepage import record
from racepage.events import Op
from racepage.workloads import crew


def test_every_program_runs_in_a_thread_of_its_name() -> None:
    names = set[str]()
    crew.run(crew.team("worker", 3, lambda _: names.add(threading.current_thread().name)))
    assert names == {"worker-0", "worker-1", "worker-2"}


def test_what_a_thread_raises_is_raised_though_others_wait_for_it_for_ever() -> None:
    never, waiting = threading.Event(), list[threading.Thread]()

    def wait() -> None:
        waiting.append(threading.current_thread())
        never.wait()

    def fail() -> None:
        raise crew.IntegrityError("lost")

    with pytest.raises(crew.IntegrityError, match="lost"):
        crew.run({"waiting": wait, "failing": fail})
    never.set()
    for thread in waiting:
        thread.join()  # else its end may fall into the recording of another test


def test_threads_are_ordered_by_their_start_and_their_join_alone() -> None:
    with record() as recording:
        crew.run(crew.team("worker", 2, lambda _: None))
    ops = recording.trace().columns.op.tolist()
    ordering = [op for op in ops if op not in (Op.DETACH, Op.BLOCK, Op.WAKE)]
    assert sorted(ordering) == sorted([Op.START, Op.EXIT, Op.JOIN] * 2)


def test_what_was_kept_passes() -> None:
    crew.check(True, "unused")


def test_what_was_lost_is_named() -> None:
    with pytest.raises(crew.IntegrityError, match="record 3"):
        crew.check(False, "record 3")
