"""What people call: `explore` and `explore_threads`.

Every thread of the program takes turns as a strategy says, and the program runs again and again
until there is nothing left to try, or the budget is spent. What the program shares it has to make
itself, each time anew: what it keeps from one execution to the next makes it another program.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, ParamSpec, overload

from racepage.errors import RacepageError
from racepage.execution.crew import crew
from racepage.execution.kernel import MOST_STEPS
from racepage.exploration.arguments import ATTRIBUTE, check, refuse_async, refuse_misspelt
from racepage.exploration.explorer import Explorer, Pause, Policy, Progress
from racepage.exploration.result import Budget, Exploration, Found
from racepage.exploration.schedule import Program
from racepage.exploration.schedule_file import to_line
from racepage.exploration.shrink import SHRINKS
from racepage.exploration.strategies import PARAMETERS, make

P = ParamSpec("P")


class FindingsError(AssertionError):
    """An exploration found something.

    Attributes:
        exploration: what came of it.
    """

    def __init__(self, exploration: Exploration) -> None:
        self.exploration = exploration
        super().__init__("\n".join(map(in_short, exploration.findings)))


def in_short(found: Found) -> str:
    """A finding in two lines: what, and how to have it again."""
    finding = found.finding
    return f"{finding.rule} {finding.kind}: {finding.message}\n    {to_line(found.schedule)}"


@dataclass(frozen=True, slots=True)
class Options:
    """How to explore.

    Attributes:
        strategy: one of `racepage.exploration.strategies`.
        parameters: of the strategy, the seed included.
        budget: when to stop.
        steps: in an execution, before threads take turns.
        shrinks: executions that may be spent on making one schedule small.
    """

    strategy: str = "dpor"
    parameters: dict[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    steps: int = MOST_STEPS
    shrinks: int = SHRINKS


runner: Callable[[Callable[[], object], Options], Exploration] | None = None
"""Explores decorated tests instead of `run`, while somebody has set it: what runs the tests."""


@overload
def explore(
    program: Callable[[], object],
    /,
    *,
    strategy: str = ...,
    executions: int | None = ...,
    seconds: float | None = ...,
    findings: int | None = ...,
    steps: int = ...,
    shrinks: int = ...,
    **parameters: Any,
) -> Exploration: ...
@overload
def explore(
    *,
    strategy: str = ...,
    executions: int | None = ...,
    seconds: float | None = ...,
    findings: int | None = ...,
    steps: int = ...,
    shrinks: int = ...,
    **parameters: Any,
) -> Callable[[Callable[P, object]], Callable[P, None]]: ...
def explore(
    program: Callable[[], object] | None = None,
    /,
    *,
    strategy: str = "dpor",
    executions: int | None = 10_000,
    seconds: float | None = 60.0,
    findings: int | None = 1,
    steps: int = MOST_STEPS,
    shrinks: int = SHRINKS,
    **parameters: Any,
) -> Any:
    """Run `program` under schedule after schedule, and say what is wrong with it in any of them.

        def program():
            page = Page.alloc_page()
            ...

        explore(program).verdict  # "clean": in every schedule there is

        @explore(strategy="pct", depth=3, executions=1_000)
        def test_the_ring(): ...

    Args:
        program: makes what its threads share, and starts and joins them; it is called without
            arguments, again and again. Without it, what comes back decorates a test: that is
            explored when it is called, and raises `FindingsError`.
        strategy: `dpor` tries every behaviour once, and can prove that there is nothing to find;
            `racepage explore --help` has the others.
        executions: at most so many; None for no limit.
        seconds: at most so long.
        findings: so many different ones are enough; None looks for all.
        steps: in an execution, before threads take turns.
        shrinks: executions that may be spent on making one schedule small; 0 leaves it as it is.
        parameters: of the strategy: `seed`, `depth`, `bound`.

    Raises:
        RacepageError: there is no such strategy or parameter, or an argument makes no sense; or the
            program does what cannot be done under control, or not the same in every execution.
    """
    budget = Budget(executions, seconds, findings)
    options = Options(strategy, parameters, budget, steps, shrinks)
    if program is not None:
        return run(program, options)

    def decorate(test: Callable[P, object]) -> Callable[P, None]:
        @functools.wraps(test)
        def explored(*args: P.args, **kwargs: P.kwargs) -> None:
            body = functools.partial(test, *args, **kwargs)
            if runner is not None:
                runner(body, options)
                return
            found = run(body, options, told_apart(test))
            if found.verdict == "findings":
                raise FindingsError(found)

        setattr(explored, ATTRIBUTE, options)
        return explored

    return decorate


def explore_threads(
    threads: Sequence[Callable[..., object]],
    *,
    setup: Callable[[], object] | None = None,
    finish: Callable[..., object] | None = None,
    **options: Any,
) -> Exploration:
    """Explore threads that are all there when the first one goes.

    Args:
        threads: what each runs.
        setup: makes what they share, before every execution; each is called with what it returns.
            Without it they are called without arguments.
        finish: called after the last has ended, as they are.
        options: as for `explore`.

    Raises:
        RacepageError: there are none; or as `explore`.
    """
    if not threads:
        raise RacepageError("there are no threads to explore; name what each is to run")
    for thread in threads:
        refuse_async(thread)

    def program() -> None:
        shared = () if setup is None else (setup(),)
        crew([functools.partial(thread, *shared) for thread in threads])
        if finish is not None:
            finish(*shared)

    functools.update_wrapper(program, threads[0])
    exploration: Exploration = explore(program, **options)
    return exploration


def run(
    body: Callable[[], object],
    options: Options,
    program: Program | None = None,
    *,
    policy: Policy | None = None,
    progress: Progress | None = None,
) -> Exploration:
    """Explore `body` as `options` say; `program` is what schedules call it.

    Raises:
        RacepageError: as `explore`.
    """
    return explorer(body, options, program, policy=policy, progress=progress).explore()


def explorer(
    body: Callable[[], object],
    options: Options,
    program: Program | None = None,
    *,
    policy: Policy | None = None,
    progress: Progress | None = None,
    pause: Pause | None = None,
) -> Explorer:
    """Who explores `body` as `options` say: for those who want to stop, save and go on.

    Raises:
        RacepageError: there is no such strategy, argument or parameter, or it has not such values;
            or `body` is an async function.
    """
    refuse_async(body)
    budget = options.budget
    check(
        {
            "strategy": options.strategy,
            "executions": budget.executions,
            "seconds": budget.seconds,
            "findings": budget.findings,
            "steps": options.steps,
            "shrinks": options.shrinks,
        }
    )
    refuse_misspelt(options.parameters, PARAMETERS)
    strategy = make(options.strategy, **options.parameters)
    return Explorer(
        body,
        strategy,
        told_apart(body) if program is None else program,
        parameters=options.parameters,
        budget=budget,
        most_steps=options.steps,
        shrinks=options.shrinks,
        policy=policy,
        progress=progress,
        pause=pause,
    )


def told_apart(function: Callable[..., object]) -> Program:
    """What a function is called that only the program itself can call, and which text it has."""
    inner = inspect.unwrap(function)
    module = getattr(inner, "__module__", None)
    name = getattr(inner, "__qualname__", None) or repr(inner)
    return Program("function", f"{module}:{name}" if module else name, digest=digest(function))


def digest(function: Callable[..., object]) -> str | None:
    """A digest of the file that a function stands in; None where there is none."""
    try:
        file = inspect.getsourcefile(inspect.unwrap(function))
        return None if file is None else sha256(Path(file).read_bytes()).hexdigest()[:16]
    except (OSError, TypeError):
        return None
