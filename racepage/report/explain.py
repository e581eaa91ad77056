"""What each rule means: the pages that `racepage explain` shows, one file a rule in `rules/`.

A page's first line is `# ID kind`, its second the rule's summary. The example traces in it are
run by a test. This imports nothing that is slow to import, and so not `racepage.finding` either; a
test holds the pages and `finding.RULES` together.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple


class RulePage(NamedTuple):
    """One rule's page; `text` is the whole of it, in Markdown."""

    id: str
    kind: str
    summary: str
    text: str


def rule_pages() -> list[RulePage]:
    """Every rule's page, by id."""
    folder = files("racepage.report").joinpath("rules")
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".md")]
    return sorted(_parse(entry.read_text("utf-8")) for entry in found)


def _parse(text: str) -> RulePage:
    title, summary, *_ = text.split("\n", 2)
    _, number, kind = title.split(" ")
    return RulePage(number, kind, summary, text)
