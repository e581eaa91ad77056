"""From how many events on the native engine is the faster one: `python benchmarks/border.py`.

Both engines run as `racepage check` does, each time in a process of its own, on traces of
`benchmarks/sharing.py` in a file: what is measured is the processor time of the process, from its
start to its end. The native engine loads the compiler, and code that is kept from an earlier run;
the reference engine loads no compiler, whatever the size. The figure is the least of some rounds,
after one that is not counted, which compiles.

`racepage.detect.rows.KEPT_FROM` is chosen by this.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.detect import TRACES
from racepage.trace.files import write_trace

CLI = Path(__file__).resolve().parent.parent / "cli.py"
SIZES = (10_000, 25_000, 50_000, 75_000, 100_000)


def seconds(engine: str, path: Path) -> float:
    """The processor time of one run."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": str(int(engine == "reference"))}
    before = os.times()
    subprocess.run(  # noqa: S603  (itself)
        [sys.executable, str(CLI), "check", "--engine", engine, str(path)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,  # there is something to find
    )
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("traces", nargs="*", metavar="TRACE", help=", ".join(TRACES))
    options = parser.parse_args()
    print("            seconds\ntrace       events reference    native")
    with TemporaryDirectory() as folder:
        path = Path(folder, "sharing.arrows")
        for name in options.traces or TRACES:
            for events in SIZES:
                write_trace(TRACES[name](events), path)
                least = [
                    min([seconds(engine, path) for _ in range(options.rounds + 1)][1:])
                    for engine in ("reference", "native")
                ]
                print(f"{name:8} {events:9,} {least[0]:9.2f} {least[1]:9.2f}")


if __name__ == "__main__":
    main()
