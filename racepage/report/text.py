"""The report for people.

Of one trace: its findings, then the verdict. Of several: first one line each, then the findings of
those that have some, then how many there were of which kind.

Every finding answers, in this order: what is wrong, who the two sides are and where they stand,
which bytes they share, why nothing orders them, which page that was. Of thousands the first few
are told, and at least one of every kind; the others are counted.

Nothing that comes from a trace is printed as it is (`escape.plain`), and no text is ever read as
markup. The same analysis gives the same characters, whatever the terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from rich.text import Text

from racepage.finding import Analysis, Finding, Unusable
from racepage.report.choice import counting
from racepage.report.escape import plain
from racepage.report.layout import DETAIL, Layout, printed
from racepage.report.one_finding import LONGEST_PROSE, FindingText, in_short
from racepage.report.words import SHOWN, counted, loss

WIDTH: Final = 80
"""Columns where there is no terminal that says otherwise."""

BLIND_SPOTS: Final = (
    "This holds for this one execution, and for accesses made through racepage's pages and "
    "primitives; other schedules and other memory were not looked at."
)
"""What a clean report does not say; the README has it at length."""

NOTHING_SEEN: Final = (
    "No page was touched, so that there was nothing to look at: racepage sees what goes through "
    "the pages of racepage.memory."
)
"""What a clean report must not keep to itself."""

VERDICT: Final = {
    "clean": "bold green",
    "findings": "bold red",
    "incomplete": "bold yellow",
    "unusable": "bold red",
}
"""How each verdict looks."""

_COLUMN: Final = 12  # the verdict's, in the line of one of several traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a report is to look.

    Attributes:
        width: columns at which prose is wrapped; names and places are never broken or cut to fit.
        color: with ANSI colours.
        list_events: name every event that races.
        limit: how many findings of a trace are told; 0 for all.
    """

    width: int = WIDTH
    color: bool = False
    list_events: bool = False
    limit: int = SHOWN


PLAIN: Final = Style()


def render(analysis: Analysis, style: Style = PLAIN, *, subject: str | None = None) -> str:
    """The report on one trace; ends with a newline.

    Args:
        analysis: what to report.
        style: how.
        subject: what was looked at, where the trace's path does not say it best.
    """
    report = _Report(analysis, style, subject or analysis.path or "this trace")
    return printed(report.lines(), style.width, color=style.color)


def render_all(analyses: Iterable[Analysis | Unusable], style: Style = PLAIN) -> str:
    """The report on several traces; ends with a newline.

    Args:
        analyses: what to report. Each is let go before the next is asked for.
        style: how.
    """
    heads: list[Text] = []
    details: list[str] = []
    verdicts: Counter[str] = Counter()
    for one in analyses:
        if isinstance(one, Unusable):
            verdict = "unusable"
            told = plain(one.path, longest=LONGEST_PROSE)
            heads.append(_head(verdict, f"{told}: see the error"))
        else:
            verdict = one.verdict
            report = _Report(one, style, one.path or "this trace")
            heads.append(report.head())
            details.append(printed(report.details(), style.width, color=style.color))
        verdicts[verdict] += 1
    tallied = [
        f"{verdicts[verdict]:,} {word}"
        for verdict, word in (
            ("unusable", "unusable"),
            ("findings", "with findings"),
            ("incomplete", "incomplete"),
            ("clean", "clean"),
        )
        if verdicts[verdict]
    ]
    tally = f"{counted(verdicts.total(), 'trace')}: {', '.join(tallied)}\n"
    parts = [printed(heads, style.width, color=style.color), *filter(None, details), tally]
    return "\n".join(parts)


def asides(analysis: Analysis, style: Style = PLAIN) -> Iterator[Text]:
    """What of an analysis does not count, and its warnings."""
    return _Report(analysis, style, "").asides()


def kinds(findings: Iterable[Finding]) -> str:
    """`2 data-race, deadlock`: what there is, and how often."""
    told = Counter(finding.kind for finding in findings)
    return ", ".join(f"{times:,} {kind}" if times > 1 else kind for kind, times in told.items())


def _head(verdict: str, rest: str) -> Text:
    return Text.assemble((f"{verdict:<{_COLUMN}}", VERDICT[verdict]), rest)


def _chosen(findings: Sequence[Finding], limit: int) -> Sequence[int]:
    """At most `limit` of them, in their order; the first of every kind goes before any second."""
    if not limit or len(findings) <= limit:
        return range(len(findings))
    kinds: Counter[str] = Counter()
    rank = []
    for number, finding in enumerate(findings):
        rank.append((kinds[finding.kind] > 0, number))
        kinds[finding.kind] += 1
    return sorted(number for _, number in sorted(rank)[:limit])


class _Report:
    """One analysis on its way to text."""

    def __init__(self, analysis: Analysis, style: Style, subject: str) -> None:
        self.analysis = analysis
        self.style = style
        self.subject = plain(subject, longest=LONGEST_PROSE)
        self.layout = Layout(style.width)
        self.counting = counting(analysis)
        self.known = sum(one.known for one in analysis.findings)

    def lines(self) -> Iterator[Text]:
        """All of it, as the report on this trace alone."""
        analysis, prose = self.analysis, self.layout.prose
        yield from self.findings()
        yield from self.asides()
        if analysis.verdict == "findings":
            told = Text.assemble((counted(len(self.counting), "finding"), VERDICT["findings"]))
            yield from self.layout.wrapped(told.append(f": {self.kinds()}"))
        elif analysis.verdict == "incomplete":
            yield from prose(f"incomplete: {self.nothing()} in what is left", VERDICT["incomplete"])
        else:
            yield from prose(f"clean: {self.nothing()}", VERDICT["clean"])
        yield from prose(f"{self.subject}: {self.size()}")
        yield from self.losses()
        if analysis.verdict == "findings":
            rules = " ".join(dict.fromkeys(finding.rule for finding in self.counting))
            yield from prose(f"What it means and how to mend it: racepage explain {rules}", DETAIL)
        elif analysis.verdict == "clean" and not analysis.pages:
            yield from prose(NOTHING_SEEN, "yellow")
        elif analysis.verdict == "clean":
            yield from prose(BLIND_SPOTS, DETAIL)

    # Of several traces ---------------------------------------------------------------------------

    def head(self) -> Text:
        """The one line on this trace among others."""
        analysis = self.analysis
        kinds = f"{self.kinds()}; " if self.counting else ""
        told = f"{self.subject}: {kinds}{self.size()}"
        if not analysis.complete or analysis.lost_bytes:
            told += f"; {loss(analysis.lost_bytes).partition(':')[0]}"
        if not analysis.pages:
            told += "; no page was touched"
        return _head(analysis.verdict, told)

    def details(self) -> Iterator[Text]:
        """What the one line does not say; nothing where that is nothing."""
        lines = [*self.findings(), *self.asides(), *self.losses()]
        if lines:
            yield self.layout.ruled(Text.assemble("══ ", (self.subject, "bold")), line="═")
            yield from lines

    # Parts ---------------------------------------------------------------------------------------

    def findings(self) -> Iterator[Text]:
        chosen = _chosen(self.counting, self.style.limit)
        teller = FindingText(self.analysis, self.layout)
        several = len(self.counting) > 1
        for number in chosen:
            yield from teller.lines(self.counting[number], number + 1 if several else None)
            yield Text()
        hidden = len(self.counting) - len(chosen)
        if hidden:
            yield from self.layout.prose(
                f"… and {counted(hidden, 'more finding')}; --limit 0 shows all of them, and "
                "--format json has them all"
            )
            yield Text()

    def suppressed(self) -> Iterator[Text]:
        """What does not count, each in a few words, by the reason; what is known is counted."""
        reasons: dict[str, list[Finding]] = {}
        for one in self.analysis.findings:
            if one.suppressed is not None and not one.known:
                reasons.setdefault(one.suppressed, []).append(one)
        left = self.style.limit or len(self.analysis.findings)
        for reason, findings in reasons.items():
            told = f"{counted(len(findings), 'finding')} suppressed: "
            yield from self.layout.prose(told + plain(reason, longest=LONGEST_PROSE))
            for finding in findings[:left]:
                yield Text(f"  {in_short(finding, self.analysis)}", DETAIL)
            if len(findings) > left:
                yield from self.layout.prose(f"  … and {len(findings) - left:,} more", DETAIL)
            left = max(left - len(findings), 0)
        baseline = None if self.analysis.policy is None else self.analysis.policy.baseline
        if baseline is not None and baseline.known:
            told = f"{counted(baseline.known, 'finding')} known: in the baseline "
            yield from self.layout.prose(told + plain(baseline.path))

    def asides(self) -> Iterator[Text]:
        """What does not count, warnings, and the events that race where they were asked for."""
        yield from self.suppressed()
        warnings = self.analysis.warnings
        most = self.style.limit or len(warnings)
        for warning in islice(warnings, most):
            told = f"warning: {plain(warning, longest=LONGEST_PROSE)}"
            yield from self.layout.prose(told, "yellow")
        if len(warnings) > most:
            hidden = counted(len(warnings) - most, "more warning")
            yield from self.layout.prose(f"… and {hidden}; --limit 0 shows all of them", "yellow")
        if self.style.list_events:
            events = ", ".join(map(str, self.analysis.racy_event_ids)) or "none"
            yield from self.layout.prose(f"racy events: {events}")

    def losses(self) -> Iterator[Text]:
        if not self.analysis.complete or self.analysis.lost_bytes:
            yield from self.layout.prose(
                f"The trace was {loss(self.analysis.lost_bytes)}", "yellow"
            )

    def size(self) -> str:
        analysis = self.analysis
        told = (
            f"{counted(analysis.events, 'event')}, {counted(len(analysis.threads), 'thread')}, "
            f"{counted(len(analysis.pages), 'page')}"
        )
        if analysis.racy_events:
            pieces = [piece for page in analysis.racy_bytes.values() for piece in page]
            size = sum(stop - start for start, stop in pieces)
            told += f"; {counted(analysis.racy_events, 'racy event')}, {counted(size, 'racy byte')}"
        hidden = len(analysis.findings) - len(self.counting) - self.known
        told += f"; {counted(hidden, 'finding')} suppressed" if hidden else ""
        return f"{told}; {counted(self.known, 'finding')} known" if self.known else told

    def nothing(self) -> str:
        """What there is to find where nothing counts."""
        if not self.analysis.findings:
            return "nothing found"
        return "nothing new found" if self.known else "nothing else found"

    def kinds(self) -> str:
        return kinds(self.counting)
