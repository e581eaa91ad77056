"""Every variant, run and judged: exactly the findings of its table, and no other."""

from dataclasses import fields, replace

import numpy as np
import pytest

from racepage import record, workloads
from racepage.detect import analyse
from racepage.events import Op
from racepage.finding import Analysis, Finding
from racepage.trace.columns import Columns, Trace
from racepage.workloads import WORKLOADS

Row = tuple[str, tuple[str, ...], str]

SPECS = [
    f"{workload.name}:{variant.name}"
    for workload in WORKLOADS.values()
    for variant in workload.variants
]
RUNS = 5  # in each, the threads come in another order


def recorded(spec: str, **parameters: int) -> Trace:
    program = workloads.program(spec, **parameters)
    with record() as recording:
        program()
    assert recording.warnings == ()
    return recording.trace()


def row(analysis: Analysis, finding: Finding) -> Row:
    sides = [side for side in (finding.first, finding.second) if side is not None]
    between = tuple(sorted(side.stack[0].function for side in sides))
    label = analysis.pages[finding.page].label if finding.page else None
    return finding.kind, between, (label or "").split("[")[0]


def found(trace: Trace, *, all_pairs: bool = False) -> list[Row]:
    analysis = analyse(trace, all_pairs=all_pairs)
    return sorted(row(analysis, finding) for finding in analysis.findings)


def table(spec: str) -> list[Row]:
    _, variant = workloads.choose(spec)
    return sorted((each.kind, each.between, each.page) for each in variant.expected)


def merged_again(trace: Trace, seed: int) -> Trace:
    """The same events, with each access anywhere between its thread's synchronising events.

    That is as much as a recording knows of where an access stands (DESIGN.md, section 4).
    """
    random = np.random.default_rng(seed)
    columns = trace.columns
    place = np.arange(len(trace), dtype=float)
    starts_of = {
        trace.targets[int(columns.target[event])].name: event
        for event in np.flatnonzero(columns.op == Op.START)
    }
    for thread, name in enumerate(trace.threads):
        mine = np.flatnonzero(columns.thread == thread)
        free = columns.op[mine] <= Op.COPY_IN  # atomics stand in the order of their effect
        borders = mine[~free]
        gap = np.searchsorted(borders, mine[free])
        starts = np.concatenate([[starts_of.get(name, -1)], borders])[gap]
        ends = np.concatenate([borders, [len(trace)]])[gap]
        within = random.uniform(starts, ends)
        for border in np.unique(gap):
            within[gap == border] = np.sort(within[gap == border])
        place[mine[free]] = within
    order = np.argsort(place)
    number = np.argsort(order)
    arrays = {
        each.name: getattr(columns, each.name)[order]
        for each in fields(Columns)
        if each.name != "details"
    }
    details = {int(number[event]): detail for event, detail in columns.details.items()}
    return replace(trace, columns=Columns(**arrays, details=details))


@pytest.mark.parametrize("all_pairs", [False, True], ids=["one-first", "all-pairs"])
@pytest.mark.parametrize("spec", SPECS)
def test_exactly_the_findings_of_the_table_in_every_run(spec: str, all_pairs: bool) -> None:
    for _ in range(RUNS):
        assert found(recorded(spec), all_pairs=all_pairs) == table(spec)


@pytest.mark.parametrize("spec", SPECS)
def test_the_findings_do_not_depend_on_how_unordered_accesses_were_merged(spec: str) -> None:
    trace = recorded(spec)
    for seed in range(RUNS):
        assert found(merged_again(trace, seed)) == table(spec)


@pytest.mark.parametrize("spec", SPECS)
def test_more_rounds_have_more_events_and_the_same_findings(spec: str) -> None:
    rounds = 24
    trace = recorded(spec, rounds=rounds)
    assert len(trace) > len(recorded(spec))
    assert found(trace) == table(spec)


@pytest.mark.parametrize("spec", SPECS)
def test_a_run_is_small(spec: str) -> None:
    ops = recorded(spec).columns.op
    assert 50 < (ops != Op.LOAD).sum() < 2000  # who spins loads as often as it takes


@pytest.mark.parametrize("spec", SPECS)
def test_all_pages_are_freed_by_their_program(spec: str) -> None:
    ops = recorded(spec).columns.op
    assert (ops == Op.ALLOC).sum() == (ops == Op.FREE).sum() > 0
    assert not (ops == Op.COLLECT).any()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("binder", {"clients": 4}),
        ("buffer-pool", {"pairs": 4}),
        ("ring-buffer", {"slots": 2}),
        ("page-cache", {"pages": 8}),
        ("rwlock-table", {"workers": 6}),
        ("handoff", {"pages": 1}),
        ("seqlock", {"writers": 1, "readers": 3}),
        ("spsc-atomic", {"slots": 1}),
        ("rcu-list", {"nodes": 2, "readers": 3}),
        ("refcounted-page", {"users": 2}),
    ],
)
def test_the_answer_is_the_same_in_other_sizes(name: str, parameters: dict[str, int]) -> None:
    for variant in WORKLOADS[name].variants:
        spec = f"{name}:{variant.name}"
        sizes = parameters if "clients" not in parameters or not variant.expected else {}
        assert found(recorded(spec, **sizes)) == table(spec)


FREE = ["ring-buffer", "page-cache", "rwlock-table", "rcu-list"]


@pytest.mark.parametrize("name", [*FREE, "abba"])
def test_free_threads_that_are_correct_are_clean(name: str) -> None:
    for _ in range(RUNS):
        assert found(recorded(f"{name}:correct", free=1)) == []


@pytest.mark.parametrize("name", FREE)  # abba's would wait for each other for ever some day
def test_free_threads_that_race_have_no_other_findings(name: str) -> None:
    (racy,) = WORKLOADS[name].variants[1:]
    for _ in range(RUNS):
        spec = f"{name}:{racy.name}"
        assert set(found(recorded(spec, free=1))) <= set(table(spec))
