"""Writing a trace for other viewers: `racepage convert` to what is no trace format of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from racepage.cli.keep import said
from racepage.cli.output import say
from racepage.cli.progress import watched
from racepage.errors import RecordingError
from racepage.report.words import counted

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.finding import Analysis
    from racepage.report.choice import Choice
    from racepage.trace.columns import Trace

EXPORTS: Final = {
    "chrome": (".json", ".json.gz"),
    "perfetto": (".pftrace",),
    "shiviz": (".shiviz", ".log"),
    "dot": (".dot",),
}
"""The formats, and the suffixes that mean them."""

OF_A_FINDING: Final = ("shiviz", "dot")
"""Those that show what is around one finding, and not the whole trace."""


def export(trace: Trace, target: str, form: str, finding: str) -> None:
    """Write a trace as `form`, and say so.

    Args:
        trace: the trace.
        target: the file.
        form: a key of `EXPORTS`.
        finding: which finding, for those that show one: its number, or how its fingerprint begins.

    Raises:
        RacepageError: there is no such finding, or a package is missing.
        RecordingError: the file cannot be written.
    """
    from racepage.detect import analyse  # noqa: PLC0415  (not needed to print help)
    from racepage.report.exports import perfetto  # noqa: PLC0415

    if form == "perfetto":
        perfetto.messages()  # where the package is missing, nothing need be analysed
    path = Path(target)
    where = Path(trace.origin.path or "the trace").name
    with watched(f"checking {where}") as tick:
        analysis = analyse(trace, progress=tick)
    try:
        if form in OF_A_FINDING:
            events, choice = around_one(trace, analysis, path, form, finding)
            number = "" if choice.number is None else f" {choice.number}"
            what = f"{choice.finding.kind}{number}"
            say(f"wrote {path}: {what}, {counted(events, 'event')} of {len(trace):,}")
            return
        wall = whole(trace, analysis, path, form)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be written: {error.strerror or error}") from None
    said(path, len(trace), "event")
    if not wall:
        say(f"{path} has logical time, since the trace has no other: 10 us for every event")


def whole(trace: Trace, analysis: Analysis, target: Path, form: str) -> bool:
    """Write all of a trace; return whether the times are the recording's.

    Raises:
        OSError: the file cannot be written.
    """
    from racepage.report.arrows import arrows  # noqa: PLC0415  (not needed to print help)
    from racepage.report.exports import chrome, perfetto  # noqa: PLC0415
    from racepage.report.exports.timeline import layout  # noqa: PLC0415
    from racepage.trace.lines import write_lines  # noqa: PLC0415

    edges = arrows(trace)
    timeline = layout(trace, edges)
    if form == "chrome":
        write_lines(chrome.write_lines(trace, analysis, timeline, edges), target)
    else:
        with target.open("wb") as file:
            file.writelines(perfetto.packets(trace, analysis, timeline, edges))
    return timeline.wall


def around_one(
    trace: Trace, analysis: Analysis, target: Path, form: str, finding: str = "1"
) -> tuple[int, Choice]:
    """Write what is around one finding; return how many events that is, and the finding.

    Raises:
        RacepageError: there is no such finding.
        OSError: the file cannot be written.
    """
    from racepage.order.history import History  # noqa: PLC0415  (not needed to print help)
    from racepage.report.arrows import arrows, stamped  # noqa: PLC0415
    from racepage.report.choice import choose  # noqa: PLC0415
    from racepage.report.exports import dot, shiviz  # noqa: PLC0415
    from racepage.report.exports.neighbourhood import around, ordered, seeds  # noqa: PLC0415
    from racepage.trace.lines import write_lines  # noqa: PLC0415

    choice = choose(analysis, finding)
    start = seeds(analysis, choice)
    batches = stamped(trace)
    edges = arrows(trace, batches)
    if form == "shiviz":
        events = around(trace, edges, start, most=shiviz.MOST_EVENTS)
    else:
        among = dot.worth_drawing(trace, edges, start)
        events = around(trace, edges, start, most=dot.MOST_EVENTS, among=among)
    kept = ordered(trace, History(trace.columns.thread, batches), events)
    if form == "shiviz":
        write_lines(shiviz.write_lines(trace, kept, choice), target)
    else:
        write_lines(dot.write_lines(trace, kept, choice, edges), target)
    return len(events), choice
