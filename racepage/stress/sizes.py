"""Which variants there are to explore, and how large: small enough for a search, or a proof.

The sizes that workloads have by themselves are for recordings, in which more happens than any
search can put in order. Here they are such that optimal DPOR sees every execution of a correct
variant in seconds, which proves it clean. Where no size that does anything is so small the subject
is in `UNPROVED`, and is only ever clean in so many executions.

With `free=1` no thread is held up for the sake of a variant, so that a proof holds for any timing,
and a race is found by those strategies that come by it (`crew.meeting`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from racepage.workloads import WORKLOADS, Expected, choose


class Subject(NamedTuple):
    """A variant of a workload in one size.

    Attributes:
        spec: `workload:variant`.
        sizes: the parameters of its program.
    """

    spec: str
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The sizes, as on a command line."""
        return tuple(f"{name}={value}" for name, value in self.sizes)

    @property
    def expected(self) -> tuple[Expected, ...]:
        """What there is to find, in some execution."""
        _, variant = choose(self.spec)
        return variant.expected + (variant.when_free if dict(self.sizes).get("free") else ())

    def __str__(self) -> str:
        return " ".join((self.spec, *self.arguments))


SIZES: Final[Mapping[str, tuple[Mapping[str, int], ...]]] = {
    "binder": ({"rounds": 1},),
    "binder:correct": ({"rounds": 0}, {"rounds": 1, "clients": 1}),
    "buffer-pool": ({"rounds": 3, "pairs": 1},),
    "buffer-pool:read-after-unpin": ({"rounds": 2, "pairs": 2},),
    "ring-buffer": ({"rounds": 2, "slots": 2, "free": 1},),
    "page-cache": ({"rounds": 3, "pages": 1, "free": 1},),
    "rwlock-table": ({"rounds": 1, "workers": 2, "free": 1},),
    "handoff": ({"rounds": 4, "pages": 2},),
    "seqlock": ({"rounds": 1, "writers": 2, "readers": 1},),
    "spsc-atomic": ({"rounds": 2, "slots": 2},),
    "rcu-list": ({"rounds": 2, "nodes": 1, "readers": 1, "free": 1},),
    "refcounted-page": ({"rounds": 2, "users": 3},),
    "abba": ({"rounds": 3, "free": 1},),
}
"""workload, or one variant of it -> the sizes in which it is explored.

The scenes of binder force their threads to take turns, so that a few executions are all there are.
"""

UNPROVED: Final = frozenset({"binder:correct rounds=1 clients=1"})
"""The correct subjects that no search gets to the end of: a call of binder and its reply, with a
shrinker at work, have some 700 steps."""


def subjects(wanted: tuple[str, ...] = ()) -> list[Subject]:
    """What there is to explore: of these workloads and variants, or of all.

    Raises:
        RacepageError: there is no workload or variant of that name; the message suggests one.
    """
    found: dict[Subject, None] = {}
    for one in wanted or tuple(WORKLOADS):
        found |= dict.fromkeys(_of(one))
    return list(found)


def _of(wanted: str) -> Iterator[Subject]:
    workload, chosen = choose(wanted)
    for variant in workload.variants:
        if ":" in wanted and variant is not chosen:
            continue
        spec = f"{workload.name}:{variant.name}"
        for sizes in SIZES.get(spec, SIZES.get(workload.name, ({},))):
            yield Subject(spec, tuple(sizes.items()))
