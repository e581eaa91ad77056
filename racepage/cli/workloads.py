"""`racepage workloads`: the built-in programs, and what there is to find in each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from racepage.cli.exits import Exit
from racepage.cli.options import color_option, format_option, output_option
from racepage.cli.output import Color, colored, emit
from racepage.cli.settings import Configured
from racepage.workloads import WORKLOADS, Variant, Workload


@click.command(cls=Configured)
@format_option
@output_option
@color_option
def workloads(format: Literal["text", "json"], output: Path | None, color: Color) -> int:  # noqa: A002
    """List the built-in programs and what there is to find in them.

    `racepage run NAME` runs the correct variant, and `racepage run NAME:VARIANT` another one.
    """
    if format == "json":
        emit(json.dumps([asdict(one) for one in WORKLOADS.values()], indent=2) + "\n", output)
        return Exit.CLEAN
    bold = colored(color, output)
    wide = max(len(spec) for one in WORKLOADS.values() for spec, _ in _variants(one))
    emit("\n".join("".join(_lines(one, wide, bold=bold)) for one in WORKLOADS.values()), output)
    return Exit.CLEAN


def _variants(workload: Workload) -> Iterator[tuple[str, Variant]]:
    """What to call each variant on the command line."""
    for variant in workload.variants:
        plain = variant is workload.variants[0]
        yield workload.name if plain else f"{workload.name}:{variant.name}", variant


def _lines(workload: Workload, wide: int, *, bold: bool) -> Iterator[str]:
    name = click.style(workload.name, bold=True) if bold else workload.name
    yield f"{name}: {workload.summary}\n"
    for spec, variant in _variants(workload):
        kinds = ", ".join(dict.fromkeys(one.kind for one in variant.expected)) or "clean"
        yield f"  {spec:<{wide}}  {kinds:<10} {variant.summary}\n"
