"""The program that `racepage run` runs: finding it, running it, and what it died of.

A program is a built-in workload, a file, a function in a file or a function in a module. It runs
as `python` would run it: its folder (or the working directory) comes first on the import path,
`sys.argv` is its own, and the end waits for its threads. Its imports are part of the run.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import thread as futures
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import TracebackException
from types import ModuleType
from typing import Final

from racepage import sync
from racepage.errors import RacepageError
from racepage.execution import current
from racepage.execution.uncaught import is_ours, sentence
from racepage.sync import pool
from racepage.sync.thread import await_end
from racepage.workloads import WORKLOADS
from racepage.workloads import program as workload_program

_MOST_DIGITS: Final = 18  # as in a trace


class NoProgramError(RacepageError):
    """What was asked for cannot be run; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Program:
    """Something to run.

    Attributes:
        name: what the user called it.
        argv: what it sees as `sys.argv`.
        folder: what comes first on its import path, or None for a built-in one.
        body: runs it. A `NoProgramError` says that there is no such program after all.
    """

    name: str
    argv: list[str]
    folder: Path | None
    body: Callable[[], object]


@dataclass(slots=True)
class Outcome:
    """How the program ended.

    Attributes:
        errors: one sentence for each error that nothing caught.
        code: what it would have exited with, had Python run it.
        interrupted: the user had enough.
    """

    errors: list[str] = field(default_factory=list)
    code: int = 0
    interrupted: bool = False


# Finding it -------------------------------------------------------------------------------------


def find(spec: str, args: Sequence[str]) -> Program:
    """The program that `spec` names.

    Raises:
        NoProgramError: there is none; the message says what there is.
    """
    file, _, function = spec.rpartition(":")
    if spec.endswith(".py"):
        path = _existing(Path(spec))
        return Program(spec, [spec, *args], path.parent, _script(path))
    if file.endswith(".py"):
        path = _existing(Path(file))
        return Program(spec, [file, *args], path.parent, _function(path, function))
    built_in = _built_in(spec, args)
    if built_in is not None:
        return built_in
    if file:
        return Program(
            spec, [file, *args], Path.cwd(), lambda: _call(_import(file, spec), function)
        )
    raise NoProgramError(f"there is no workload {spec!r}; {_meant(spec)}")


def _built_in(spec: str, args: Sequence[str]) -> Program | None:
    name = spec.partition(":")[0]
    if name not in WORKLOADS:
        return None
    try:
        body = workload_program(spec, **dict(map(_parameter, args)))
    except RacepageError as error:
        raise NoProgramError(str(error)) from None
    return Program(spec, [name, *args], None, body)


def _parameter(arg: str) -> tuple[str, int]:
    name, _, value = arg.partition("=")
    if not value.isdecimal():
        raise NoProgramError(f"{arg!r} is no parameter of a workload; write it as rounds=100")
    if len(value) > _MOST_DIGITS:
        raise NoProgramError(
            f"{name} is to be a number of at most {_MOST_DIGITS} digits; this one has "
            f"{len(value):,}"
        )
    return name, int(value)


def _meant(spec: str) -> str:
    here = [path.name for path in Path.cwd().glob("*.py")]
    near = difflib.get_close_matches(spec, [*WORKLOADS, *here], n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(WORKLOADS)}; a program is file.py or package.module:function"


def _existing(path: Path) -> Path:
    if path.is_dir():
        raise NoProgramError(f"{path} is a directory; name a file in it")
    if path.is_file():
        return path.resolve()
    try:
        others = [other.name for other in path.parent.glob("*.py")]
    except OSError:
        others = []
    near = difflib.get_close_matches(path.name, others, n=1)
    told = f"; did you mean {path.with_name(near[0])}?" if near else ""
    raise NoProgramError(f"there is no file {path}{told}")


def _script(path: Path) -> Callable[[], None]:
    """What runs a file as a program; it is compiled once, and its namespace made each time."""
    compiled = functools.cache(
        lambda: compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    )

    def run_script() -> None:
        module = ModuleType("__main__")
        module.__file__ = str(path)
        sys.modules["__main__"] = module
        exec(compiled(), module.__dict__)  # noqa: S102  (it is what the user asked for)

    return run_script


def _function(path: Path, function: str) -> Callable[[], None]:
    """What calls a function of a file, whose namespace lives no longer than that of a script."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101  (it ends with .py)
    loader = spec.loader
    assert isinstance(loader, SourceFileLoader)  # noqa: S101
    compiled = functools.cache(lambda: loader.get_code(path.stem))

    def call_in() -> None:
        before = sys.modules.get(path.stem)
        module = sys.modules[path.stem] = module_from_spec(spec)
        try:
            code = compiled()
            assert code is not None  # noqa: S101  (there is a source)
            exec(code, module.__dict__)  # noqa: S102  (it is what the user asked for)
            _call(module, function)
        finally:
            if before is None:
                sys.modules.pop(path.stem, None)
            else:
                sys.modules[path.stem] = before

    return call_in


def _import(name: str, spec: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            told = f"there is no module {missing!r}; {_meant(spec.partition(':')[0])}"
            raise NoProgramError(told) from None
        raise
    except (TypeError, ValueError):  # a relative or an empty name
        raise NoProgramError(f"{name!r} is no name of a module") from None


def _call(module: ModuleType, name: str) -> object:
    function = getattr(module, name, None)
    where = module.__file__ or module.__name__
    if not callable(function):
        known = [
            key
            for key, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__
        ]
        near = difflib.get_close_matches(name, known, n=1)
        told = f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
        raise NoProgramError(f"{where} has no function {name!r}; {told}")
    if inspect.iscoroutinefunction(function):
        raise NoProgramError(f"{name} in {where} is a coroutine; name a function that runs it")
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise NoProgramError(
            f"{name} in {where} cannot be called without arguments ({error}); "
            "name a function that needs none"
        ) from None
    except ValueError:  # a function without a signature, in C
        pass
    return function()


# Running it -------------------------------------------------------------------------------------


def run(program: Program, outcome: Outcome) -> None:
    """Run it to its end, its threads included, and print the tracebacks that Python would.

    Args:
        program: what to run, in `its_own_python`.
        outcome: told how it ended.

    Raises:
        NoProgramError: there was nothing to run.
        KeyboardInterrupt: the user had enough. The threads are not waited for.
    """
    with _watched_threads(outcome):
        others = set(threading.enumerate())
        try:
            program.body()
        except (NoProgramError, KeyboardInterrupt):
            raise
        except SystemExit as error:
            _exited(error, outcome)
        except BaseException as error:  # noqa: BLE001  (whatever it is, it is a finding)
            _print(error)
            outcome.errors.append(sentence(error, current.thread_name()))
            outcome.code = 1
        _await_threads(others)


def _await_threads(others: set[threading.Thread]) -> None:
    """Wait for the program's threads, as Python does at its end, with all that it does first."""

    def left() -> list[threading.Thread]:
        return [t for t in threading.enumerate() if not t.daemon and t not in others]

    pool.dismiss_all()  # the workers of pools that nobody has shut down
    if any(thread in futures._threads_queues for thread in left()):  # noqa: SLF001  (theirs too)
        futures._python_exit()  # noqa: SLF001  (as Python itself does)
    while threads := left():
        await_end(threads[0])


@contextmanager
def its_own_python(program: Program) -> Iterator[None]:
    """Where a program runs: its arguments, its folder on the import path, its `__main__`."""
    argv, path, main = sys.argv, list(sys.path), sys.modules["__main__"]
    here = Path.cwd()
    sys.argv = program.argv
    if program.folder is not None:
        sys.path.insert(0, str(program.folder))
    try:
        yield
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = argv, path, main
        with suppress(OSError):  # the program may have removed it
            os.chdir(here)  # what the user named is named from there


@contextmanager
def _watched_threads(outcome: Outcome) -> Iterator[None]:
    """Tell of what threads die of; a program's own `threading.excepthook` may hide the traceback.

    Our own threads report to `current.uncaught` before any hook is asked; others have the hook.
    """

    def uncaught(log: current.ThreadLog, error: BaseException) -> None:
        outcome.errors.append(sentence(error, log.name))

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit or args.exc_value is None:
            return
        name = "a thread" if args.thread is None else args.thread.name
        _print(args.exc_value, f"Exception in thread {name}:\n")
        if not isinstance(args.thread, sync.Thread):
            outcome.errors.append(sentence(args.exc_value, name))

    before, threading.excepthook = threading.excepthook, hook
    current.uncaught.append(uncaught)
    try:
        yield
    finally:
        current.uncaught.remove(uncaught)
        threading.excepthook = before


def _exited(error: SystemExit, outcome: Outcome) -> None:
    code = error.code
    if code is None or code == 0:
        return
    outcome.code = int(code) & 0xFF if isinstance(code, int) else 1
    if isinstance(code, int):
        outcome.errors.append(f"the program exited with code {int(code)}")
    else:
        sys.stderr.write(f"{code}\n")  # as Python does
        outcome.errors.append(f"the program exited with code 1: {code}")


def _print(error: BaseException, head: str = "") -> None:
    told = TracebackException.from_exception(error)
    _leave_out_ours(told)
    sys.stderr.write(head + "".join(told.format()))


def _leave_out_ours(told: TracebackException) -> None:
    """Keep the program's frames only, here and in what caused this or came with it."""
    told.stack[:] = [frame for frame in told.stack if not is_ours(frame.filename)]
    others = (told.__cause__, told.__context__, *(told.exceptions or ()))
    for other in others:
        if other is not None:
            _leave_out_ours(other)
