"""What became of each case of a source: a .toml list, held to the tests and to the README."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Section:
    """Names of cases; `tests` leads from a case to the function that tests it."""

    traces: tuple[str, ...]
    tests: dict[str, str]
    different: tuple[str, ...]
    later: tuple[str, ...]
    not_expressible: tuple[str, ...]

    @property
    def expressed(self) -> tuple[str, ...]:
        """The cases that are tested; what is different on purpose is among them."""
        return (*self.traces, *self.tests)

    @property
    def numbers(self) -> list[int]:
        """A row of the README's table."""
        left = len(self.later), len(self.not_expressible)
        tested = len(self.expressed)
        return [tested + sum(left), tested, tested, len(self.different), *left]


def sections(source: str) -> dict[str, Section]:
    """The sections of a source, `tsan`, by their letters."""
    lists = tomllib.loads((HERE / f"{source}.toml").read_text(encoding="utf-8"))
    return {
        letter: Section(
            tests=entry.pop("tests", {}),
            **{
                field: tuple(entry.pop(field, "").split())
                for field in ("traces", "different", "later", "not_expressible")
            },
            **entry,
        )
        for letter, entry in lists.items()
    }


def is_held(source: str) -> None:
    """Assert that every case is once in the list, and is what the list says of it.

    A case with a trace has one in the source's folder, and no trace there is of no case; one with a
    test has a function of that name; what is not tested, or different, is named by the README.
    """
    listed = sections(source)
    names = [
        name
        for section in listed.values()
        for name in (*section.expressed, *section.later, *section.not_expressible)
    ]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    cases = {name.replace("/", "-") for section in listed.values() for name in section.traces}
    stems = {path.stem for path in (HERE / source).glob("*.trace")}
    found = {stem if stem in cases else re.sub(r"-\d+$", "", stem) for stem in stems}
    assert found == cases
    code = "".join(path.read_text(encoding="utf-8") for path in HERE.glob(f"test_{source}*.py"))
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    for section in listed.values():
        assert set(section.different) <= set(section.expressed)
        for test in section.tests.values():
            assert f"def {test}(" in code
        for name in (*section.different, *section.later, *section.not_expressible):
            assert f"`{name}`" in readme, name


def readme_rows(source: str) -> dict[str, list[int]]:
    """What the README's table says of a source: letter of the section, or the source -> numbers."""
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    row = rf"^\| `{source}`: [^|]*?(?:\((\w)\) )?((?:\| \d+ ){{6}})\|$"
    return {
        letter or source: [int(number) for number in re.findall(r"\d+", numbers)]
        for letter, numbers in re.findall(row, readme, flags=re.MULTILINE)
    }
