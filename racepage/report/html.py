"""The report to look at: one HTML file that needs nothing else, and opens from the file system.

What a trace says is data in it and nothing more. Names, places and source lines stand in a JSON
block in which no character can end the block (`<`, `>`, `&` and everything that is not ASCII are
escaped), and the script puts them on the page as text only. The Content-Security-Policy allows the
one script and the one style sheet by their hashes, and no connection to anywhere.
"""

from __future__ import annotations

import html
import json
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

import numpy as np

from racepage.errors import RacepageError
from racepage.finding import Analysis
from racepage.report.arrows import arrows
from racepage.report.escape import plain
from racepage.report.viewer.assets import script, skeleton, style
from racepage.report.viewer.facts import facts
from racepage.report.viewer.pack import Packed, pack
from racepage.report.words import counted
from racepage.trace.columns import Trace

MOST_EVENTS: Final = 2_000_000
"""Events that a page holds: what a browser reads and draws without a wait."""

_ESCAPED: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def render(trace: Trace, analysis: Analysis, *, subject: str | None = None) -> str:
    """The page of one analysed trace, as text that is ASCII but for the page's own files.

    Args:
        trace: what was analysed.
        analysis: what was found in it.
        subject: what it is called, where the trace's path does not say it best.

    Raises:
        RacepageError: there are more events than a page can hold.
    """
    if len(trace) > MOST_EVENTS:
        raise RacepageError(
            f"{subject or analysis.path or 'the trace'}: has {counted(len(trace), 'event')}, and a "
            f"page holds {MOST_EVENTS:,}; look at a shorter run, or read what racepage check says"
        )
    columns = [pack(name, values) for name, values in _columns(trace, analysis).items()]
    title = subject or analysis.path or trace.origin.program or "a trace"
    known = {**facts(trace, analysis), "subject": title[:300]}
    code, looks = script(), style()
    values = {
        "policy": _policy(code, looks),
        "title": html.escape(plain(title)),
        "style": looks,
        "facts": in_script({**known, "columns": [one.header() for one in columns]}),
        "columns": "\n".join(map(_block, columns)),
        "script": code,
    }
    page = skeleton()
    # In one pass: what a value brings in is not looked at again.
    head, *rest = page.split("{{")
    filled = [head]
    for piece in rest:
        name, _, after = piece.partition("}}")
        filled += (values[name], after)
    return "".join(filled)


def in_script(value: Any) -> str:
    """JSON that is safe between script tags: ASCII, and nothing in it that HTML takes for its own.

    Anything that is not ASCII is escaped, U+2028 and lone surrogates as well.
    """
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).translate(_ESCAPED)


def _columns(trace: Trace, analysis: Analysis) -> dict[str, Any]:
    """Every column of the page by its name: the events', then lists of events."""
    events = trace.columns
    timed = np.flatnonzero(events.time)
    begin = int(events.time[timed].min()) if len(timed) else 0
    edges = arrows(trace)
    return {
        "thread": events.thread,
        "op": events.op,
        "target": events.target,
        "offset": events.offset,
        "length": events.length,
        "site": events.site,
        "flags": events.flags,
        "order": events.order,
        "timed": timed,
        "time": events.time[timed] - begin,
        "racy": np.array(analysis.racy_event_ids, dtype=np.int64),
        "arrowTo": edges.to,
        "arrowBack": edges.to - edges.source,
    }


def _block(column: Packed) -> str:
    kind = 'type="application/octet-stream"'
    return f'<script {kind} id="column-{column.name}">{column.text}</script>'


def _policy(code: str, looks: str) -> str:
    return (
        f"default-src 'none'; script-src '{_hash(code)}'; style-src '{_hash(looks)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"
