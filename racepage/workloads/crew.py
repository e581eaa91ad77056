"""Runs the threads of a workload to their end.

Two things here make no happens-before edge, because a workload must owe its edges to its protocol
alone: how a thread tells that it is done, and `sync.invisible_barrier`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from queue import SimpleQueue

from racepage import sync
from racepage.execution import current

Program = Callable[[], None]
Outcome = BaseException | None


class IntegrityError(Exception):
    """Bytes that a correct protocol keeps were lost: the workload itself is broken."""


def check(kept: bool, what: str) -> None:
    """Raise `IntegrityError(what)` unless `kept`."""
    if not kept:
        raise IntegrityError(what)


def run(programs: Mapping[str, Program]) -> None:
    """Run every program in a thread of that name, and join them all.

    The first exception that a thread raises is raised here at once, so that the threads that wait
    for that one in vain (daemons all) keep nobody else waiting. Under control there is no need to
    tell: an execution is over when a thread raises.
    """
    if current.mode >= current.CONTROLLED:
        for thread in _started(programs):
            thread.join()
        return
    outcomes: SimpleQueue[Outcome] = SimpleQueue()  # the standard one: it is not recorded
    threads = _started(
        {name: partial(_carry, program, outcomes) for name, program in programs.items()}
    )
    for _ in threads:
        error = outcomes.get()
        if error is not None:
            raise error
    for thread in threads:
        thread.join()


def meeting(parties: int, free: int) -> sync.InvisibleBarrier:
    """Where threads wait for each other, which makes no edge; not at all if they are `free`.

    Meetings put threads into the situation that a variant is about, in every run. A search for
    schedules gets there by itself, and has more to find where nobody forces the threads.
    """
    return sync.invisible_barrier(1 if free else parties)


def team(name: str, size: int, member: Callable[[int], None]) -> dict[str, Program]:
    """`size` programs called `name-0`, `name-1` and so on; each is told its number."""
    return {f"{name}-{number}": partial(member, number) for number in range(size)}


def _started(programs: Mapping[str, Program]) -> list[sync.Thread]:
    threads = [
        sync.Thread(target=program, name=name, daemon=True) for name, program in programs.items()
    ]
    for thread in threads:
        thread.start()
    return threads


def _carry(program: Program, outcomes: SimpleQueue[Outcome]) -> None:
    try:
        program()
    except BaseException as error:  # noqa: BLE001  (`run` raises it in its caller's thread)
        outcomes.put(error)
    else:
        outcomes.put(None)
