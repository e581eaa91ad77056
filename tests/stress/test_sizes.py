import inspect
from importlib import import_module

import pytest

from racepage.errors import RacepageError
from racepage.stress.sizes import SIZES, UNPROVED, Subject, subjects
from racepage.workloads import WORKLOADS, choose

ALL = subjects()


def test_every_variant_of_every_workload_is_explored() -> None:
    there = {
        f"{name}:{variant.name}" for name, one in WORKLOADS.items() for variant in one.variants
    }
    assert {subject.spec for subject in ALL} == there
    assert len(set(map(str, ALL))) == len(ALL)


def test_sizes_are_of_workloads_that_there_are() -> None:
    for name in SIZES:
        choose(name)


@pytest.mark.parametrize("subject", ALL, ids=str)
def test_sizes_are_parameters_of_the_program(subject: Subject) -> None:
    workload, _ = choose(subject.spec)
    known = inspect.signature(import_module(workload.module).run).parameters
    assert {name for name, _ in subject.sizes} < set(known)


def test_what_is_not_proved_is_a_correct_variant() -> None:
    unproved = [subject for subject in ALL if str(subject) in UNPROVED]
    assert len(unproved) == len(UNPROVED)
    assert not any(subject.expected for subject in unproved)


def test_a_workload_stands_for_its_variants() -> None:
    assert [subject.spec for subject in subjects(("abba",))] == ["abba:correct", "abba:abba"]


def test_a_variant_stands_for_itself_and_nothing_is_explored_twice() -> None:
    found = subjects(("abba:abba", "abba"))
    assert [subject.spec for subject in found] == ["abba:abba", "abba:correct"]


def test_a_workload_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RacepageError, match="did you mean 'handoff'"):
        subjects(("abba", "handof"))


def test_free_threads_have_more_to_find() -> None:
    kinds = {
        bool(free): [
            one.kind for one in Subject("abba:abba", (("free", free),) if free else ()).expected
        ]
        for free in (0, 1)
    }
    assert kinds == {False: ["lock-order"], True: ["lock-order", "deadlock"]}


def test_arguments_are_those_of_a_command_line() -> None:
    subject = Subject("abba:correct", (("rounds", 3), ("free", 1)))
    assert subject.arguments == ("rounds=3", "free=1")
    assert str(subject) == "abba:correct rounds=3 free=1"
