"""The strategies that can be asked for by name, and what each of them can be told.

A replay is none of them: it is made of a schedule (`replay`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from racepage.errors import RacepageError
from racepage.exploration.delay_bound import DelayBound
from racepage.exploration.dfs import DepthFirst
from racepage.exploration.dpor import OptimalDpor
from racepage.exploration.pct import DEEPEST, Pct
from racepage.exploration.pos import PartialOrderSampling
from racepage.exploration.preemption_bound import PreemptionBound
from racepage.exploration.profile import LONGEST
from racepage.exploration.random_walk import RandomWalk
from racepage.exploration.round_robin import RoundRobin
from racepage.exploration.saved import MOST
from racepage.exploration.strategy import Strategy
from racepage.exploration.surw import SelectivelyUniform

DEFAULT: Final = "dpor"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a strategy can be told.

    Attributes:
        name: of the keyword.
        summary: what it means, in a line.
        default: the value that it has otherwise.
        allowed: what it can be, in words.
        read: makes the value of what somebody gave, which may be text, or raises ValueError.
    """

    name: str
    summary: str
    default: Any
    allowed: str
    read: Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy that can be asked for.

    Attributes:
        name: what to ask for.
        summary: what it does, in a line.
        kind: the class, which takes the parameters by name.
        parameters: what it can be told.
    """

    name: str
    summary: str
    kind: Callable[..., Strategy]
    parameters: tuple[Parameter, ...]

    @property
    def seeded(self) -> bool:
        """Whether it draws lots."""
        return any(parameter.name == "seed" for parameter in self.parameters)


def _whole(name: str, summary: str, default: int, low: int, high: int) -> Parameter:
    def read(given: object) -> int:
        number = _number(given)
        if not low <= number <= high:
            raise ValueError
        return number

    return Parameter(name, summary, default, f"a whole number from {low} to {high}", read)


def _number(given: object) -> int:
    if isinstance(given, str) and len(given) < 20:
        return int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    raise ValueError


def _flag(given: object) -> bool:
    flags = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    flag = flags.get(str(given).lower())
    if flag is None:
        raise ValueError
    return flag


def _counts(given: object) -> dict[int, int] | None:
    """A number of steps for each thread, as a table or as in `0:3,1:2`."""
    if given is None:
        return None
    if isinstance(given, str):
        pairs = [item.partition(":")[::2] for item in given.split(",")]
        given = {_number(left): right for left, right in pairs}
    if not isinstance(given, Mapping):
        raise ValueError  # noqa: TRY004  (what is wrong is said once, by the caller)
    counts = {_number(task): _number(count) for task, count in given.items()}
    if any(not (0 <= task <= MOST and 0 <= count <= LONGEST) for task, count in counts.items()):
        raise ValueError
    return counts


def _targets(given: object) -> list[int] | None:
    """Numbers of targets, as a list or as in `3,7`."""
    if given is None:
        return None
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, Sequence):
        raise ValueError  # noqa: TRY004
    targets = [_number(target) for target in given]
    if any(not 0 <= target <= MOST for target in targets):
        raise ValueError
    return targets


_SEED: Final = _whole("seed", "decides what is drawn by lot", 0, 0, MOST)

CHOICES: Final[dict[str, Choice]] = {
    choice.name: choice
    for choice in (
        Choice(
            "dpor",
            "all that can happen, each order of the steps that matter once (optimal DPOR)",
            OptimalDpor,
            (),
        ),
        Choice("dfs", "every interleaving, each once", DepthFirst, ()),
        Choice(
            "preemption-bound",
            "every interleaving with few preemptions",
            PreemptionBound,
            (_whole("bound", "preemptions in an execution, at most", 2, 0, MOST),),
        ),
        Choice(
            "delay-bound",
            "every interleaving that departs from taking turns a few times",
            DelayBound,
            (_whole("bound", "delays in an execution, at most", 2, 0, MOST),),
        ),
        Choice(
            "random", "a random walk: each thread that can go is as likely", RandomWalk, (_SEED,)
        ),
        Choice(
            "pct",
            "random priorities that change at a few points",
            Pct,
            (
                _whole("depth", "of the bugs to find: constraints that one needs", 3, 1, DEEPEST),
                _SEED,
            ),
        ),
        Choice(
            "pos",
            "random priorities of steps: partial order sampling",
            PartialOrderSampling,
            (_SEED,),
        ),
        Choice(
            "surw",
            "uniform over the orders of the steps that touch one shared target",
            SelectivelyUniform,
            (
                _SEED,
                Parameter(
                    "counts",
                    "interesting steps of each thread; learnt if not given",
                    None,
                    "a number of steps for each thread, such as 0:3,1:2",
                    _counts,
                ),
                Parameter(
                    "targets",
                    "those of interesting steps; what is shared, one by one, if not given",
                    None,
                    "numbers of targets, such as 3,7",
                    _targets,
                ),
                Parameter(
                    "selective",
                    "whether the targets that were seen are taken one by one",
                    True,
                    "true or false",
                    _flag,
                ),
            ),
        ),
        Choice(
            "round-robin",
            "one execution, in which the threads take turns",
            RoundRobin,
            (_whole("quantum", "steps until it is the next one's turn", 1, 1, MOST),),
        ),
    )
}
"""The strategies by name, in the order in which to list them."""


def make(name: str, *, seed: object = None, **parameters: object) -> Strategy:
    """The strategy of that name.

    Args:
        name: one of `CHOICES`.
        seed: for those that draw lots; the others go without. None is the default.
        parameters: what it is told; values may be text.

    Raises:
        RacepageError: there is no such strategy or parameter, or it cannot have that value.
    """
    choice = CHOICES.get(name)
    if choice is None:
        raise RacepageError(f"there is no strategy {name!r}; {_mend(name, list(CHOICES))}")
    known = {parameter.name: parameter for parameter in choice.parameters}
    if seed is not None and choice.seeded:
        parameters["seed"] = seed
    values = {}
    for key, given in parameters.items():
        parameter = known.get(key)
        if parameter is None:
            raise RacepageError(
                f"the strategy {name} has no parameter {key!r}; {_mend(key, list(known))}"
            )
        try:
            values[key] = parameter.read(given)
        except ValueError:
            raise RacepageError(
                f"the parameter {key} of the strategy {name} cannot be "
                f"{_shown(given)}; it has to be {parameter.allowed}"
            ) from None
    return choice.kind(**values)


def _shown(given: object) -> str:
    try:
        return repr(given)[:40]
    except ValueError:  # a number of too many digits
        return "that number"


def _mend(name: str, known: Sequence[str]) -> str:
    if not known:
        return "it has none"
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
