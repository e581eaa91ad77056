"""A process that is killed leaves a file that reads up to its last complete batch."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import racepage
from tests.execution.rows import rows

ENDLESS = """
import sys, racepage
from racepage import sync
from racepage.execution import recorder
from racepage.memory import Page
recorder.FLUSH_EVENTS, recorder.POLL_SECONDS = 200, 0.0001
page, lock = Page.alloc_page(label="p"), sync.Lock(name="m")
with racepage.record(sys.argv[1]) as recording:
    told = False
    while True:
        with lock:
            page.fill_zero_raw(0, 8)
        if recording.events > 5000 and not told:
            told = True
            print("going", flush=True)
"""


def test_sigkill_leaves_what_was_flushed(tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    trace = racepage.read_trace(path)
    assert not trace.origin.complete
    assert len(trace) > 5000
    found = rows(trace)
    pattern = ["main lock lock:m", "main zero page:0[0:8]", "main unlock lock:m"]
    assert found == (pattern * (len(found) // 3 + 1))[: len(found)]
    assert list(trace.labels.values()) == ["p"]
    assert racepage.analyse(trace).verdict != "clean"
