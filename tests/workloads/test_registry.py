import subprocess
import sys

import pytest

from racepage import workloads
from racepage.errors import RacepageError
from racepage.finding import RULES
from racepage.workloads import WORKLOADS, Variant

RACY = [
    pytest.param(variant, id=f"{workload.name}:{variant.name}")
    for workload in WORKLOADS.values()
    for variant in workload.variants[1:]
]


def test_every_workload_of_the_issue_is_there_with_its_racy_variants() -> None:
    racy = {name: {v.name for v in w.variants[1:]} for name, w in WORKLOADS.items()}
    assert racy == {
        "binder": {
            "shrinker-unchecked",
            "early-free",
            "early-delivery",
            "offsets-reread",
            "death-list",
        },
        "buffer-pool": {"read-after-unpin"},
        "ring-buffer": {"no-free-semaphore"},
        "page-cache": {"late-zeroing"},
        "rwlock-table": {"unlocked-upgrade"},
        "handoff": {"keeps-writing"},
        "seqlock": {"plain-reader"},
        "spsc-atomic": {"relaxed"},
        "rcu-list": {"early-reuse"},
        "refcounted-page": {"relaxed"},
        "abba": {"abba"},
    }


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_correct_variant_stands_first_and_expects_nothing(name: str) -> None:
    first = WORKLOADS[name].variants[0]
    assert (first.name, first.expected) == ("correct", ())


@pytest.mark.parametrize("variant", RACY)
def test_a_racy_variant_expects_findings_of_known_kinds_each_with_a_reason(
    variant: Variant,
) -> None:
    assert variant.expected
    for row in variant.expected:
        assert row.kind in RULES
        assert list(row.between) == sorted(row.between)
        assert row.why


def test_a_name_alone_chooses_the_correct_variant() -> None:
    workload, variant = workloads.choose("handoff")
    assert (workload.name, variant.name) == ("handoff", "correct")


def test_a_name_and_a_variant_choose_it() -> None:
    workload, variant = workloads.choose("binder:early-free")
    assert (workload.name, variant.name) == ("binder", "early-free")


def test_a_misspelt_workload_is_refused_with_a_suggestion() -> None:
    with pytest.raises(
        RacepageError, match=r"no workload is called 'bindr'; did you mean 'binder'"
    ):
        workloads.choose("bindr:early-free")


def test_a_misspelt_variant_is_refused_with_a_suggestion() -> None:
    with pytest.raises(RacepageError, match=r"binder has no variant 'early-fre'; did you mean 'ea"):
        workloads.choose("binder:early-fre")


@pytest.mark.parametrize("spec", ["", "zzzz"])
def test_a_name_like_no_other_is_refused_with_the_list(spec: str) -> None:
    with pytest.raises(RacepageError, match="there are binder, buffer-pool"):
        workloads.choose(spec)


def test_an_empty_variant_is_refused() -> None:
    with pytest.raises(RacepageError, match="handoff has no variant ''; there are correct, keeps"):
        workloads.choose("handoff:")


def test_an_unknown_parameter_is_refused_with_a_suggestion() -> None:
    with pytest.raises(RacepageError, match=r"no parameter 'round'; did you mean 'rounds'"):
        workloads.program("handoff", round=3)


def test_reading_the_registry_imports_no_workload() -> None:
    code = (
        "import sys; from racepage import workloads; workloads.choose('binder');"
        "print([name for name in sys.modules if name.startswith(('racepage.workloads.', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
