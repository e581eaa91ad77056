"""JUnit's XML, as Jenkins and GitLab read it: a suite for each trace, run or exploration.

A suite begins with a case that passes where everything was looked at. Where not, it is an error: a
trace that was cut off, or a search that its budget ended, is never a pass; with findings, which
fail anyway, it is skipped. Then every finding is a case: a failure, or skipped with the reason
where it does not count. The failure's text is what the report for people says.

The name of a case has the functions of both sides and no line numbers, so that the next run's case
is the same one; GitLab takes only the first of a name in a suite, so that more are numbered.

The text is ASCII: what reports draw with has other characters for that, a letter that is not ASCII
is a character reference, and what XML has none for (control characters, lone surrogates) is shown
as the escape that Python has for it.

Source: github.com/jenkinsci/xunit-plugin, `junit-10.xsd`; docs.gitlab.com, "Unit test reports".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from rich.text import Text

from racepage.finding import Side
from racepage.report.escape import ASCII, plain
from racepage.report.formats import How
from racepage.report.layout import Layout, printed
from racepage.report.one_finding import FindingText
from racepage.report.parts import Listed, Part
from racepage.report.text import WIDTH

_LOOKED: Final = "everything was looked at"
_LAYOUT: Final = Layout(WIDTH)


def render(parts: Iterable[Part], how: How) -> str:
    """The report as text; ends with a newline."""
    del how
    total: Counter[str] = Counter()
    suites = [_suite(part, total) for part in parts]
    head = f'<testsuites name="racepage" {_counts(total)}>'
    text = "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>\n"))
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _suite(part: Part, total: Counter[str]) -> str:
    counts = Counter(
        tests=1 + len(part.findings),
        failures=len(part.counting),
        skipped=len(part.findings) - len(part.counting),
    )
    if part.lacking is not None:
        counts["skipped" if part.verdict == "findings" else "errors"] += 1
    total.update(counts)
    lines = chain(_looked(part), _cases(part), _remarks(part))
    head = f"  <testsuite name={_quoted(part.subject)} {_counts(counts)}>"
    return "\n".join((head, *lines, "  </testsuite>"))


def _counts(counts: Counter[str]) -> str:
    names = ("tests", "failures", "errors", "skipped")
    return " ".join(f'{name}="{counts[name]}"' for name in names)


def _looked(part: Part) -> Iterator[str]:
    """The case that says whether everything could be looked at."""
    if part.lacking is None:
        yield f"    {_case(part, _LOOKED)}/>"
        return
    word = "skipped" if part.verdict == "findings" else f'error type="{part.verdict}"'
    yield f"    {_case(part, _LOOKED)}>"
    yield f"      <{word} message={_quoted(part.lacking)}/>"
    yield "    </testcase>"


def _cases(part: Part) -> Iterator[str]:
    seen: Counter[str] = Counter()
    tellers: dict[int, FindingText] = {}  # by analysis: each reads every source file once
    for one in part.findings:
        name = _name(one)
        seen[name] += 1
        number = f" ({seen[name]})" if seen[name] > 1 else ""
        place = one.places[0]
        where = f'file={_quoted(place.file)} line="{place.line}"'
        yield f"    {_case(part, name + number)} {where}>"
        if one.finding.suppressed is not None:
            yield f"      <skipped message={_quoted(one.finding.suppressed)}/>"
        else:
            told = f'type="{one.finding.kind}" message={_quoted(one.message)}'
            teller = tellers.setdefault(id(one.analysis), FindingText(one.analysis, _LAYOUT))
            yield f"      <failure {told}>{escape(_text(one, teller))}</failure>"
        yield "    </testcase>"


def _case(part: Part, name: str) -> str:
    return f"<testcase classname={_quoted(part.subject)} name={_quoted(name)}"


def _name(one: Listed) -> str:
    """`RP001 data-race: early.py fill, early.py <module>`."""
    sides = sorted(map(_side, one.sides)) or [one.message.partition(":")[0]]
    return f"{one.title}: {', '.join(sides)}"


def _side(side: Side) -> str:
    if not side.stack:
        return f"{plain(side.thread)} {side.op}"
    frame = side.stack[0]
    return f"{plain(frame.file.rsplit('/', 1)[-1])} {plain(frame.function)}".rstrip()


def _text(one: Listed, teller: FindingText) -> str:
    """What the report for people says of a finding."""
    lines: list[Text] = [*teller.lines(one.finding)]
    if one.found is not None:
        from racepage.report.exploration import order, really  # noqa: PLC0415  (needed only here)

        lines += [Text(), *order(one.found.told, _LAYOUT), *really(one.found, _LAYOUT)]
    if one.again is not None:
        lines += [Text(), Text(one.again)]
    return printed(lines, WIDTH, color=False).translate(ASCII)


def _remarks(part: Part) -> Iterator[str]:
    if part.remarks:
        text = "".join(f"{remark}\n" for remark in part.remarks)
        yield f"    <system-out>{escape(text)}</system-out>"


def _quoted(text: str) -> str:
    return quoteattr(plain(text, longest=max(len(text), 1)))
