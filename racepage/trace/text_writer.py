"""Writes the text trace: `racepage.trace.text` has the grammar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from racepage.events import Kind, MemoryOrder, Op
from racepage.trace.columns import NO_DETAIL, NOTHING, Detail, Trace
from racepage.trace.directives import write_directives
from racepage.trace.grammar import write_name, write_stack, write_target
from racepage.trace.shapes import SHAPES, flag_text

_NAMES: Final = tuple(op.name.lower().ljust(8) for op in Op)
_ORDERS: Final = tuple(order.name.lower() for order in MemoryOrder)
_RANGED: Final = tuple(SHAPES[op].span for op in Op)
_BARE: Final = frozenset({Op.START, Op.JOIN, Op.DETACH, Op.UNMAP})
_SIZED: Final = frozenset({Op.ALLOC, Op.FREE, Op.COLLECT})
_WIDEST: Final = 16  # threads with longer names are not lined up


def write_lines(trace: Trace) -> Iterator[str]:  # noqa: C901  (one loop; calls would cost)
    """The lines of the trace, each with its end."""
    for comment in write_directives(trace):
        yield f"# {comment}\n"
    columns = trace.columns
    names = [write_name(thread) for thread in trace.threads]
    width = max((len(name) for name in names if len(name) <= _WIDEST), default=0)
    threads = [name.ljust(width) for name in names]
    targets = [write_target(target) for target in trace.targets]
    bare = [write_name(target.name) for target in trace.targets]
    sites = [f"  @ {write_stack(stack)}" for stack in trace.sites]
    pages = [target.kind is Kind.PAGE for target in trace.targets]
    sizes: dict[int, int] = {}
    for event, (thread, op, target, offset, length, site, flags, order, time) in enumerate(
        zip(
            columns.thread.tolist(),
            columns.op.tolist(),
            columns.target.tolist(),
            columns.offset.tolist(),
            columns.length.tolist(),
            columns.site.tolist(),
            columns.flags.tolist(),
            columns.order.tolist(),
            columns.time.tolist(),
            strict=True,
        )
    ):
        detail = columns.details.get(event, NO_DETAIL)
        line = f"{threads[thread]}  {_NAMES[op]}"
        if target != NOTHING:
            line += f" {bare[target] if op in _BARE else targets[target]}"
            span = _RANGED[op]
            if op in _SIZED:
                usual = sizes.get(target) or trace.page_sizes[target]
                if op == Op.ALLOC:
                    usual, sizes[target] = NOTHING, length
                line += "" if length == usual else f" size={length}"
            elif span == "must" or (span == "page" and pages[target]) or offset or length:
                asked = length if detail.requested == NOTHING else detail.requested
                line += f"[{offset}:{offset + asked}]"
        if flags:
            line += f" {flag_text(flags)}"
        if detail is not NO_DETAIL:
            line += _options(detail, length, bare, targets, making=op == Op.MAP)
        if order:
            line += f" order={_ORDERS[order]}"
        if time:
            line += f" time={time}"
        if site != NOTHING:
            line += sites[site]
        yield f"{line.rstrip()}\n"


def _options(
    detail: Detail, length: int, bare: list[str], targets: list[str], *, making: bool
) -> str:
    said: list[str] = []
    if detail.source != NOTHING:
        start = detail.source_offset
        asked = length if detail.requested == NOTHING else detail.requested
        said.append(f"from {targets[detail.source]}[{start}:{start + asked}]")
    if detail.requested != NOTHING:
        said.append(f"moved={length}")
    if detail.via != NOTHING:
        said.append(f"{'as' if making else 'via'}={bare[detail.via]}")
    if detail.bound is not None:
        said.append(f"slice=[{detail.bound[0]}:{detail.bound[1]}]")
    for key, value in (("old", detail.old), ("new", detail.new)):
        if value is not None:
            said.append(f"{key}={value.hex() or chr(34) * 2}")
    return "".join(f" {word}" for word in said)
