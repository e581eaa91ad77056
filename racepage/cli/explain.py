"""`racepage explain [RULE…]`: what a finding means and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem

from racepage.cli.options import color_option
from racepage.cli.output import Color, colored, emit
from racepage.cli.settings import Configured
from racepage.report.explain import RulePage, rule_pages


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    del ctx, param
    return [
        CompletionItem(name, help=page.summary)
        for page in rule_pages()
        for name in (page.id, page.kind)
        if name.lower().startswith(incomplete.lower())
    ]


@click.command(cls=Configured)
@click.argument("rules", metavar="[RULE]...", nargs=-1, shell_complete=_complete)
@color_option
def explain(rules: tuple[str, ...], color: Color) -> int:
    """Say what a rule means, show it, and say how to mend it.

    RULE is an id (RP001) or a kind (data-race). Without one, list the rules.
    """
    pages = rule_pages()
    styled = colored(color, None)
    if rules:
        shown = [_find(name, pages) for name in rules]
        lines = [line for page in shown for line in (*_lines(page.text, styled=styled), "")]
        emit("\n".join(lines[:-1]) + "\n", None)
        return 0
    widest = max(len(page.kind) for page in pages)
    for page in pages:
        name = f"{page.id}  {page.kind:<{widest}}"
        emit(f"{_style(name, 'bold', styled=styled)}  {page.summary}\n", None)
    return 0


def _find(name: str, pages: list[RulePage]) -> RulePage:
    known = {known: page for page in pages for known in (page.id.lower(), page.kind)}
    wanted = name.lower().replace("_", "-").replace(" ", "-")
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=1)
    told = (
        f"did you mean {near[0].replace('rp', 'RP')}?"
        if near
        else "racepage explain lists the rules"
    )
    raise click.UsageError(f"there is no rule {name!r}; {told}")


def _lines(text: str, *, styled: bool) -> Iterator[str]:
    """A page's lines, with headings and examples set off; as they stand in the file, if plain."""
    example = False
    for line in text.rstrip("\n").split("\n"):
        if not styled:
            yield line
        elif line.startswith("```"):
            example = not example
        elif example:
            yield _style(f"    {line}".rstrip(), "green", styled=styled)
        elif line.startswith("#"):
            yield _style(line.lstrip("# "), "bold", styled=styled)
        else:
            yield line


def _style(text: str, how: str, *, styled: bool) -> str:
    if not styled:
        return text
    return click.style(text, bold=True) if how == "bold" else click.style(text, fg=how)
