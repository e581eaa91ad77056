"""Traces with times, and what the exports of a whole trace are made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from racepage.detect import analyse
from racepage.events import Frame, Kind, Op, Target
from racepage.finding import Analysis
from racepage.report.arrows import Arrows, arrows
from racepage.report.exports.timeline import Timeline, layout
from racepage.trace.columns import Origin, Trace, TraceBuilder
from tests.oracle import strategies as possible
from tests.trace import strategies as arbitrary


@st.composite
def timed(draw: st.DrawFn, traces: st.SearchStrategy[Trace]) -> Trace:
    """Traces with times on some events, that agree with the trace's order more or less."""
    trace = draw(traces)
    if not draw(st.booleans()):
        return trace
    steps = st.sampled_from((0, 1, 7, 20, 900, 12_345, 10**9))
    times = np.cumsum(draw(st.lists(steps, min_size=len(trace), max_size=len(trace))))
    jitter = st.sampled_from((0, 0, 0, 0, 1, 50))
    times += np.array(draw(st.lists(jitter, min_size=len(trace), max_size=len(trace))), np.int64)
    mask = draw(st.lists(st.booleans(), min_size=len(trace), max_size=len(trace)))
    time = np.where(mask, times + draw(st.sampled_from((1, 10**15))), 0).astype(np.int64)
    return replace(trace, columns=replace(trace.columns, time=time))


traces = st.one_of(
    timed(possible.traces(30)), timed(possible.traces(20, atomics=True)), arbitrary.traces()
)
"""What has happened, with times or none, and what could be in a file that somebody made up."""


def parts(trace: Trace) -> tuple[Trace, Analysis, Timeline, Arrows]:
    """What a whole trace's export takes."""
    edges = arrows(trace)
    return trace, analyse(trace), layout(trace, edges), edges


def evil(name: str) -> Trace:
    """Two threads that race, and everything that has a name has this one, or begins with it."""
    page, second = Target(Kind.PAGE, name), Target(Kind.THREAD, f"{name}2")
    stack = (Frame(name, 10**18 - 1, name),)
    builder = TraceBuilder()
    builder.label(page, name)
    builder.add(name, Op.START, second, stack=stack)
    builder.add(second.name, Op.WRITE, page, 0, 8, stack=stack)
    builder.add(name, Op.READ, page, 0, 8, stack=stack)
    return builder.finish(Origin(path=name, program=name))
