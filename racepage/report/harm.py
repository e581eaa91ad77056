"""What a race does to the bytes, in a word, in a sentence, and side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from racepage.report.escape import plain

if TYPE_CHECKING:
    from racepage.exploration.harm import Harm, Ordered

LONGEST: Final = 24
"""Characters of bytes that a column has room for; 12 bytes."""


def render_harm(harm: Harm) -> list[str]:
    """The lines; the first one is prose, and as long as it is."""
    lines = [f"{harm.word}: {plain(harm.sentence)}"]
    if not harm.orders:
        return lines
    start, stop = harm.bytes
    rows = [(f"bytes [{start}:{stop}]", *(f"{plain(one.threads[0])} first" for one in harm.orders))]
    rows += [
        (f"{plain(thread)} reads", *(_read(one, thread) for one in harm.orders))
        for thread in harm.orders[0].threads
    ]
    rows.append(("then there is", *(_short(one.after) for one in harm.orders)))
    rows.append(("and in the end", *(_short(one.finally_) for one in harm.orders)))
    told = [row for row in rows if any(row[1:])]
    if told[-1][1:] == told[-2][1:]:
        told.pop()
    widths = [max(map(len, column)) for column in zip(*told, strict=True)]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in told
    ]
    return lines


def _read(order: Ordered, thread: str) -> str:
    return _short(order.read[order.threads.index(thread)] or "")


def _short(data: str) -> str:
    return data if len(data) <= LONGEST else f"{data[:LONGEST]}…"
