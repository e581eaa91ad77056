"""What stands after the target of a text trace's event: `racepage.trace.text` has the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from racepage.events import Kind, MemoryOrder, Op, Target
from racepage.trace.columns import NO_DETAIL, NOTHING, Detail, TraceBuilder
from racepage.trace.grammar import (
    BARE,
    NUMBER,
    QUOTED,
    MalformedError,
    read_name,
    read_range,
    read_target,
    shown,
)
from racepage.trace.shapes import FLAG_WORDS, SHAPES, flags_fit

_OPTION: Final = re.compile(
    rf"(?:([a-z]++)=((?:{QUOTED}|{BARE}|\[[^\]]*\])++)"
    rf"|(from)[ \t]+((?:[a-z]+:)?(?:{QUOTED}|{BARE}))(\[[^\]]*\])"
    r"|([a-z]++)"
    r"|(@)"
    r"|\#)(?:[ \t]+|\Z)"
)
_ORDERS: Final[dict[str, MemoryOrder]] = {
    order.name.lower(): order for order in MemoryOrder if order
}


@dataclass(slots=True)
class Options:
    """What was said; NOTHING where a number was not given.

    Attributes:
        asked: the range of user memory that `from` names.
        site: the text of the call site, or None.
        fields: of the event's `Detail`.
    """

    flags: int = 0
    order: MemoryOrder = MemoryOrder.NONE
    time: int = 0
    size: int = NOTHING
    moved: int = NOTHING
    asked: tuple[int, int] | None = None
    site: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def detail(self) -> Detail:
        """The event's detail."""
        return Detail(**self.fields) if self.fields else NO_DETAIL


def read_options(op: Op, text: str, builder: TraceBuilder) -> Options:
    """The options, flags and call site in `text`, of an event of `op`.

    Raises:
        MalformedError: for anything that `op` does not take.
    """
    options = Options()
    seen: set[str] = set()
    at = 0
    while at < len(text):
        found = _OPTION.match(text, at)
        if found is None:
            raise MalformedError(
                "expected an option (key=value), a flag, or @ and a call site, "
                f"found {shown(text[at:])}"
            )
        at = found.end()
        key, value, from_, user, span, word, site = found.groups()
        if site:
            options.site = text[at:]
            break
        if word:
            options.flags = _flag(op, options.flags, word)
            continue
        if from_:
            key, value = from_, user + span
        if key is None:  # a comment
            break
        if key not in _READ or (key != "time" and key not in SHAPES[op].details):
            raise MalformedError(f"{op.name.lower()} takes no option {shown(key)}")
        if key in seen:
            raise MalformedError(f"{key} is given twice")
        seen.add(key)
        _READ[key](options, key, value, builder)
    if op is Op.MAP and "as" not in seen:
        raise MalformedError("expected as=POINTER: map names the pointer that it makes")
    return options


def read_bare(kind: Kind, word: str) -> Target:
    """A thread or a pointer, which stands without its kind; `thread:t1` means `t1` too."""
    prefix = f"{kind.name.lower()}:"
    return read_target(word) if word.startswith(prefix) else Target(kind, read_name(word))


def _flag(op: Op, flags: int, word: str) -> int:
    flag = FLAG_WORDS.get(word)
    if flag is None:
        raise MalformedError(f"expected a flag ({', '.join(FLAG_WORDS)}), found {shown(word)}")
    if not flags_fit(op, flags | flag):
        raise MalformedError(f"{op.name.lower()} takes no {word} here")
    return flags | int(flag)


def _number(options: Options, key: str, value: str, _: TraceBuilder) -> None:
    if not re.fullmatch(NUMBER, value):
        raise MalformedError(
            f"expected a number of at most 18 digits after {key}=, found {shown(value)}"
        )
    setattr(options, key, int(value))


def _pointer(options: Options, _: str, value: str, builder: TraceBuilder) -> None:
    options.fields["via"] = builder.target(read_bare(Kind.POINTER, value))


def _slice(options: Options, _: str, value: str, __: TraceBuilder) -> None:
    options.fields["bound"] = read_range(value)


def _order(options: Options, _: str, value: str, __: TraceBuilder) -> None:
    if value not in _ORDERS:
        raise MalformedError(f"expected an order ({', '.join(_ORDERS)}), found {shown(value)}")
    options.order = _ORDERS[value]


def _bytes(options: Options, key: str, value: str, _: TraceBuilder) -> None:
    try:
        options.fields[key] = bytes.fromhex(read_name(value))
    except ValueError:
        raise MalformedError(f"expected hexadecimal after {key}=, found {shown(value)}") from None


def _user(options: Options, _: str, value: str, builder: TraceBuilder) -> None:
    name, bracket, span = value.rpartition("[")
    target = read_target(name)
    if target.kind is not Kind.USER:
        raise MalformedError(f"expected user:ID[a:b] after from, found {shown(value)}")
    options.asked = read_range(bracket + span)
    options.fields["source"] = builder.target(target)
    options.fields["source_offset"] = options.asked[0]


_READ: Final[dict[str, Callable[[Options, str, str, TraceBuilder], None]]] = {
    "time": _number,
    "size": _number,
    "moved": _number,
    "via": _pointer,
    "as": _pointer,
    "slice": _slice,
    "order": _order,
    "old": _bytes,
    "new": _bytes,
    "from": _user,
}
