"""GitLab's Code Quality report: a JSON array with one object a finding.

GitLab shows it in merge requests, beside the lines, and compares it with that of the target branch
by the fingerprints. Those have to differ within a report, so that of the findings which share one
(a rule and a pair of functions) each next is numbered; line numbers do not go in.

Source: docs.gitlab.com, "Code Quality", the report's format. It has no word for what is suppressed
or known, which is therefore left out, and none for a trace that is not complete.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

from racepage.report.escape import plain
from racepage.report.formats import How
from racepage.report.parts import Listed, Part

_LEAKS: Final = frozenset({"page-leak", "leaked-mapping", "thread-leak"})
"""What costs memory and harms nothing else."""


def render(parts: Iterable[Part], how: How) -> str:
    """The report as text: ASCII, a line for each finding, ending with a newline."""
    del how
    seen: Counter[str] = Counter()
    rows = [_row(one, seen) for part in parts for one in part.counting]
    return "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n" if rows else "[]\n"


def _row(one: Listed, seen: Counter[str]) -> dict[str, Any]:
    finding = one.finding
    number = seen[finding.fingerprint]
    seen[finding.fingerprint] += 1
    place, *others = one.places
    also = "".join(f"; the other side is at {plain(at.file)}:{at.line}" for at in others)
    return {
        "description": f"{one.title}: {one.message}{also}",
        "check_name": finding.kind,
        "fingerprint": sha256(f"{finding.fingerprint} {number}".encode()).hexdigest(),
        "severity": "minor" if finding.kind in _LEAKS else "critical",
        "location": {"path": plain(place.file), "lines": {"begin": place.line}},
    }
