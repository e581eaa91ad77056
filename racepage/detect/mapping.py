"""Pointers and mappings: used too late, by the wrong task, outside their bytes, or left behind.

A mapping belongs to the task that made it, and a task's mappings form a stack of at most 16, as
`kmap_local_page` in the kernel demands (Documentation/mm/highmem.rst). A pointer is good on that
task, while mapped, within its slice. Only rows that map, unmap or go through a pointer are looked
at; a trace without any costs one pass over the operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from racepage.detect.evidence import NONE, Evidence
from racepage.detect.rows import extent, which
from racepage.events import Op
from racepage.trace.columns import NOTHING, Columns, Trace

MAX_DEPTH: Final = 16
"""KM_MAX_IDX of include/asm-generic/kmap_size.h without debugging."""


@dataclass(slots=True, eq=False)
class _Mapping:
    page: int
    task: int  # thread number
    mapped: int  # event
    unmapped: int = NONE


@dataclass(slots=True)
class _State:
    pointers: dict[int, _Mapping] = field(default_factory=dict)  # pointer id -> its last mapping
    stacks: dict[int, list[_Mapping]] = field(default_factory=dict)  # of each thread, last on top


def mapping(trace: Trace, rare: NDArray[np.int64]) -> Iterator[Evidence]:
    """Every finding of this file, not yet deduplicated; `rare` is what `rows.rare` chose."""
    columns = trace.columns
    state = _State()
    maps = which(columns, rare, Op.MAP, Op.UNMAP)
    exits = which(columns, rare, Op.EXIT)
    exits = exits[np.isin(columns.thread[exits], columns.thread[maps])]
    told = np.concatenate((maps, exits))
    via = [event for event, detail in columns.details.items() if detail.via != NOTHING]
    for event in np.union1d(told, np.array(via, dtype=np.int64)).tolist():
        op, task = columns.op[event], int(columns.thread[event])
        if op == Op.MAP:
            yield from _map(columns, state, event, task)
        elif op == Op.UNMAP:
            yield from _unmap(columns, state, event, task)
        elif op != Op.EXIT:
            yield from _use(columns, state, event, task)
        elif trace.origin.shows_leaks:
            for left in state.stacks.pop(task, []):
                yield Evidence("leaked-mapping", left.mapped, event, page=left.page)
    if trace.origin.shows_leaks:
        for stack in state.stacks.values():
            for left in stack:
                yield Evidence("leaked-mapping", left.mapped, NONE, page=left.page)


def _map(columns: Columns, state: _State, event: int, task: int) -> Iterator[Evidence]:
    made = _Mapping(page=int(columns.target[event]), task=task, mapped=event)
    state.pointers[columns.detail(event).via] = made
    stack = state.stacks.setdefault(task, [])
    stack.append(made)
    if len(stack) > MAX_DEPTH:
        yield Evidence("map-depth", NONE, event, page=made.page)


def _unmap(columns: Columns, state: _State, event: int, task: int) -> Iterator[Evidence]:
    gone = state.pointers.get(int(columns.target[event]))
    if gone is None:  # mapped before the trace began
        return
    if gone.unmapped != NONE:
        yield Evidence("stale-pointer", gone.unmapped, event, page=gone.page)
        return
    gone.unmapped = event
    if gone.task != task:
        yield Evidence("foreign-pointer", gone.mapped, event, page=gone.page)
    stack = state.stacks.get(gone.task, [])
    if stack and stack[-1] is not gone:
        yield Evidence("unmap-order", stack[-1].mapped, event, page=gone.page)
    if gone in stack:
        stack.remove(gone)


def _use(columns: Columns, state: _State, event: int, task: int) -> Iterator[Evidence]:
    detail = columns.detail(event)
    used = state.pointers.get(detail.via)
    page, overlap = int(columns.target[event]), extent(columns, event)
    if used is not None and used.unmapped != NONE:
        yield Evidence("stale-pointer", used.unmapped, event, page=page, overlap=overlap)
    elif used is not None and used.task != task:
        yield Evidence("foreign-pointer", used.mapped, event, page=page, overlap=overlap)
    if detail.bound is not None and overlap[0] < overlap[1]:
        low, high = detail.bound
        if overlap[0] < low or overlap[1] > high:
            mapped = NONE if used is None else used.mapped
            yield Evidence("out-of-slice", mapped, event, page=page, overlap=overlap)
