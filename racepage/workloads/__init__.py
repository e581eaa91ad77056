"""Programs with a known answer: each in a correct variant and in racy ones.

Each shares pages between threads by a protocol that stands at the top of its file. The correct
variant keeps it, and there is nothing to find; each racy variant breaks one step of it, and what
there is to find follows from the protocol alone. `WORKLOADS` says it, derived by hand, a line of
reason for each; the tests hold racepage to it, in every run and for every timing.

This file is data. A workload's module is imported when its program is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import Final

from racepage.errors import RacepageError


@dataclass(frozen=True, slots=True)
class Expected:
    """One finding that a racy variant has, in every run.

    Attributes:
        kind: a key of `racepage.finding.RULES`.
        between: the functions of the two sides, in alphabetical order.
        page: the page's role: its label up to the bracket; empty where no page has part in it.
        why: why the two are unordered, or what else is wrong.
    """

    kind: str
    between: tuple[str, str]
    page: str
    why: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a workload, and everything that there is to find then.

    Attributes:
        expected: what every run has.
        when_free: what some runs have besides where the threads are free (`crew.meeting`). Then
            what is `expected` is not in every run either.
    """

    name: str
    summary: str
    expected: tuple[Expected, ...] = ()
    when_free: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True)
class Workload:
    """A program with a known answer.

    Attributes:
        module: where its `run(variant, **parameters)` is.
        variants: `correct` is the first.
    """

    name: str
    summary: str
    module: str
    variants: tuple[Variant, ...]


_COPY_IN = "ShrinkablePageRange.copy_from_user_slice"

WORKLOADS: Final[dict[str, Workload]] = {
    workload.name: workload
    for workload in (
        Workload(
            "binder",
            "messages copied into pages that the receiver has mapped, and a shrinker",
            "racepage.workloads.binder",
            (
                Variant("correct", "traffic, reclaim and every scene, by the rules"),
                Variant(
                    "shrinker-unchecked",
                    "the shrinker does not check whether a page is in use",
                    (
                        Expected(
                            "free-race",
                            ("Lru.shrink", "Process.load"),
                            "server",
                            "the server reads a buffer without a lock, because its pages are in "
                            "use; the shrinker frees one of them all the same",
                        ),
                    ),
                ),
                Variant(
                    "early-free",
                    "a buffer is freed before the reply in it was read",
                    (
                        Expected(
                            "data-race",
                            ("Process.load", _COPY_IN),
                            "client",
                            "the client reads after it gave the buffer back, while the next reply "
                            "is copied into the same bytes",
                        ),
                    ),
                ),
                Variant(
                    "early-delivery",
                    "a message is delivered before its last copy",
                    (
                        Expected(
                            "data-race",
                            ("Process.load", _COPY_IN),
                            "server",
                            "the queue orders what came before the put; the last copy comes after",
                        ),
                    ),
                ),
                Variant(
                    "offsets-reread",
                    "offsets are read again from the shared page after they were checked",
                    (
                        Expected(
                            "data-race",
                            ("Process.store", "ShrinkablePageRange.read"),
                            "server",
                            "the receiver, which got around its read-only mapping, moves an "
                            "object while the sender reads its offset again",
                        ),
                    ),
                ),
                Variant(
                    "death-list",
                    "a list in page bytes is walked after its lock was dropped",
                    (
                        Expected(
                            "data-race",
                            ("DeathList._unlink", "DeathList.release_unlocked"),
                            "deaths",
                            "a watcher takes its node off under the lock, whose links the walk "
                            "reads without it",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "buffer-pool",
            "blocks of a file in frames that are pinned while they are read",
            "racepage.workloads.buffer_pool",
            (
                Variant("correct", "every read is between pin and unpin"),
                Variant(
                    "read-after-unpin",
                    "a frame is read once more after it was unpinned",
                    (
                        Expected(
                            "data-race",
                            ("Pool.load", "read_late"),
                            "frame",
                            "the unpin lets another worker load the frame; the late read comes "
                            "after the unlock that orders the loading",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "ring-buffer",
            "one producer and one consumer of records in a page, with two semaphores",
            "racepage.workloads.ring_buffer",
            (
                Variant("correct", "a semaphore for the free slots and one for the filled"),
                Variant(
                    "no-free-semaphore",
                    "the producer does not wait for a free slot",
                    (
                        Expected(
                            "data-race",
                            ("consume", "produce"),
                            "ring",
                            "the filled semaphore orders a write before its read; nothing orders "
                            "the read before the write of the next lap",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "page-cache",
            "pages that are filled, zeroed when freed, and used again",
            "racepage.workloads.page_cache",
            (
                Variant("correct", "a page is zeroed before it goes to the free list"),
                Variant(
                    "late-zeroing",
                    "a page is zeroed after it went back to the free list",
                    (
                        Expected(
                            "data-race",
                            ("check_header", "zero"),
                            "cached",
                            "the next owner trusts the header to be zero and reads it; the zeroing "
                            "comes after the unlock that handed the page over",
                        ),
                        Expected(
                            "data-race",
                            ("fill", "zero"),
                            "cached",
                            "the next owner writes its data while the old one zeroes them, for "
                            "the same reason",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "rwlock-table",
            "readers and writers of records in a page",
            "racepage.workloads.rwlock_table",
            (
                Variant("correct", "who has something to write takes the write lock"),
                Variant(
                    "unlocked-upgrade",
                    "a reader writes under its read lock",
                    (
                        Expected(
                            "data-race",
                            ("look_up", "upgrade_in_place"),
                            "table",
                            "read locks do not order each other, and another reader looks at the "
                            "record under its own",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "handoff",
            "ownership of a page, passed through a queue",
            "racepage.workloads.handoff",
            (
                Variant("correct", "who gave a page away does not touch it"),
                Variant(
                    "keeps-writing",
                    "the sender writes to a page that it has given away",
                    (
                        Expected(
                            "data-race",
                            ("add_postscript", "receive"),
                            "parcel",
                            "the queue orders what came before the put; the postscript comes after",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "seqlock",
            "a record that readers copy while writers may be changing it",
            "racepage.workloads.seqlock",
            (
                Variant("correct", "both sides copy byte by byte, atomically"),
                Variant(
                    "plain-reader",
                    "readers copy as if nobody could be writing",
                    (
                        Expected(
                            "data-race",
                            ("load_plainly", "store"),
                            "board",
                            "a reader learns of a writer after its copy, if at all; that it looks "
                            "again does not undo the plain read",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "spsc-atomic",
            "a ring of records whose head and tail are atomics in the same page",
            "racepage.workloads.spsc_atomic",
            (
                Variant("correct", "indices are stored with release and loaded with acquire"),
                Variant(
                    "relaxed",
                    "the indices are relaxed",
                    (
                        Expected(
                            "data-race",
                            ("put", "take"),
                            "ring",
                            "the index says that the record is there, and orders nothing: neither "
                            "the write before the read, nor the read before the next lap's write",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "rcu-list",
            "a list that is walked while its nodes are replaced",
            "racepage.workloads.rcu_list",
            (
                Variant("correct", "a node is used again after a grace period"),
                Variant(
                    "early-reuse",
                    "a node is used again at once",
                    (
                        Expected(
                            "data-race",
                            ("fill", "look"),
                            "list",
                            "a reader that saw the old node may still read its value while the "
                            "writer fills it",
                        ),
                        Expected(
                            "data-race",
                            ("fill", "next_of"),
                            "list",
                            "likewise its link, which the writer fills with a plain write",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "refcounted-page",
            "a page that the last of its users frees",
            "racepage.workloads.refcounted_page",
            (
                Variant("correct", "each put releases, and the last one acquires"),
                Variant(
                    "relaxed",
                    "puts are relaxed",
                    (
                        Expected(
                            "free-race",
                            ("count_down", "give_up"),
                            "shared",
                            "an atomic does not race with atomics, but it does with the free",
                        ),
                        Expected(
                            "free-race",
                            ("give_up", "use"),
                            "shared",
                            "nothing orders what the others wrote with the free of the last one",
                        ),
                    ),
                ),
            ),
        ),
        Workload(
            "abba",
            "transfers between two accounts, each with a lock",
            "racepage.workloads.abba",
            (
                Variant("correct", "locks are taken in the order of the accounts"),
                Variant(
                    "abba",
                    "the giver's lock is taken first",
                    (
                        Expected(
                            "lock-order",
                            ("send", "send_back"),
                            "",
                            "one direction takes 1 while it holds 0, the other 0 while it holds 1",
                        ),
                    ),
                    (
                        Expected(
                            "deadlock",
                            ("send", "send_back"),
                            "",
                            "each direction holds its first lock, and waits for the other's",
                        ),
                    ),
                ),
            ),
        ),
    )
}
"""name -> workload, in the order in which they are listed."""


def choose(spec: str) -> tuple[Workload, Variant]:
    """The workload and variant that `name` or `name:variant` names; `correct` without a variant.

    Raises:
        RacepageError: there is none of that name; the message suggests one.
    """
    name, _, wanted = spec.partition(":")
    if name not in WORKLOADS:
        raise RacepageError(f"no workload is called {name!r}; {_instead(name, list(WORKLOADS))}")
    workload = WORKLOADS[name]
    variants = {variant.name: variant for variant in workload.variants}
    if wanted not in variants and ":" in spec:
        raise RacepageError(f"{name} has no variant {wanted!r}; {_instead(wanted, list(variants))}")
    return workload, variants[wanted or "correct"]


def program(spec: str, **parameters: int) -> Callable[[], None]:
    """What runs the workload and variant that `spec` names to its end, threads and all.

    Args:
        spec: as for `choose`.
        parameters: sizes, such as `rounds`; every workload's `run` names its own.

    Raises:
        RacepageError: as `choose`; or the workload has no parameter of that name.
    """
    workload, variant = choose(spec)
    run = import_module(workload.module).run
    known = list(run.__kwdefaults__ or {})
    for name in parameters:
        if name not in known:
            instead = _instead(name, known)
            raise RacepageError(f"{workload.name} has no parameter {name!r}; {instead}")
    return partial(run, variant.name, **parameters)


def _instead(wanted: str, known: list[str]) -> str:
    close = get_close_matches(wanted, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
