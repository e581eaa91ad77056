r"""The words that text traces and recorded traces share: names, targets, ranges, call stacks.

    name    = bare | JSON string           bare = [\w.:/#-]+
    target  = kind ":" name                kind = page user cell sync lock thread pointer
    range   = "[" number ":" number "]"    half open; at most 18 digits a number
    stack   = frame (" < " frame)*         innermost first
    frame   = file ":" line [" " function]

A name that stands without its kind (a thread, a pointer) is quoted where it begins like a target
(`"page:0"`) or with `#`. A file and a function are bare where they are printable ASCII and word
characters without `"`; a function called `<` or `#` is quoted. An empty function is left out. JSON
strings escape whatever is not ASCII, so that a file never holds a control character.
"""

from __future__ import annotations

import json
import re
from typing import Final

from racepage.events import Frame, Kind, Stack, Target

KINDS: Final[dict[str, Kind]] = {kind.name.lower(): kind for kind in Kind}
KIND_NAMES: Final = tuple(KINDS)

BARE: Final = r"[\w.:/#-]++"
QUOTED: Final = r'"(?:[^"\\]|\\.)*+"'
NUMBER: Final = r"[0-9]{1,18}+"

_RANGE: Final = re.compile(rf"\[({NUMBER}):({NUMBER})\]")
_BARE_NAME: Final = re.compile(BARE)
_LIKE_ANOTHER: Final = re.compile(rf"#|(?:{'|'.join(KINDS)}):")
_TARGET: Final = re.compile(rf"({'|'.join(KINDS)}):({QUOTED}|{BARE})")
_FRAME_BARE: Final = r"[!#-~\w]"
_FRAME_WORD: Final = re.compile(rf"(?![<#]\Z){_FRAME_BARE}+")
_FRAME: Final = re.compile(
    rf"[ \t]*({QUOTED}|{_FRAME_BARE}+):({NUMBER})"
    rf"(?:[ \t]+(?![<#](?:\s|\Z))({QUOTED}|{_FRAME_BARE}++))?"
    r"[ \t]*(?:(<)(?=[ \t])|#(?:\s.*)?\Z|\Z)"
)


class MalformedError(ValueError):
    """Text that is not in the grammar; the message says what was expected and what was found."""


def shown(text: str) -> str:
    """A piece of a file, fit to stand in a one-line message."""
    longest = 60
    return json.dumps(text if len(text) <= longest else text[:longest] + "...")


def write_name(name: str) -> str:
    """The name as it stands without a kind."""
    bare = _BARE_NAME.fullmatch(name) and not _LIKE_ANOTHER.match(name)
    return name if bare else json.dumps(name)


def read_name(word: str) -> str:
    """The name that a word of the grammar spells.

    Raises:
        MalformedError: for a bad JSON string, or a bare name that looks like a target.
    """
    if not word.startswith('"'):
        if _LIKE_ANOTHER.match(word) or not _BARE_NAME.fullmatch(word):
            raise MalformedError(f"expected a name, found {shown(word)}; quote it if it is one")
        return word
    return _unquote(word)


def _unquote(word: str) -> str:
    try:
        name = json.loads(word)
    except ValueError as error:
        raise MalformedError(f"expected a JSON string, found {shown(word)}: {error}") from None
    return str(name)


def write_target(target: Target) -> str:
    """`kind:name`, the name quoted where it has to be."""
    bare = _BARE_NAME.fullmatch(target.name)
    name = target.name if bare else json.dumps(target.name)
    return f"{KIND_NAMES[target.kind]}:{name}"


def read_target(word: str) -> Target:
    """The target that `kind:name` spells.

    Raises:
        MalformedError: for anything else.
    """
    found = _TARGET.fullmatch(word)
    if found is None:
        raise MalformedError(
            f"expected a target ({', '.join(KIND_NAMES[:5])}, a colon, a name), found {shown(word)}"
        )
    name = found[2]
    return Target(KINDS[found[1]], _unquote(name) if name.startswith('"') else name)


def read_range(word: str) -> tuple[int, int]:
    """The two ends that `[a:b]` spells.

    Raises:
        MalformedError: for anything else, or where b comes before a.
    """
    found = _RANGE.fullmatch(word)
    if found is None:
        raise MalformedError(
            f"expected a range [a:b] of at most 18 digits each, found {shown(word)}"
        )
    low, high = int(found[1]), int(found[2])
    if low > high:
        raise MalformedError(f"the range {word} ends before it starts")
    return low, high


def write_stack(stack: Stack) -> str:
    """The frames, innermost first; empty for an empty stack."""
    return " < ".join(
        f"{_write_word(file)}:{max(line, 0)}{' ' if function else ''}"
        f"{_write_word(function) if function else ''}"
        for file, line, function in stack
    )


def _write_word(word: str) -> str:
    return word if _FRAME_WORD.fullmatch(word) else json.dumps(word)


def read_stack(text: str) -> Stack:
    """The frames that `text` spells, up to its end or a comment.

    Raises:
        MalformedError: where a frame was expected and something else was found.
    """
    frames: list[Frame] = []
    at = 0
    while True:
        found = _FRAME.match(text, at)
        if found is None:
            raise MalformedError(
                f"expected a call site (FILE:LINE FUNCTION < ...), found {shown(text[at:].strip())}"
            )
        file, line, function, more = found.groups()
        frames.append(Frame(_read_word(file), int(line), _read_word(function or "")))
        if more is None:
            return tuple(frames)
        at = found.end()


def _read_word(word: str) -> str:
    return _unquote(word) if word.startswith('"') else word
