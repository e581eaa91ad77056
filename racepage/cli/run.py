"""`racepage run WORKLOAD`: run a program, record it, and say what it did wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from racepage.cli import exits
from racepage.cli.complete import targets
from racepage.cli.exits import INTERRUPTED, Exit
from racepage.cli.file_options import refuse_to_write_twice, trace_option
from racepage.cli.guard import end_now, guarded
from racepage.cli.keep import keep_if_asked, said
from racepage.cli.looking import page_of, view_options
from racepage.cli.options import Options, analysis_options
from racepage.cli.output import own_stdout, say
from racepage.cli.settings import DEEPEST, Configured
from racepage.cli.view import show
from racepage.report.formats import OfTrace

if TYPE_CHECKING:  # loads numpy, which `racepage --help` has no use for
    from racepage.cli.program import Outcome, Program
    from racepage.execution.recorder import Recording
    from racepage.finding import Analysis, Finding
    from racepage.trace.columns import Trace


@click.command(cls=Configured)
@click.argument("workload", metavar="WORKLOAD", shell_complete=targets)
@click.argument("args", metavar="[-- ARGS]...", nargs=-1)
@trace_option("Keep the recording; .arrows is written while the program runs.")
@click.option(
    "--depth",
    type=click.IntRange(1, DEEPEST),
    default=1,
    show_default=True,
    help="Frames of the call stack that each event carries.",
)
@click.option("--values", is_flag=True, help="Record which bytes accesses read and wrote; slower.")
@view_options
@analysis_options
def run(  # noqa: PLR0917  (what the command line says)
    options: Options,
    workload: str,
    args: tuple[str, ...],
    trace_file: Path | None,
    depth: int,
    values: bool,
    looks: bool,
    no_open: bool,
) -> int:
    """Run a program, record it, and report what it did wrong.

    WORKLOAD is a built-in one (binder, binder:early-free), file.py, file.py:function, or
    package.module:function. What stands behind -- is for the program; built-in ones take their
    sizes there (rounds=100). What the program prints goes to standard error, unless -o sends the
    report elsewhere.

    The exit code is the report's. A program that exits with another code than 0 has that as a
    finding; with findings the code is 1, whatever the program's is. After Ctrl-C what was recorded
    until then is reported, and the code is 130. Where every thread waits for another one, and so
    would for ever, the program is ended, and that is reported. A program that calls os._exit takes
    racepage with it: nothing is reported, and with --trace FILE.arrows the file reads up to its
    last batch.
    """
    from racepage.cli.program import Outcome, find  # noqa: PLC0415  (not for printing help)
    from racepage.execution.recorder import record  # noqa: PLC0415

    refuse_to_write_twice(trace=trace_file, report=options.output)
    program = find(workload, args)
    process = os.getpid()
    streamed = trace_file if trace_file is not None and trace_file.suffix == ".arrows" else None
    recording = record(streamed, depth=depth, values=values, program=program.name)
    outcome = Outcome()

    def finish(code: int | None = None) -> int:
        """Report it; the command comes to `code`, if that is known, and else to the findings."""
        trace = recording.trace()
        kept = _kept(trace, trace_file, recording)
        analysis = options.analyse(trace, f"checking {workload}")
        analysis = replace(
            analysis,
            path=None if trace_file is None else str(trace_file),
            findings=(*analysis.findings, *_program_errors(outcome.errors)),
            warnings=(*analysis.warnings, *_news(recording.warnings, analysis)),
        )
        analysis = options.policy.apply(analysis)
        if code is None:
            code = exits.of(analysis.verdict) if kept else Exit.UNUSABLE
        comes_to = code
        asked = OfTrace(analysis=analysis, trace=trace, subject=program.name)
        options.report(asked, lambda: comes_to)
        if looks:
            page = page_of(program.name, trace_file)
            show(trace, analysis, page, subject=program.name, opens=not no_open)
        options.settle(usable=not outcome.interrupted)
        return code

    def finish_in_a_deadlock() -> NoReturn:
        """In the recorder's thread, since no other one will ever go on."""
        outcome.interrupted = True
        recording.cut_short()
        say("every thread waits for another one; what was recorded until then is looked at")
        end_now(guarded(finish))

    _run(program, recording, options.output, outcome, finish_in_a_deadlock)
    if os.getpid() != process:  # the program forked, and this is its child: no report of ours
        return outcome.code
    if not outcome.interrupted:
        return finish()
    say("interrupted; what was recorded until then is looked at")
    guarded(lambda: finish(INTERRUPTED))
    return INTERRUPTED  # whatever else it came to: the program's threads may still be running


def _run(
    program: Program,
    recording: Recording,
    output: Path | None,
    outcome: Outcome,
    on_deadlock: Callable[[], object],
) -> None:
    """Run the program and record it; tell `outcome` how it ended, if it does."""
    from racepage.cli.program import NoProgramError, its_own_python  # noqa: PLC0415  (as above)
    from racepage.cli.program import run as run_program  # noqa: PLC0415

    stdout, python = own_stdout(output), its_own_python(program)

    def take_back() -> None:
        python.__exit__(None, None, None)
        stdout.__exit__(None, None, None)
        on_deadlock()

    recording.on_deadlock = take_back
    try:
        with stdout, recording, python:
            run_program(program, outcome)
    except NoProgramError:
        if recording.path is not None:
            Path(recording.path).unlink()  # nothing ran: an empty recording would look clean
        raise
    except KeyboardInterrupt:
        outcome.interrupted = True
        outcome.code = INTERRUPTED


def _kept(trace: Trace, path: Path | None, recording: Recording) -> bool:
    """Keep the trace, unless it was written while the program ran; False where it cannot be."""
    if recording.path is None:
        return keep_if_asked(trace, path)
    said(recording.path, len(trace), "event")
    return True


def _news(warnings: Sequence[str], analysis: Analysis) -> list[str]:
    """The recording's warnings, without those that the analysis has as well: who is a stranger."""
    known = tuple(f"thread {name} was not started" for name in analysis.threads)
    return [warning for warning in warnings if not warning.startswith(known)]


def _program_errors(errors: Sequence[str]) -> list[Finding]:
    from racepage.finding import Finding  # noqa: PLC0415  (not needed to print help)

    return [
        Finding(kind="program-error", message=message, count=count)
        for message, count in Counter(errors).items()
    ]
