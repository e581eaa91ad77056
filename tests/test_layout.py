"""Data goes one way: a module imports only from lower floors, or from its own room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "racepage"

FLOORS = {
    "racepage": 0,  # the lazy front door, which no room imports; checked on its own below
    "racepage.events": 0,
    "racepage.clock": 0,
    "racepage.finding": 0,
    "racepage.errors": 0,
    "racepage.cache": 0,
    "racepage.jit": 0,
    "racepage.structs": 0,
    "racepage.trace": 1,
    "racepage.order": 2,
    "racepage.execution": 3,
    "racepage.detect": 3,
    "racepage.memory": 4,
    "racepage.policy": 4,
    "racepage.sync": 4,
    "racepage.exploration": 5,
    "racepage.report": 6,
    "racepage.workloads": 6,
    "racepage.stress": 7,
    "racepage.cli": 8,  # its verb stress shows what the suite does
    "racepage.pytest_plugin": 7,
}
"""DESIGN.md, section 2. A room is a module or a package; its modules are on its floor."""

SAME_FLOOR = {
    ("racepage.finding", "racepage.events"),  # a finding holds stacks
    ("racepage.jit", "racepage.cache"),  # what is compiled is kept
    ("racepage.jit", "racepage.errors"),  # there may be no compiler
    ("racepage.pytest_plugin", "racepage.cli"),  # [tool.racepage] is read in one place
}
"""The imports between two rooms of one floor that there are reasons for."""


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def imports(source: str, module: str) -> Iterator[str]:
    """Every module of racepage that `source` imports, wherever in it, for types only or not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "racepage")
        elif isinstance(node, ast.ImportFrom) and node.level:
            pytest.fail(f"{module}: import from racepage.…, not from .")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "racepage":
            for name in node.names:
                if (node.module, name.name) == ("racepage", "__version__"):
                    continue  # the one thing that stands in the front door itself
                whole = f"{node.module}.{name.name}"
                yield whole if whole in MODULES else str(node.module)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def violations(source: str, module: str) -> list[str]:
    here = room(module)
    wrong = []
    for other in imports(source, module):
        there = room(other)
        allowed = (
            there == here
            or (here, there) in SAME_FLOOR
            or (there != "racepage" and FLOORS.get(there, 99) < FLOORS[here])
        )
        if not allowed:
            wrong.append(f"{module} (floor {FLOORS[here]}) imports {other}")
    return wrong


def test_every_room_has_a_floor() -> None:
    assert {room(module) for module in MODULES} == set(FLOORS)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"racepage"}))
def test_imports_go_down(module: str) -> None:
    assert violations(MODULES[module].read_text("utf-8"), module) == []


def test_the_front_door_imports_lazily() -> None:
    tree = ast.parse(MODULES["racepage"].read_text("utf-8"))
    eager = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [ast.unparse(node) for node in eager]
    assert not [name for name in names if "racepage" in name]


@pytest.mark.parametrize(
    "source",
    [
        "import racepage.cli.run",
        "from racepage.report import text",
        "from racepage import sync",
        "def later():\n    from racepage.workloads import WORKLOADS",
        "if TYPE_CHECKING:\n    from racepage.report.text import render",
        "files = import_module('racepage.cli.run')",
        "from racepage import record",
        "import racepage",
    ],
)
def test_an_import_that_goes_up_is_seen(source: str) -> None:
    assert len(violations(source, "racepage.trace.columns")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from racepage.events import Op",
        "from racepage.trace import columns",
        "from racepage import __version__",
        "import numpy",
        "from racepage.order.hb import HappensBefore",
    ],
)
def test_an_import_that_goes_down_is_fine(source: str) -> None:
    assert violations(source, "racepage.order.stamps") == []
