"""What an access did to the bytes of a finding, in one line: `value changed: 0a00 -> 0b00`."""

from __future__ import annotations

from typing import Final

from racepage.finding import Values

SHOWN: Final = 12
"""Bytes that are told of each side; of more, those from the first that differs."""


def change(values: Values, overlap: tuple[int, int] | None) -> str:
    """The bytes in hexadecimal; from which byte of the page on, where equal ones are left out."""
    old, new = values.old, values.new
    if new is None:
        return f"value read: {_hex(old or b'')}"
    if old is None:
        return f"value written: {_hex(new)}"
    if old == new:
        return f"value unchanged: {_hex(old)}"
    start = 0
    if max(len(old), len(new)) > SHOWN:
        both = zip(old, new, strict=False)
        start = next((at for at, (one, other) in enumerate(both) if one != other), 0)
    note = f", from byte {start + (overlap or (0, 0))[0]} on" if start else ""
    return f"value changed: {_hex(old[start:])} -> {_hex(new[start:])}{note}"


def _hex(data: bytes) -> str:
    return data[:SHOWN].hex() + ("…" if len(data) > SHOWN else "")
