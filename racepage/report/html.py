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

from racepage.finding import Analysis
from racepage.report.escape import plain
from racepage.report.viewer.assets import script, skeleton, style
from racepage.report.viewer.content import Content, Excerpt, whole
from racepage.report.viewer.kept import LIMITS, Limits
from racepage.report.viewer.pack import Packed, pack
from racepage.trace.columns import Trace

MOST_EVENTS: Final = 2_000_000
"""Events that a page holds all of: what a browser reads and draws without a wait."""

_ESCAPED: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def render(
    trace: Trace,
    analysis: Analysis,
    *,
    subject: str | None = None,
    most_events: int = MOST_EVENTS,
    limits: Limits = LIMITS,
) -> str:
    """The page of one analysed trace, as text that is ASCII but for the page's own files.

    Args:
        trace: what was analysed.
        analysis: what was found in it.
        subject: what it is called, where the trace's path does not say it best.
        most_events: how many events the page may hold all of; of more, it is an excerpt.
        limits: how much an excerpt holds.
    """
    if len(trace) <= most_events:
        content = whole(trace, analysis)
    else:
        content = Excerpt(trace, analysis, limits).content()
    return page(content, subject or analysis.path or trace.origin.program or "a trace")


def page(content: Content, title: str, *, live: bool = False) -> str:
    """The page of some content.

    Args:
        content: what it shows.
        title: what it is called.
        live: it may ask the server that it came from for more.
    """
    columns = [pack(name, values) for name, values in content.columns.items()]
    code, looks = script("live" if live else "main"), style()
    headers = [one.header() for one in columns]
    values = {
        "policy": policy(code, looks, live=live),
        "title": html.escape(plain(title)),
        "style": looks,
        "facts": in_script({**content.facts, "subject": title[:300], "columns": headers}),
        "columns": "\n".join(map(_block, columns)),
        "script": code,
    }
    # In one pass: what a value brings in is not looked at again.
    head, *rest = skeleton().split("{{")
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


def _block(column: Packed) -> str:
    kind = 'type="application/octet-stream"'
    return f'<script {kind} id="column-{column.name}">{column.text}</script>'


def policy(code: str, looks: str, *, live: bool = False) -> str:
    """What a page with this script and this style may do, as a Content-Security-Policy."""
    return (
        f"default-src 'none'; script-src '{_hash(code)}'; style-src '{_hash(looks)}'; "
        + ("connect-src 'self'; " if live else "")
        + "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"
