"""What the shell offers where a verb wants a program."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from racepage.workloads import WORKLOADS


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The built-in programs that begin so, and files."""
    del ctx, param
    names = [
        f"{name}:{variant.name}" for name, one in WORKLOADS.items() for variant in one.variants
    ]
    found = [name for name in (*WORKLOADS, *names) if name.startswith(incomplete)]
    return [*map(CompletionItem, found), CompletionItem(incomplete, type="file")]
