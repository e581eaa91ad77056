"""Baselines: the findings that were there on the day the file was written.

A baseline counts findings for each fingerprint (a rule and a pair of functions, `Finding`), so
that edits elsewhere in a file do not make known findings new, and one more between the same two
functions is new. It is JSON, written by racepage and kept with the sources:

    {"schema": "racepage-baseline/1",
     "findings": [{"fingerprint": "8cf0…", "rule": "RP001", "count": 1,
                   "places": [["a.py:6 in fill", "a.py:12 in <module>"]]}]}

`places` has, for each of the `count` findings, where its sides stand. People read them; and where
a fingerprint has more findings than are known, those whose places are here are the known ones.

Every trace is compared with the whole baseline, as an execution of its own: what is known in one
is known in the next, and the file holds the most that any one of them had.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from secrets import token_hex
from stat import S_IMODE, S_ISREG
from typing import Final

from racepage.errors import RacepageError
from racepage.finding import Finding, Known, Side

SCHEMA: Final = "racepage-baseline/1"

LARGEST: Final = 1 << 26
"""Bytes of a baseline; what is larger is something else."""

_MOST: Final = 1 << 32  # of one fingerprint; a number of thousands of digits cannot be printed
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
_RULE: Final = re.compile(r"RP[0-9]{3}")

Baseline = Mapping[str, Known]
"""fingerprint -> what is known with it."""


# The file ----------------------------------------------------------------------------------------


def read(path: Path) -> Baseline:
    """What a file says is known.

    Raises:
        RacepageError: it is not there, or is no baseline of a version that is understood.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise RacepageError(
            f"{path}: there is no such baseline; --update-baseline writes it"
        ) from None
    except OSError as error:
        raise RacepageError(f"{path}: {error.strerror}; name a baseline") from None
    if len(data) > LARGEST:
        raise RacepageError(f"{path}: no baseline is larger than {LARGEST:,} bytes")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RacepageError(f"{path}: no baseline, since it is no JSON: {error}") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise RacepageError(
            f'{path}: no baseline of this version, which has "schema": "{SCHEMA}"; write it anew'
        )
    rows = found.get("findings")
    if not isinstance(rows, list):
        raise RacepageError(f'{path}: "findings" is to be a list; write the baseline anew')
    known: dict[str, Known] = {}
    for number, row in enumerate(rows, 1):
        one = _known(row)
        if one is None or one.fingerprint in known:
            raise RacepageError(
                f"{path}: finding {number} is {'no finding' if one is None else 'there twice'}; "
                "write the baseline anew"
            )
        known[one.fingerprint] = one
    return known


def _known(row: object) -> Known | None:
    """A row of the file; None where it is not as it should be."""
    match row:
        case {
            "fingerprint": str(fingerprint),
            "rule": str(rule),
            "count": int(count),
            "places": list(places),
        }:
            good = (
                _FINGERPRINT.fullmatch(fingerprint)
                and _RULE.fullmatch(rule)
                and not isinstance(count, bool)
                and 0 < count <= _MOST
                and all(isinstance(place, list) for place in places)
                and all(isinstance(side, str) for place in places for side in place)
            )
            return Known(fingerprint, rule, count, tuple(map(tuple, places))) if good else None
    return None


def write(path: Path, known: Baseline) -> None:
    """Put a baseline in a file: all of it, or, where anything goes wrong, what was there before.

    Raises:
        RacepageError: it cannot be written.
    """
    rows = [
        {
            "fingerprint": one.fingerprint,
            "rule": one.rule,
            "count": one.count,
            "places": [list(place) for place in one.places],
        }
        for one in sorted(known.values(), key=lambda one: (one.rule, one.places, one.fingerprint))
    ]
    text = json.dumps({"schema": SCHEMA, "findings": rows}, indent=1) + "\n"
    try:
        _replace(Path(os.path.realpath(path)), text)  # a link stays one
    except OSError as error:
        raise RacepageError(f"{path}: {error.strerror}; the baseline is as it was") from None


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{token_hex(8)}")
    mode = None
    with suppress(FileNotFoundError):
        found = path.stat().st_mode
        if not S_ISREG(found):
            raise OSError(0, "it is no file")
        mode = S_IMODE(found)
    try:
        with temporary.open("x", encoding="utf-8") as file:
            if mode is not None:
                temporary.chmod(mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


# What it says of findings ------------------------------------------------------------------------


def known_among(findings: Sequence[Finding], baseline: Baseline) -> list[bool]:
    """Which of the findings are known: of each fingerprint as many as the baseline counts."""
    left = {fingerprint: one.count for fingerprint, one in baseline.items()}
    places = {fingerprint: Counter(one.places) for fingerprint, one in baseline.items()}
    known = [False] * len(findings)
    prints = [finding.fingerprint for finding in findings]
    for by_place in (True, False):
        for number, finding in enumerate(findings):
            fingerprint = prints[number]
            if known[number] or not left.get(fingerprint):
                continue
            if by_place:
                if not places[fingerprint][where(finding)]:
                    continue
                places[fingerprint][where(finding)] -= 1
            known[number] = True
            left[fingerprint] -= 1
    return known


def counted(findings: Iterable[Finding]) -> dict[str, Known]:
    """The baseline that has just these findings."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.fingerprint, []).append(finding)
    return {
        fingerprint: Known(fingerprint, group[0].rule, len(group), tuple(sorted(map(where, group))))
        for fingerprint, group in groups.items()
    }


def most(first: Baseline, second: Baseline) -> dict[str, Known]:
    """Of each fingerprint, what the one of the two has that has more of it."""
    merged = dict(first)
    for fingerprint, one in second.items():
        if fingerprint not in merged or merged[fingerprint].count < one.count:
            merged[fingerprint] = one
    return merged


def missing(baseline: Baseline, found: Baseline) -> tuple[Known, ...]:
    """What the baseline has more of than was found."""
    gone = []
    for fingerprint, one in baseline.items():
        there = found.get(fingerprint, Known(fingerprint, one.rule, 0))
        if one.count > there.count:
            left = Counter(one.places) - Counter(there.places)
            count = one.count - there.count
            gone.append(Known(fingerprint, one.rule, count, tuple(left.elements())[:count]))
    return tuple(gone)


def where(finding: Finding) -> tuple[str, ...]:
    """Where its sides stand, in the order of their names: `a.py:6 in fill`; or what was raised."""
    sides = [side for side in (finding.first, finding.second) if side is not None]
    return tuple(sorted(map(_place, sides))) or (finding.message.partition(":")[0],)


def _place(side: Side) -> str:
    if not side.stack:
        return side.op
    frame = side.stack[0]
    return f"{PurePath(frame.file).name}:{frame.line} in {frame.function}"
