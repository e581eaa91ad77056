from __future__ import annotations

import json

from racepage.workloads import WORKLOADS
from tests.cli.conftest import Racepage


def test_every_variant_is_listed_as_run_takes_it(racepage: Racepage) -> None:
    done = racepage("workloads")
    assert done.code == 0
    listed = {line.split()[0] for line in done.out.splitlines() if line.startswith("  ")}
    assert listed == {
        name if variant.name == "correct" else f"{name}:{variant.name}"
        for name, workload in WORKLOADS.items()
        for variant in workload.variants
    }


def test_a_variant_says_what_there_is_to_find(racepage: Racepage) -> None:
    lines = {line.split()[0]: line for line in racepage("workloads").out.splitlines() if line}
    assert "  free-race  " in lines["binder:shrinker-unchecked"]
    assert "  clean  " in lines["handoff"]


def test_programs_get_the_same_as_json(racepage: Racepage) -> None:
    made = json.loads(racepage("workloads", "--format", "json").out)
    assert [workload["name"] for workload in made] == list(WORKLOADS)
    [_, racy] = next(one for one in made if one["name"] == "handoff")["variants"]
    assert racy["name"] == "keeps-writing"
    assert racy["expected"][0]["kind"] == "data-race"
    assert set(racy["expected"][0]) == {"kind", "between", "page", "why"}
