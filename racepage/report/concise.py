"""One line a finding, as compilers and linters have it, and nothing where there is nothing.

    early.py:12: RP001 data-race: worker writes and main reads page:0[32:64] (also early.py:6) [8c…]

Editors and terminals make `FILE:LINE` a link. What is suppressed or known is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from racepage.report.escape import plain
from racepage.report.formats import How
from racepage.report.parts import Listed, Part, Place


def render(parts: Iterable[Part], how: How) -> str:
    """The lines; each ends with a newline."""
    del how
    return "".join(f"{line}\n" for part in parts for line in _lines(part))


def _lines(part: Part) -> Iterator[str]:
    for one in part.counting:
        place, *others = one.places
        also = f" ({_also(one, others)})" if others or not _known(one) else ""
        yield (f"{_place(place)}: {one.title}: {one.message}{also} [{one.finding.fingerprint}]")


def _also(one: Listed, others: list[Place]) -> str:
    """Where the other side stands; without any place, which events they are."""
    if others:
        return f"also {' and '.join(map(_place, others))}"
    return " and ".join(f"event {side.event}" for side in reversed(one.sides))


def _known(one: Listed) -> bool:
    """Whether a place of the program is known, or there is nothing else to say."""
    return not one.sides or any(side.stack for side in one.sides)


def _place(place: Place) -> str:
    return f"{plain(place.file)}:{place.line}"
