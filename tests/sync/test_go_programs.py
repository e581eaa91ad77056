"""What the Go race detector is tested on about channels, wait groups and timers, as programs.

`tests/conformance/go` has the same cases as text traces, in which a channel stands as the edges
that it makes; here channels make them. A test bears the case's name. It is a program that runs
under `record`, and its decorator says which variables are raced on, and by whom.

What holds a program up so that it is the same each time (`Meeting`) leaves no event.
"""

# ruff: noqa: N802  (a test is named by its case)

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest

import racepage
from racepage import memory, sync
from racepage.events import Kind
from racepage.execution import current
from tests.oracle import brute

WORD = 8
ZEROED = memory.GFP_KERNEL | memory.__GFP_ZERO


class Var:
    """Eight bytes that threads read and write."""

    def __init__(self, page: memory.Page, number: int) -> None:
        self._page = page
        self._offset = number * WORD

    def read(self) -> None:
        self._page.read_raw(bytearray(WORD), self._offset, WORD)

    def write(self) -> None:
        self._page.write_raw(bytes(WORD), self._offset, WORD)

    def word(self) -> memory.PageWord:
        """The same bytes, to be read and changed as a whole."""
        return self._page.atomic(self._offset, WORD)


def patience() -> float | None:
    """How long to wait for what has to come: under control time may run out at once."""
    return None if current.mode >= current.CONTROLLED else 30


class Meeting:
    """Lets who waits go on when it is time, and orders nothing."""

    def __init__(self, parties: int = 2) -> None:
        self.wait = sync.invisible_barrier(parties, timeout=patience()).wait


class Go:
    """The threads and variables of one program."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._page = memory.Page.alloc_page(ZEROED)
        self._numbers = count(1)
        self._threads: list[sync.Thread] = []

    def var(self, name: str) -> Var:
        self.names.append(name)
        return Var(self._page, len(self.names) - 1)

    def __call__(self, *steps: Callable[[], object]) -> sync.Thread:
        """Start a thread, G1, G2 and so on, that takes these steps."""

        name = f"G{next(self._numbers)}"
        thread = sync.Thread(target=_in_turn, args=steps, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def after(self, *steps: Callable[[], object]) -> sync.Timer:
        """Arm a timer, whose callback takes these steps at once."""
        timer = sync.Timer(0, _in_turn, args=steps, name=f"timer{next(self._numbers)}")
        timer.daemon = True
        self._threads.append(timer)
        timer.start()
        return timer

    def end(self) -> None:
        """Wait for all threads; this comes after all that is looked at."""
        for thread in self._threads:
            thread.join(patience())
            assert not thread.is_alive()
        self._page.free()


def _in_turn(*steps: Callable[[], object]) -> None:
    for step in steps:
        step()


PROGRAMS: dict[str, tuple[Callable[[Go], None], bool]] = {}
"""Each program, and whether it has races."""


def races(*expected: str) -> Callable[[Callable[[Go], None]], Callable[[], None]]:
    """The test that a program has exactly these races, each as "variable: thread thread"."""

    def decorate(program: Callable[[Go], None]) -> Callable[[], None]:
        PROGRAMS[program.__name__] = program, bool(expected)

        def test() -> None:
            go = Go()
            with racepage.record() as recording:
                program(go)
                go.end()
            trace = recording.trace()
            analysis = racepage.analyse(trace, engine="reference")
            assert {one.kind for one in analysis.findings} <= {"data-race"}
            assert bool(analysis.findings) == bool(expected)
            (page,) = [str(one) for one in trace.targets if one.kind is Kind.PAGE]
            racy = {
                name
                for number, name in enumerate(go.names)
                for start, stop in analysis.racy_bytes.get(page, [])
                if start <= number * WORD < stop
            }
            assert racy == {one.split(":")[0] for one in expected}
            # Findings of one line are one finding; the brute force has all pairs.
            events = brute.events_of(trace)
            who = {
                (
                    go.names[pair.span[0] // WORD],
                    events[pair.first].thread,
                    events[pair.second].thread,
                )
                for pair in brute.races(events, brute.order(events))
            }
            assert {f"{name}: {' '.join(sorted(both))}" for name, *both in who} == set(expected)

        test.__name__ = program.__name__
        test.__doc__ = program.__doc__
        return test

    return decorate


no_race = races()


def send(channel: sync.Channel[Any]) -> Callable[[], object]:
    return lambda: channel.send(0)


Steps = tuple[Callable[[], object], ...]


def both(go: Go, g1: Steps, main: Steps) -> None:
    """FJ{g1 | main}: G1 does its part and says so; main does its own and hears that."""
    done: sync.Channel[int] = sync.Channel()
    go(*g1, send(done))
    _in_turn(*main)
    done.receive()


def two(go: Go, g1: Steps, g2: Steps) -> None:
    """P2{g1 | g2}: both do their part and say so; main hears both."""
    done: sync.Channel[int] = sync.Channel()
    go(*g1, send(done))
    go(*g2, send(done))
    done.receive()
    done.receive()


# chan_test.go


@no_race
def test_NoRaceChanSyncRev(go: Go) -> None:
    v, c = go.var("v"), sync.Channel[int]()
    go(send(c), v.write)
    v.write()
    c.receive()


@races("v: G1 main")
def test_RaceChanAsyncRev(go: Go) -> None:
    v, c = go.var("v"), sync.Channel[int](10)
    go(send(c), v.write)
    v.write()
    c.receive()


@no_race
def test_NoRaceChanAsyncCloseRecv2(go: Go) -> None:
    v, c = go.var("v"), sync.Channel[int](10)
    go(v.write, c.close)
    assert not sync.select(c.receiving()).open
    v.write()


@no_race
def test_NoRaceChanSyncCloseRecv(go: Go) -> None:
    v, c = go.var("v"), sync.Channel[int]()
    go(v.write, c.close)
    with pytest.raises(sync.ChannelClosedError):
        c.receive()
    v.write()


@no_race
def test_NoRaceChanSyncCloseRecv3(go: Go) -> None:
    v, c = go.var("v"), sync.Channel[int]()
    go(v.write, c.close)
    for _ in c:
        pytest.fail("nothing was sent")
    v.write()


@races("v: G1 main")
def test_RaceChanAsyncCloseSend(go: Go) -> None:
    v, c = go.var("v"), sync.Channel[int](10)
    closed = Meeting()
    go(v.write, c.close, closed.wait)
    closed.wait()
    with pytest.raises(sync.ChannelClosedError):
        c.send(1)
    v.write()


@races("v: G1 main")
def test_RaceChanSendLen(go: Go) -> None:
    v, c = go.var("v"), sync.Channel[int](10)
    sent = Meeting()
    go(v.write, send(c), sent.wait)
    sent.wait()
    assert len(c) == 1
    v.write()


@races("v1: G1 G2")
def test_RaceChanSendSend(go: Go) -> None:
    """The one whose try fails knows nothing of the one whose send succeeded."""
    v1, v2, c = go.var("v1"), go.var("v2"), sync.Channel[int](1)
    sent = Meeting()

    def loser() -> None:
        v2.write()
        sent.wait()
        assert sync.select(c.sending(2), default=True).case == -1
        v1.write()

    two(go, (v1.write, send(c), sent.wait), (loser,))


@races("v2: G2 main")
def test_RaceChanWrongSend(go: Go) -> None:
    v1, v2, c = go.var("v1"), go.var("v2"), sync.Channel[int](2)
    first, second = Meeting(), Meeting()
    go(v1.write, lambda: c.send(1), first.wait)
    first.wait()
    go(v2.write, lambda: c.send(2), second.wait)
    second.wait()
    assert c.receive() == 1
    v2.write()


@races("c: G1 G2")
def test_RaceChanSendClose(go: Go) -> None:
    """There, a send reads the channel itself and a close writes it; here that is a variable."""
    itself, c = go.var("c"), sync.Channel[int](1)
    sent = Meeting()
    go(itself.read, send(c), sent.wait)
    go(itself.write, sent.wait, c.close)
    assert list(c) == [0]


@races("x: G1 main")
def test_RaceSelectReadWriteAsync(go: Go) -> None:
    x, c1, c2 = go.var("x"), sync.Channel[int](10), sync.Channel[int](10)
    c2.send(1)
    both(
        go,
        (x.read, lambda: sync.select(c1.sending(1))),
        (lambda: sync.select(c2.receiving()), x.write),
    )


@no_race
def test_NoRaceSelectReadWriteAsync(go: Go) -> None:
    x, c1 = go.var("x"), sync.Channel[int](10)
    both(
        go,
        (x.read, lambda: sync.select(c1.sending(1))),
        (lambda: sync.select(c1.receiving()), x.write),
    )


@races("x: G3 main")
def test_RaceChanReadWriteSync(go: Go) -> None:
    x, c1, c2 = go.var("x"), sync.Channel[int](), sync.Channel[int]()
    go(c1.receive)
    go(send(c2))
    go(x.read, lambda: sync.select(c1.sending(1)))
    sync.select(c2.receiving())
    x.write()


@no_race
def test_NoRaceProducerConsumerUnbuffered(go: Go) -> None:
    x = go.var("x")
    tasks, done = sync.Channel[Callable[[], None]](), sync.Channel[int]()

    def work() -> None:
        task = tasks.receive()
        task()

    go(work, send(done))
    tasks.send(x.write)
    done.receive()
    x.read()


@races("c: G1 main")
def test_RaceChanItselfRecv(go: Go) -> None:
    itself, c = go.var("c"), sync.Channel[int](1)
    c.send(1)
    both(go, (itself.read, c.receive), (itself.write,))


@races("c: G1 main")
def test_RaceChanItselfClose(go: Go) -> None:
    itself, c = go.var("c"), sync.Channel[int](1)
    both(go, (itself.read, c.close), (itself.write,))


@races("c: G1 main")
def test_RaceChanItselfCap(go: Go) -> None:
    itself, c = go.var("c"), sync.Channel[int](1)
    both(go, (itself.read, lambda: c.capacity), (itself.write,))


@no_race
def test_NoRaceChanCloseCap(go: Go) -> None:
    itself, c = go.var("c"), sync.Channel[int](1)
    two(go, (itself.read, lambda: c.capacity), (itself.read, c.close))


@no_race
def test_NoRaceChanMutex(go: Go) -> None:
    data, c = go.var("data"), sync.Channel[int](1)

    def critical() -> None:
        c.send(0)
        data.write()
        c.receive()

    both(go, (critical,), (critical,))


@races("data: G1 main")
def test_RaceChanSem(go: Go) -> None:
    data, c = go.var("data"), sync.Channel[int](2)
    inside = Meeting()

    def critical() -> None:
        c.send(0)
        inside.wait()
        data.write()
        inside.wait()
        c.receive()

    both(go, (critical,), (critical,))


@no_race
def test_NoRaceBlockedSendSync(go: Go) -> None:
    i, c = go.var("i"), sync.Channel[int](1)
    c.send(0)
    go(i.write, lambda: c.send(1))
    assert [c.receive(), c.receive()] == [0, 1]
    i.read()


@no_race
def test_NoRaceCloseHappensBeforeRead(go: Go) -> None:
    for number in range(20):
        loc = go.var(f"loc{number}")
        write, read = sync.Channel[int](), sync.Channel[int]()

        def reader(loc: Var = loc, write: Any = write, read: Any = read) -> None:
            if sync.select(write.receiving(), default=True).case == 0:
                loc.read()
            read.close()

        go(reader)
        go(loc.write, write.close)
        assert list(read) == []


# mop_test.go, regression_test.go


@no_race
def test_NoRaceIntRWClosures(go: Go) -> None:
    x, y, done = go.var("x"), go.var("y"), sync.Channel[int](1)
    go(x.read, y.write, send(done))
    done.receive()
    go(x.write, send(done))
    done.receive()


@no_race
def test_NoRaceFuncUnlock(go: Go) -> None:
    x, m = go.var("x"), sync.Mutex()

    def critical() -> None:
        with m:
            x.write()

    both(go, (critical,), (critical,))


@no_race
def test_NoRaceRpcChan(go: Go) -> None:
    v = go.var("v")
    for _ in range(2):
        c = sync.Channel[int](1)
        v.write()
        c.send(1)
        c.receive()
        v.write()


# pool_test.go


@no_race
def test_NoRacePool(go: Go) -> None:
    """A pool of things to use again is a stack."""
    x, pool, back = go.var("x"), sync.LifoQueue[int](), Meeting()
    pool.put(1)
    go(pool.get, x.write, lambda: pool.put(1), back.wait)
    back.wait()
    pool.get()
    x.write()


# select_test.go


@no_race
def test_NoRaceSelect1(go: Go) -> None:
    x, c = go.var("x"), sync.Channel[int]()
    never = sync.Channel[int]()
    go(x.write, lambda: sync.select(c.sending(1), never.receiving()))
    sync.select(c.receiving(), never.receiving())
    x.write()


@no_race
def test_NoRaceSelect3(go: Go) -> None:
    x, c = go.var("x"), sync.Channel[int](10)
    never = sync.Channel[int]()
    go(x.write, lambda: sync.select(c.sending(1), never.receiving()))
    c.receive()
    x.write()


@no_race
def test_NoRaceSelect5(go: Go) -> None:
    """Sent by a select or plainly, by one that waits or by one that does not."""
    never = sync.Channel[int]()
    for selects in (True, False):
        for capacity in (0, 1):
            x, c = go.var(f"x{selects}{capacity}"), sync.Channel[int](capacity)
            cases = (c.sending(1), never.receiving())
            go(x.write, partial(sync.select, *cases) if selects else send(c))
            go(c.receive, x.write)


@races("x: G1 main")
def test_RaceSelect2(go: Go) -> None:
    """G1 writes before it knows of the close."""
    x, c = go.var("x"), sync.Channel[int]()
    done = sync.Channel[int]()
    go(x.write, lambda: list(c), send(done))
    c.close()
    x.write()
    done.receive()


@races("x: G1 main")
def test_RaceSelect4(go: Go) -> None:
    x, c = go.var("x"), sync.Channel[int]()
    both(
        go,
        (lambda: sync.select(c.receiving(), default=True), x.write),
        (x.read,),
    )


# slice_test.go, sync_test.go


@races("data: G1 main")
def test_RaceSlice4(go: Go) -> None:
    data, group = go.var("data"), sync.WaitGroup()
    group.add()
    go(data.read, group.done)
    data.write()
    group.wait()


@races("x: G1 main")
def test_RaceCond(go: Go) -> None:
    x, m = go.var("x"), sync.Mutex()
    condition, left = sync.Condition(m), Meeting()
    said: list[bool] = []

    def signals() -> None:
        with condition:
            x.write()
            said.append(True)
            condition.notify()
        left.wait()
        with m:
            x.write()

    go(signals)
    with condition:
        condition.wait_for(lambda: said)
    left.wait()
    x.write()


@no_race
def test_NoRaceAfterFunc1(go: Go) -> None:
    i, c = go.var("i"), sync.Channel[int]()
    left = [3]

    def callback() -> None:
        i.read()
        i.write()
        left[0] -= 1
        if left[0]:
            go.after(callback)
        else:
            c.send(0)

    i.write()
    go.after(callback)
    c.receive()
    i.read()


@no_race
def test_NoRaceAfterFunc3(go: Go) -> None:
    x, c = go.var("x"), sync.Channel[int]()
    go.after(x.write, send(c))
    c.receive()


@races("x: G4 main")
def test_RaceGoroutineCreationStack(go: Go) -> None:
    x = go.var("x")

    def f4() -> None:
        go(f3)

    def f3() -> None:
        go(f2)

    def f2() -> None:
        go(x.write, done.wait)

    done = Meeting()
    go(f4)
    done.wait()
    x.write()


# synctest_test.go


@no_race
def test_NoRaceSynctestGoroutinesExit(go: Go) -> None:
    """There, waiting until all are blocked or gone is an acquire; here, they are joined."""
    x = go.var("x")
    go(x.write).join()
    go(x.write)


@races("x: G1 G2")
def test_RaceSynctestGoroutinesUnblocked(go: Go) -> None:
    x, c = go.var("x"), sync.Channel[int]()
    for _ in range(2):
        go(lambda: list(c), x.write)
    c.close()


@races("x: timer1 timer2")
def test_RaceSynctestTimers(go: Go) -> None:
    """One after the other in time, and not ordered by it."""
    x, fired = go.var("x"), Meeting()
    go.after(x.write, fired.wait)
    go.after(fired.wait, x.write)


# time_test.go


@no_race
def test_NoRaceAfterFuncReset(go: Go) -> None:
    """There a timer is stopped and armed again; here it is a new one that is armed."""
    v, c = go.var("v"), sync.Channel[int]()
    stopped = sync.Timer(3600, pytest.fail)
    stopped.start()
    stopped.cancel()
    v.write()
    go.after(v.write, send(c))
    c.receive()
    v.write()
    stopped.join()


@no_race
def test_NoRaceTimerReset(go: Go) -> None:
    v, tick, c = go.var("v"), sync.Channel[int](1), sync.Channel[int]()
    go(tick.receive, v.write, send(c))
    v.write()
    go.after(send(tick))
    c.receive()
    v.write()


@no_race
def test_NoRaceTickerReset(go: Go) -> None:
    v, ticks, c = go.var("v"), sync.Channel[int](1), sync.Channel[int]()
    go(ticks.receive, v.write, send(c))
    v.write()
    go.after(send(ticks), lambda: sync.select(ticks.sending(0), default=True))
    c.receive()
    v.write()


# waitgroup_test.go


@races("x: G1 G2")
def test_RaceWaitGroup(go: Go) -> None:
    x, group = go.var("x"), sync.WaitGroup()
    group.add(2)
    for _ in range(2):
        go(x.write, group.done)
    group.wait()
    x.write()


@races("x: G1 G2")
def test_RaceWaitGroupAsMutex(go: Go) -> None:
    """Waiting for nobody, and then adding oneself, is no lock."""
    x, group, alone = go.var("x"), sync.WaitGroup(), Meeting()

    def critical() -> None:
        group.wait()
        alone.wait()  # both have found nobody
        group.add(1)
        x.write()
        group.add(-1)

    go(critical)
    go(critical)


@races("wg: G1 main")
def test_RaceWaitGroupWrongAdd(go: Go) -> None:
    """There, the first add reads the group itself and a wait writes it; here that is a variable."""
    itself, group, added = go.var("wg"), sync.WaitGroup(), Meeting(3)
    go(itself.read, group.add, added.wait, group.done)
    go(added.wait)
    itself.write()
    added.wait()
    group.wait()


@no_race
def test_NoRaceWaitGroupMultipleWait2(go: Go) -> None:
    x, y, group = go.var("x"), go.var("y"), sync.WaitGroup()
    group.add(2)
    go(x.write, group.done, group.wait, x.read, y.read)
    go(y.write, group.done, group.wait, x.read, y.read)
    group.wait()
    x.read()
    y.read()


@races("x: G1 G2")
def test_RaceWaitGroup2(go: Go) -> None:
    x, group = go.var("x"), sync.WaitGroup()
    group.add(2)
    go(x.write, group.done)
    go(x.write, group.done)
    group.wait()


@no_race
def test_NoRaceWaitGroupPanicRecover2(go: Go) -> None:
    x, done = go.var("x"), sync.Channel[int]()

    def panics() -> None:
        x.write()
        try:
            int("panic")
        except ValueError:
            go(x.write, send(done))

    go(panics)
    done.receive()
    x.write()


@no_race
def test_NoRaceWaitGroupReuse(go: Go) -> None:
    data, group = [go.var(f"data{p}") for p in range(3)], sync.WaitGroup()
    for _ in range(3):
        group.add(len(data))
        for one in data:
            go(one.read, one.write, group.done)
        group.wait()
        for one in data:
            one.read()
            one.write()


@races("wg: G1 main")
def test_RaceWaitGroupReuse(go: Go) -> None:
    """There, an add reads the group itself and a wait writes it; here that is a variable.

    The group itself raises where it is used again in fact before a wait has returned.
    """
    itself, group, waited = go.var("wg"), sync.WaitGroup(), Meeting()
    group.add()
    go(itself.write, group.wait, waited.wait)
    go(group.done)
    group.wait()
    itself.read()
    waited.wait()
    group.add()
    group.done()
