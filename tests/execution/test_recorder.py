"""A recording's life: how it begins, what it holds, and how it ends."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import racepage
from racepage import sync
from racepage.errors import RecordingError
from racepage.events import Op
from racepage.execution import current, cut, recorder
from racepage.memory import Page
from racepage.trace.validate import validate
from tests.execution.rows import recorded, rows


def test_nothing_is_logged_outside_a_recording() -> None:
    page, lock = Page.alloc_page(), sync.Lock()
    page.fill_zero_raw(0, 8)
    with racepage.record() as recording:
        pass
    with lock:
        page.fill_zero_raw(0, 8)
    assert recording.events == len(recording.trace()) == 0


def test_events_stand_in_their_threads_order() -> None:
    page, lock = Page.alloc_page(), sync.Lock(name="m")

    def body() -> None:
        page.fill_zero_raw(0, 1)
        with lock:
            page.fill_zero_raw(1, 1)
        page.fill_zero_raw(2, 1)

    assert recorded(body) == [
        "main zero page:0[0:1]",
        "main lock lock:m",
        "main zero page:0[1:2]",
        "main unlock lock:m",
        "main zero page:0[2:3]",
    ]


def test_a_thread_starts_ends_and_is_joined() -> None:
    page = Page.alloc_page()

    def body() -> None:
        thread = sync.Thread(target=page.fill_zero_raw, args=(0, 8), name="t1")
        thread.start()
        thread.join()

    assert recorded(body) == [
        "main start thread:t1",
        "t1 zero page:0[0:8]",
        "t1 exit",
        "main join thread:t1",
    ]


def test_names_that_clash_are_told_apart() -> None:
    def body() -> None:
        for lock in (sync.Lock(name="m"), sync.Lock(), sync.Lock(name="m"), sync.Lock(name="0")):
            with lock:
                pass
        for _ in range(2):
            thread = sync.Thread(target=int, name="main")
            thread.start()
            thread.join()

    found = recorded(body)
    assert [line.split()[-1] for line in found if " lock " in line] == [
        "lock:m",
        "lock:0",
        "lock:m#2",
        "lock:0#2",
    ]
    assert [line.split()[-1] for line in found if "start" in line] == [
        "thread:main#2",
        "thread:main#3",
    ]


def test_primitives_live_through_several_recordings() -> None:
    page, lock = Page.alloc_page(), sync.Lock(name="m")

    def body() -> None:
        with lock:
            page.fill_zero_raw(0, 8)

    first, second = recorded(body), recorded(body)
    assert first == second == ["main lock lock:m", "main zero page:0[0:8]", "main unlock lock:m"]


def test_a_recording_begins_with_nothing_of_the_last_one() -> None:
    page = Page.alloc_page()
    recorded(lambda: page.fill_zero_raw(0, 8))
    # What an operation leaves behind that was under way when its recording ended.
    current.task().events.extend((int(Op.LOCK), current.new_lock("stray"), 1, 0, None, -1))
    current.turns.append(2)
    assert recorded(lambda: page.fill_zero_raw(8, 8)) == ["main zero page:0[8:16]"]


def test_an_event_cut_in_half_by_the_end_of_a_recording_is_dropped() -> None:
    # The thread was between its own list and `turns` when the next recording had begun already.
    page, lock = Page.alloc_page(), sync.Lock(name="m")

    def body() -> None:
        current.turns.append(2**60)  # the turn of an event whose list was cleared
        page.fill_zero_raw(0, 8)
        current.task().events.extend((int(Op.UNLOCK), current.new_lock("s"), 2**61, 0, None, -1))
        with lock:
            page.fill_zero_raw(8, 8)

    assert recorded(body) == [
        "main zero page:0[0:8]",
        "main lock lock:m",
        "main zero page:0[8:16]",
        "main unlock lock:m",
    ]


def test_an_exception_in_the_body_passes_and_the_trace_is_there() -> None:
    page = Page.alloc_page()
    recording = racepage.record()

    def body() -> None:
        page.fill_zero_raw(0, 8)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), recording:
        body()
    assert rows(recording.trace()) == ["main zero page:0[0:8]"]


def test_a_second_recording_at_the_same_time_is_refused() -> None:
    with (
        racepage.record() as recording,
        pytest.raises(RecordingError, match="on already"),
        racepage.record(),
    ):
        pass
    assert len(recording.trace()) == 0
    with racepage.record():
        pass


def test_a_recording_is_made_once() -> None:
    recording = racepage.record()
    with recording:
        pass
    with pytest.raises(RecordingError, match="record\\(\\) again"), recording:
        pass


def test_there_is_no_trace_before_the_end() -> None:
    recording = racepage.record()
    with pytest.raises(RecordingError, match="has not begun"):
        recording.trace()
    with recording, pytest.raises(RecordingError, match="still on"):
        recording.trace()


def test_a_path_that_cannot_be_written_is_an_error_before_the_body(tmp_path: Path) -> None:
    reached = False
    with (
        pytest.raises(RecordingError, match="missing"),
        racepage.record(tmp_path / "missing" / "x.arrows"),
    ):
        reached = True
    assert not reached
    with racepage.record():  # nothing is left on
        pass


def test_a_recording_is_an_arrows_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"x\.trace.*\.arrows"):
        racepage.record(tmp_path / "x.trace")
    assert not list(tmp_path.iterdir())


def test_a_file_has_the_same_trace(tmp_path: Path) -> None:
    page, lock = Page.alloc_page(label="p"), sync.Lock(name="m")

    def body() -> None:
        with lock:
            page.with_slice_in_page(8, 8, bytes)
        Page.alloc_page().free()

    expected = recorded(body)
    with racepage.record(tmp_path / "x.arrows", program="a program") as recording:
        body()
    trace = recording.trace()
    assert recording.path == str(tmp_path / "x.arrows")
    assert rows(trace) == expected
    assert trace.origin.program == "a program"
    assert trace.origin.judge_leaks
    assert trace.origin.complete
    assert list(trace.labels.values()) == ["p"]
    validate(trace)


def test_a_thread_that_still_runs_is_cut_off_and_named() -> None:
    page, go, stop = Page.alloc_page(), sync.invisible_barrier(2), threading.Event()

    def run() -> None:
        page.fill_zero_raw(0, 8)
        go.wait()
        stop.wait()
        page.fill_zero_raw(8, 8)

    thread = sync.Thread(target=run, name="late")
    with racepage.record() as recording:
        thread.start()
        go.wait()
    stop.set()
    thread.join()
    assert rows(recording.trace()) == ["main start thread:late", "late zero page:0[0:8]"]
    assert [warning for warning in recording.warnings if "late still ran" in warning]


def test_a_thread_from_elsewhere_has_a_slot_and_a_warning() -> None:
    page = Page.alloc_page()
    with racepage.record() as recording:
        thread = threading.Thread(target=page.fill_zero_raw, args=(0, 8), name="stranger")
        thread.start()
        thread.join()
    assert rows(recording.trace()) == ["stranger zero page:0[0:8]"]
    (warning,) = recording.warnings
    assert "stranger was not started through racepage.sync" in warning


def test_a_recording_made_in_another_thread_is_no_stranger() -> None:
    page = Page.alloc_page()
    recording = racepage.record()

    def run() -> None:
        with recording:
            page.fill_zero_raw(0, 8)

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    thread.join()
    assert rows(recording.trace()) == ["worker zero page:0[0:8]"]
    assert recording.warnings == ()


def test_threads_that_ended_are_forgotten() -> None:
    before = len(current.logs)
    with racepage.record():
        for _ in range(5):
            thread = sync.Thread(target=int)
            thread.start()
            thread.join()
    strangers = [threading.Thread(target=current.task) for _ in range(5)]
    for stranger in strangers:
        stranger.start()
        stranger.join()
    strangers.clear()
    assert len(current.logs) <= before + 1  # this thread, if it had no log before


def test_joining_a_thread_that_ended_before_the_recording_names_it() -> None:
    thread = sync.Thread(target=int, name="early")
    thread.start()
    thread.join()
    assert recorded(thread.join) == ["main join thread:early"]


def test_nothing_of_the_recorder_is_in_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "FLUSH_EVENTS", 1)
    monkeypatch.setattr(recorder, "POLL_SECONDS", 0.0001)
    page, lock = Page.alloc_page(), sync.Lock(name="m")

    def body() -> None:
        for _ in range(500):
            with lock:
                page.fill_zero_raw(0, 8)

    assert (
        recorded(body)
        == [
            "main lock lock:m",
            "main zero page:0[0:8]",
            "main unlock lock:m",
        ]
        * 500
    )


def test_times_stand_on_synchronising_events_and_never_go_back() -> None:
    page, lock = Page.alloc_page(), sync.Lock()
    with racepage.record() as recording:
        for _ in range(3):
            with lock:
                page.fill_zero_raw(0, 8)
        page.fill_zero_raw(0, 8)
    columns = recording.trace().columns
    assert all(columns.time[columns.op >= Op.LOCK])
    assert columns.time[-1]  # an access now and then: the last of a flush
    times = columns.time[columns.time != 0].tolist()
    assert times == sorted(times)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_leaves_the_recording_to_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    page = Page.alloc_page()
    with racepage.record(path) as recording:
        page.fill_zero_raw(0, 8)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                page.fill_zero_raw(8, 8)
                recording.__exit__(None, None, None)
                try:
                    recording.trace()
                except RecordingError as error:
                    code = 0 if "forked" in str(error) else 2
                with racepage.record() as own:
                    page.fill_zero_raw(16, 8)
                code = code or (rows(own.trace()) != ["main zero page:0[16:24]"])
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        page.fill_zero_raw(24, 8)
    assert rows(recording.trace()) == ["main zero page:0[0:8]", "main zero page:0[24:32]"]


FULL = """
import sys, racepage
from racepage.execution import recorder
from racepage.memory import Page
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
recorder.FLUSH_EVENTS, recorder.POLL_SECONDS = 500, 0.0001
page = Page.alloc_page()
body = 0
try:
    with racepage.record(sys.argv[1]) as recording:
        while not recording._failure:
            page.fill_zero_raw(0, 8)
        body = 1
except racepage.errors.RecordingError as error:
    print(body, recording.events, error)
"""


def test_a_full_disk_ends_the_recording_and_what_is_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    body, events, message = done.stdout.split(" ", 2)
    assert body == "1"  # the program went on
    assert "recording stopped after" in message
    assert os.strerror(errno.EFBIG) in message
    trace = racepage.read_trace(path)
    assert len(trace) == int(events) > 0
    assert not trace.origin.complete


def test_an_error_of_the_body_is_raised_before_one_of_the_recording(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cut, "take", full)
    with pytest.raises(ZeroDivisionError) as caught, racepage.record():
        _ = 1 // 0
    assert "recording stopped after 0 events" in caught.value.__notes__[0]
    with pytest.raises(RecordingError, match="No space"), racepage.record():
        pass


@pytest.mark.parametrize("values", [False, True])
def test_an_access_that_takes_a_turn_has_its_bytes_too(*, values: bool) -> None:
    frame, large = sys._getframe(), 4096 << 10
    with racepage.record(values=values) as recording:
        page = current.new_page(large)
        current.log_access(int(Op.LOAD), page, large - 8, 8, frame, old=b"\1", new=b"\2")
        current.log_access(int(Op.BYTEWISE_READ), page, 1, large - 1, frame)
        current.log_access(int(Op.RMW), page, 0, 0, frame)
    columns = recording.trace().columns
    assert columns.offset.tolist() == [large - 8, 1, 0]
    assert columns.length.tolist() == [8, large - 1, 0]
    assert (columns.time > 0).all()
    detail = columns.detail(0)
    assert (detail.old, detail.new) == ((b"\1", b"\2") if values else (None, None))
