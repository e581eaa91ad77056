"""How fast `convert` writes for other viewers, and how much: `python benchmarks/exports.py`.

The trace is *mixed* of `benchmarks/sharing.py` (nine threads, 64 pages, one event in five
synchronises), with a time on each synchronising event, as recordings have it. Of each format the
processor time is that of all that `convert` does between reading and closing the file but the
analysis, which `benchmarks/detect.py` measures. Of the formats that show one finding the rate
counts all events of the trace, since all are looked at. Memory is what the process has had at most
since the analysis: the layout and the edges are arrays, and of the file nothing is held.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.long_trace import timed
from racepage.cli.export import OF_A_FINDING, around_one, whole
from racepage.detect import analyse

FILES = {
    "chrome": "out.json",
    "chrome, gzip": "out.json.gz",
    "perfetto": "out.pftrace",
    "shiviz": "out.shiviz",
    "dot": "out.dot",
}


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Print a line for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--only", choices=[*FILES], action="append")
    asked = parser.parse_args()
    trace = timed(asked.events)
    analysis = analyse(trace)
    before = peak()
    print(f"{len(trace):,} events; {before >> 20:,} MB before the first is written")
    print(f"{'':<14}{'events/s':>12}{'bytes/event':>13}{'file, MB':>10}{'+ memory, MB':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.only or FILES:
            path = Path(folder, FILES[name])
            form = name.partition(",")[0]
            begin = process_time()
            (around_one if form in OF_A_FINDING else whole)(trace, analysis, path, form)
            rate = len(trace) / (process_time() - begin)
            size = path.stat().st_size
            path.unlink()
            more = (peak() - before) >> 20
            print(f"{name:<14}{rate:>12,.0f}{size / len(trace):>13.1f}{size >> 20:>10,}{more:>14,}")


if __name__ == "__main__":
    main()
