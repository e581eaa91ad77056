"""The page's own files, joined: one style sheet, one script.

Each JavaScript file is a module that Node's tests import as it stands. In the page each becomes a
function that is called at once and returns what the others import from it; they stand in the order
in which they need each other. Two forms of lines are all that is changed for that:

    import { one, two } from "./name.mjs";      ->      const { one, two } = modules.name;
    export function one() {                     ->      function one() {
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

_IMPORT: Final = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.mjs";$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)
_STYLES: Final = ("tokens.css", "frame.css", "panes.css")


def script(main: str = "main") -> str:
    """The JavaScript of the page: a function that is called at once.

    Args:
        main: the module that begins: `main` for a page that is whole, `live` for one that asks the
            server that it came from for more.
    """
    texts: dict[str, str] = {}
    wanted: dict[str, set[str]] = {}
    _gather(main, texts, wanted)
    parts = (_module(name, text, sorted(wanted.get(name, ()))) for name, text in texts.items())
    return '(() => {\n"use strict";\nconst modules = {};\n' + "\n".join(parts) + "})();\n"


def style() -> str:
    """The CSS of the page."""
    return "\n".join(map(_read, _STYLES))


def skeleton() -> str:
    """The page's HTML, with `{{…}}` where something goes."""
    return _read("page.html")


def _gather(name: str, texts: dict[str, str], wanted: dict[str, set[str]]) -> None:
    """Put a module behind those that it imports, and note what it wants of them."""
    text = _read(f"{name}.mjs")
    for names, other in _IMPORT.findall(text):
        wanted.setdefault(other, set()).update(re.findall(r"\w+", names))
        if other not in texts:
            _gather(other, texts, wanted)
    texts[name] = text


def _module(name: str, text: str, gives: list[str]) -> str:
    body = _EXPORT.sub("", _IMPORT.sub(r"const \1 = modules.\2;", text))
    return f"modules.{name} = (() => {{\n{body}return {{ {', '.join(gives)} }};\n}})();\n"


def _read(name: str) -> str:
    return files("racepage.report.viewer").joinpath(name).read_text("utf-8")
