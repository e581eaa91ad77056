"""SARIF 2.1.0, as GitHub's code scanning, editors and dashboards read it: one run of one tool.

A finding is a result at both its sides, the second one first, since most viewers show the first
location only. `relatedLocations` are all events that the finding names, each with a sentence, and
`codeFlows` has the same by thread, with the event's number as its `executionOrder`
(`racepage.report.sarif_events`). What does not count is there as well: `suppressions` say who said
so, the program (`inSource`) or a file (`external`), and with a baseline `baselineState` says what
is known (`unchanged`) and what is not (`new`).

Several traces make one run, because GitHub takes no two runs of one tool; each result has its trace
as `analysisTarget`. A run holds at most 25,000 results there, and a result's flow 10,000 places.

In messages braces are doubled, and no name can make a link: sections 3.11.5 and 3.11.6. The same
input gives the same characters: there are no dates and no random ids in it.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0; docs.github.com, "SARIF support for code scanning".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from racepage import __version__
from racepage.finding import Finding
from racepage.report.escape import plain
from racepage.report.explain import RulePage, rule_pages
from racepage.report.formats import How
from racepage.report.one_finding import LONGEST_PROSE
from racepage.report.parts import Listed, Part, seen_from_here
from racepage.report.sarif_events import Event, events
from racepage.report.sarif_words import artifact, message, physical

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

Object = dict[str, Any]

_ROOT: Final = "The directory that racepage was run in; names of files below it begin there."
_FAILED: Final = frozenset({2, 130})
"""Exit codes of a command that did not do all it was to: unusable input, and Ctrl-C."""

_LEVEL: Final = {"unusable": "error", "incomplete": "warning", "findings": "note"}
"""How bad it is that not all was looked at."""


def render(parts: Iterable[Part], how: How) -> str:
    """The report as text; ASCII, a line for each result, ending with a newline."""
    results: list[str] = []
    used: set[str] = set()
    notes: list[Object] = []
    for part in parts:
        used |= {one.finding.rule for one in part.findings}
        results += (json.dumps(_result(part, one)) for one in part.findings)
        notes += _notifications(part)
    code = int(how.exit_code())
    run = {
        "tool": {"driver": _driver(used)},
        "invocations": [
            {
                "executionSuccessful": code not in _FAILED,
                "exitCode": code,
                "toolExecutionNotifications": notes,
            }
        ],
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": _ROOT}}},
    }
    head = "".join(f"      {json.dumps(key)}: {json.dumps(value)},\n" for key, value in run.items())
    rows = ",\n".join(f"        {result}" for result in results)
    listed = f"[\n{rows}\n      ]" if rows else "[]"
    return (
        f'{{\n  "version": "2.1.0",\n  "$schema": "{SCHEMA}",\n  "runs": [\n    {{\n'
        f'{head}      "results": {listed}\n    }}\n  ]\n}}\n'
    )


# The tool ----------------------------------------------------------------------------------------


def _driver(used: set[str]) -> Object:
    """racepage, and the rules that the results are instances of."""
    return {
        "name": "racepage",
        "semanticVersion": __version__,
        "rules": [_rule(page) for page in rule_pages() if page.id in used],
    }


def _rule(page: RulePage) -> Object:
    text = page.text.partition("\n\n")[2]  # without the title and the summary
    return {
        "id": page.id,
        "name": page.kind,
        "shortDescription": message(page.summary),
        "fullDescription": message(text.partition("\n\n")[0].replace("\n", " ")),
        "help": {**message(text), "markdown": message(text)["text"]},
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["concurrency", "correctness"],
            "precision": "very-high",
            "problem.severity": "error",
        },
    }


def _notifications(part: Part) -> Iterator[Object]:
    """That not all was looked at, and what else a reader should know."""
    told = [("warning", remark) for remark in part.remarks]
    if part.lacking is not None:
        told.insert(0, (_LEVEL[part.verdict], plain(part.lacking, longest=LONGEST_PROSE)))
    for level, text in told:
        yield {"level": level, "message": message(f"{part.subject}: {text}")}


# A result ----------------------------------------------------------------------------------------


def _result(part: Part, one: Listed) -> Object:
    finding = one.finding
    named = events(one)
    path = one.analysis.path
    elsewhere = path is not None and seen_from_here(path) != one.places[0].file
    return {
        "ruleId": finding.rule,
        "level": "error",
        "message": _message(one, named),
        **({"analysisTarget": artifact(path)} if path is not None and elsewhere else {}),
        "locations": [{"physicalLocation": physical(place)} for place in one.places],
        "relatedLocations": [event.location(number) for number, event in enumerate(named, 1)],
        **({"codeFlows": [{"threadFlows": _flows(named)}]} if named else {}),
        "occurrenceCount": finding.count,
        "partialFingerprints": {"racepage/v1": finding.fingerprint},
        "suppressions": _suppressions(finding),
        **_baseline(part, finding),
        "properties": {
            "page": None if finding.page is None else plain(finding.page),
            "overlap": None if finding.overlap is None else list(finding.overlap),
            **({} if one.again is None else {"replay": one.again}),
        },
    }


def _message(one: Listed, named: Sequence[Event]) -> Object:
    """What is wrong, with a link to either side, and why nothing orders them."""
    ids = {event.number: number for number, event in enumerate(named, 1)}
    links = [
        f"[{label}]({ids[side.event]})"
        for label, side in (("first", one.finding.first), ("second", one.finding.second))
        if side is not None
    ]
    text = message(one.message)["text"]
    if links:
        text += f" ({', '.join(links)})"
    why = [message(reason)["text"] for reason in one.reasons()]
    return {"text": " ".join([f"{text}.", *why])}


def _flows(named: Sequence[Event]) -> list[Object]:
    threads: dict[str, list[Object]] = {}
    for event in named:
        threads.setdefault(event.thread, []).append(event.step())
    return [
        {"id": thread, "locations": steps, "message": message(f"thread {thread}")}
        for thread, steps in threads.items()
    ]


def _suppressions(finding: Finding) -> list[Object]:
    if finding.suppressed is None or finding.known:
        return []
    reason = plain(finding.suppressed, longest=LONGEST_PROSE)
    kind = "inSource" if finding.meant else "external"
    return [{"kind": kind, "status": "accepted", "justification": reason}]


def _baseline(part: Part, finding: Finding) -> Object:
    if not part.compared:
        return {}
    return {"baselineState": "unchanged" if finding.known else "new"}
