"""The happens-before around one finding as a Graphviz graph.

A thread is a cluster, time goes down. Grey arrows are the order of a thread, blue ones are edges of
happens-before: solid where one event is ordered after another by what it does itself, dotted where
that went through events that are not shown. What is missing between two unordered sides is red and
dashed, and is no edge.

Names are data: within quotes a backslash, a quote and an ampersand are all that mean something.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from textwrap import wrap
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.events import Op
from racepage.finding import Finding
from racepage.report.arrows import Arrows
from racepage.report.choice import Choice
from racepage.report.escape import plain
from racepage.report.exports.names import CATEGORY, Names
from racepage.report.exports.neighbourhood import Neighbourhood, Seeds, index, links
from racepage.report.words import counted
from racepage.trace.columns import Trace

MOST_EVENTS: Final = 40
"""Events of a graph that a person reads."""

_ABOUT_ORDER: Final = [op for op in Op if CATEGORY[op] in {"lock", "sync", "thread", "wait"}]
_RED: Final = "#c0392b"
_BLUE: Final = "#2c6fbb"
_GREY: Final = "#888888"
_LONGEST: Final = 1_000  # characters of a message
_WIDTH: Final = 100  # and of a line of it


def write_lines(trace: Trace, kept: Neighbourhood, choice: Choice, edges: Arrows) -> Iterator[str]:
    """The lines of the file, each with its end.

    Args:
        trace: the events.
        kept: those that are drawn.
        choice: the finding.
        edges: the direct edges of happens-before.
    """
    finding = choice.finding
    title = f"{finding.rule} {finding.kind}: {plain(finding.message, longest=_LONGEST)}"
    yield "digraph happens_before {\n"
    head = "\\n".join(map(quoted, wrap(title, _WIDTH)))
    yield f'  graph [label="{head}", labelloc=t, newrank=true, fontname="Helvetica"];\n'
    yield '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];\n'
    yield '  edge [fontname="Helvetica", fontsize=10];\n'
    yield from _clusters(trace, kept, finding)
    here = np.isin(edges.to, kept.events)
    direct = set(zip(edges.source[here].tolist(), edges.to[here].tolist(), strict=True))
    events = kept.events.tolist()
    for source, to in links(kept):
        pair = (events[source], events[to])
        style = "solid" if pair in direct else "dotted"
        yield f'  e{pair[0]} -> e{pair[1]} [color="{_BLUE}", style={style}];\n'
    yield from _missing(kept, finding)
    yield "}\n"


def worth_drawing(trace: Trace, edges: Arrows, start: Seeds) -> NDArray[np.int64]:
    """The events of a trace that a graph may show, ascending: those that are about order.

    Of the others it says how many there are.
    """
    shown = np.isin(trace.columns.op, _ABOUT_ORDER)
    for events in (edges.source, edges.to, start.about, start.besides):
        shown[events] = True
    return np.flatnonzero(shown)


def quoted(text: str) -> str:
    """Printable text, fit to stand between quotes in a graph."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _clusters(trace: Trace, kept: Neighbourhood, finding: Finding) -> Iterator[str]:
    names = Names(trace)
    sides = {side.event for side in (finding.first, finding.second) if side is not None}
    for column, thread in enumerate(kept.threads):
        own = kept.events[kept.thread == column].tolist()
        yield f"  subgraph cluster_{thread} {{\n"
        yield f'    graph [label="{quoted(names.threads[thread])}", color="{_GREY}"];\n'
        for event in own:
            label = "\\n".join(quoted(part) for part in names.parts(event))
            marked = f', color="{_RED}", penwidth=2' if event in sides else ""
            yield f'    e{event} [label="{label}"{marked}];\n'
        between = trace.columns.thread[own[0] : own[-1] + 1] == thread
        for first, second in pairwise(own):
            left_out = int(between[first - own[0] + 1 : second - own[0]].sum())
            told = f', label="{counted(left_out, "event")}", style=dashed' if left_out else ""
            yield f'    e{first} -> e{second} [color="{_GREY}", weight=8{told}];\n'
        yield "  }\n"


def _missing(kept: Neighbourhood, finding: Finding) -> Iterator[str]:
    """The order that is not there, where a finding is about that."""
    first, second = finding.first, finding.second
    if finding.why is None or first is None or second is None:
        return
    if index(kept, first.event) is None or index(kept, second.event) is None:
        return
    yield (
        f"  e{first.event} -> e{second.event} [dir=none, constraint=false, style=dashed, "
        f'color="{_RED}", fontcolor="{_RED}", penwidth=2, label="nothing orders these"];\n'
    )
