from __future__ import annotations

import re
import subprocess
import sys

import pytest

from racepage.detect import analyse
from racepage.events import Kind, Target
from racepage.finding import RULES, Finding
from racepage.report.explain import RulePage, rule_pages
from racepage.trace.columns import Expectation
from racepage.trace.text import parse

PAGES = {page.kind: page for page in rule_pages()}
FOUND_IN_TRACES = sorted(set(PAGES) - {"program-error", "livelock", "nondeterminism"})


def examples(page: RulePage) -> list[str]:
    return re.findall(r"```trace\n(.*?)```", page.text, re.DOTALL)


def told(finding: Finding, wanted: Expectation) -> Expectation:
    """A finding as an `# expect:` line would have it, in as much detail as `wanted` has."""
    sides = [side.event for side in (finding.first, finding.second) if side is not None]
    kind, _, name = (finding.page or "").partition(":")
    return Expectation(
        finding.kind,
        tuple(sides),
        Target(Kind[kind.upper()], name) if name else None,
        None if wanted.overlap is None else finding.overlap,
    )


def test_every_rule_has_its_page() -> None:
    assert [(page.id, page.kind, page.summary) for page in rule_pages()] == [
        tuple(rule) for rule in RULES.values()
    ]


@pytest.mark.parametrize("kind", FOUND_IN_TRACES)
def test_the_example_has_exactly_what_it_says(kind: str) -> None:
    wrong, _ = examples(PAGES[kind])
    trace = parse(wrong)
    [expected] = trace.origin.expects or ()
    assert expected.kind == kind
    assert [told(found, expected) for found in analyse(trace).findings] == [expected]


@pytest.mark.parametrize("kind", FOUND_IN_TRACES)
def test_the_mended_example_is_clean(kind: str) -> None:
    _, right = examples(PAGES[kind])
    trace = parse(right)
    assert trace.origin.expects == ()
    assert analyse(trace).findings == ()


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_says_what_it_is_how_it_looks_and_how_to_mend_it(kind: str) -> None:
    headings = re.findall(r"^## (.*)$", PAGES[kind].text, re.MULTILINE)
    assert headings == ["Example", "How to mend it", "Related"]
    assert max(map(len, PAGES[kind].text.splitlines())) <= 80


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_names_other_rules_only(kind: str) -> None:
    page = PAGES[kind]
    named = set(re.findall(r"RP\d{3}", page.text)) - {page.id}
    assert named <= {rule.id for rule in RULES.values()}


def test_pages_need_nothing_slow_to_import() -> None:
    code = (
        "import sys; from racepage.report.explain import rule_pages; assert len(rule_pages()) > 12;"
        "slow = {'numpy', 'rich', 'pyarrow', 'numba'} & set(sys.modules); assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
