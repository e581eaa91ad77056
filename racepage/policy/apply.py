"""Applies suppressions and a baseline to the findings of one command, trace by trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from racepage.finding import (
    Analysis,
    BaselineUse,
    Finding,
    Known,
    PolicyUse,
    SuppressionUse,
)
from racepage.policy import baseline as known_findings
from racepage.policy.suppress import Suppression, matches

_TOLD = 3  # of the findings that are gone


class Policy:
    """What is not to count.

    Args:
        suppressions: in the order in which they are asked; the first that matches gives the reason.
        baseline: the file of what is known, or None.
        update: take all that there is for known, and let `save` write it to the file.
        today: for the suppressions that have a last day; by default this day, here.

    Raises:
        RacepageError: the baseline cannot be read.
    """

    def __init__(
        self,
        suppressions: Sequence[Suppression] = (),
        baseline: Path | None = None,
        *,
        update: bool = False,
        today: date | None = None,
    ) -> None:
        self._suppressions = suppressions
        self._today = today or datetime.now().astimezone().date()
        self._path = baseline
        self.update = update
        new = baseline is None or (update and not baseline.exists())
        self._baseline = {} if baseline is None or new else known_findings.read(baseline)
        self._matched = [0] * len(suppressions)
        self._found: dict[str, Known] = {}
        self._applied = False
        self._complete = True

    def apply(self, analysis: Analysis) -> Analysis:
        """The analysis, with what does not count marked and told."""
        if not self._suppressions and self._path is None:
            return analysis
        self._applied = True
        uses, findings = self._suppressed(analysis)
        analysis = replace(analysis, findings=findings, policy=PolicyUse(uses))
        return analysis if self._path is None else self._compared(analysis, self._path)

    def _suppressed(
        self, analysis: Analysis
    ) -> tuple[tuple[SuppressionUse, ...], tuple[Finding, ...]]:
        live = [
            (number, one)
            for number, one in enumerate(self._suppressions)
            if not one.expired(self._today)
        ]
        matched = [0] * len(self._suppressions)
        findings: list[Finding] = []
        for finding in analysis.findings:
            found = finding
            for number, one in live:
                if finding.suppressed is None and matches(one, finding, analysis):
                    matched[number] += 1
                    if found is finding:
                        found = replace(finding, suppressed=one.reason)
            findings.append(found)
        self._matched = [sum(both) for both in zip(self._matched, matched, strict=True)]
        uses = (
            SuppressionUse(
                source=one.source,
                entry=one.entry,
                reason=one.reason,
                conditions=one.conditions,
                until=one.until,
                expired=one.expired(self._today),
                matched=number,
            )
            for one, number in zip(self._suppressions, matched, strict=True)
        )
        return tuple(uses), tuple(findings)

    def _compared(self, analysis: Analysis, path: Path) -> Analysis:
        left = [finding for finding in analysis.findings if finding.suppressed is None]
        found = known_findings.counted(left)
        complete = analysis.complete and not analysis.lost_bytes
        self._complete = self._complete and complete
        self._found = known_findings.most(self._found, found)
        baseline = found if self.update else self._baseline
        known = iter(known_findings.known_among(left, baseline))
        reason = f"in the baseline {path}"
        findings = tuple(
            replace(finding, suppressed=reason, known=True)
            if finding.suppressed is None and next(known)
            else finding
            for finding in analysis.findings
        )
        use = BaselineUse(
            path=str(path),
            known=sum(finding.known for finding in findings),
            gone=known_findings.missing(self._baseline, found) if complete else (),
        )
        before = analysis.policy or PolicyUse()
        return replace(analysis, findings=findings, policy=replace(before, baseline=use))

    def looked_at_some(self) -> None:
        """Say that not all was looked at: what was not found may be there all the same."""
        self._complete = False

    def remarks(self) -> Iterator[str]:
        """What the user should know of the suppressions and the baseline, after all traces."""
        for one, matched in zip(self._suppressions, self._matched, strict=True):
            if one.expired(self._today):
                yield (
                    f"{one} expired on {one.until}, and matches nothing any more ({one.reason}); "
                    "give it another day, or take it out"
                )
            elif self._applied and not matched:
                yield f"{one} matched nothing ({one.reason}); if that is for good, take it out"
        if self._path is None or self.update or not self._complete:
            return
        gone = known_findings.missing(self._baseline, self._found)
        if self._applied and gone:
            number = sum(one.count for one in gone)
            what = "finding of it was" if number == 1 else "findings of it were"
            yield (
                f"{self._path}: {number:,} {what} not found, or suppressed by now "
                f"({_listed(gone)}); if that is for good, --update-baseline drops what is gone"
            )

    def save(self) -> str | None:
        """Write the baseline, where that was asked for; what was written, in a sentence.

        What was known stays known where a trace was not complete: it may have been in the rest.

        Raises:
            RacepageError: it cannot be written.
        """
        if self._path is None or not self.update:
            return None
        found = self._found
        if not self._complete:
            found = known_findings.most(found, self._baseline)
        known_findings.write(self._path, found)
        added = sum(one.count for one in known_findings.missing(found, self._baseline))
        gone = sum(one.count for one in known_findings.missing(self._baseline, found))
        total = sum(one.count for one in found.values())
        return f"wrote {self._path}: {total:,} known, of which {added:,} new, and {gone:,} gone"


def _listed(gone: Sequence[Known]) -> str:
    told = "; ".join(" ".join((one.rule, _places(one))) for one in gone[:_TOLD])
    return f"{told}; …" if len(gone) > _TOLD else told


def _places(one: Known) -> str:
    return " and ".join(one.places[0]) if one.places else one.fingerprint
