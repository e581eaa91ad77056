"""`racy_ok`: a program says that here races are meant."""

from __future__ import annotations

from sys import _getframe
from types import TracebackType
from typing import Final, Self

from racepage.events import Flag, Op
from racepage.execution import current

_BEGIN: Final = current.word(Op.RACY_OK, Flag.BEGIN)
_END: Final = current.word(Op.RACY_OK, Flag.END)

_reasons: Final[dict[str, int]] = {}
"""reason -> its number. A scope in a loop has one reason, however often it is entered."""


class racy_ok:  # noqa: N801  (it reads as a statement: `with racy_ok("a statistic"):`)
    """A scope whose races are meant: `with racepage.racy_ok("a statistic, may be off by some"):`.

    Of what the current thread does in it, `data-race`, `mixed-size-atomic`, `exclusive-violation`
    and `double-fetch` are reported as suppressed, with the reason, and do not count for the
    verdict. Scopes nest: the innermost gives the reason. Other threads are not in the scope, and
    other kinds of findings are not suppressed: a use after free is nothing that anybody means.

    One object may serve any number of scopes, in any number of threads.
    """

    __slots__ = ("_number",)

    def __init__(self, reason: str) -> None:
        """Take the reason, which is for the readers of the report.

        Raises:
            TypeError: `reason` is no string.
            ValueError: it says nothing.
        """
        if not isinstance(reason, str):
            raise TypeError(f"a reason is a string, not {type(reason).__name__}")
        if not reason.strip():
            raise ValueError("say why the race is meant: a reader of the report wants to know")
        number = _reasons.get(reason)
        if number is None:
            number = _reasons.setdefault(reason, current.new_reason(reason))
        self._number = number

    def __enter__(self) -> Self:
        if current.mode:
            current.note(_BEGIN, self._number, 0, 0, _getframe(1))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if current.mode:
            current.note(_END, self._number, 0, 0, _getframe(1))
