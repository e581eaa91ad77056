from __future__ import annotations

import pytest

from racepage.finding import Values
from racepage.report.change import change

LONG = bytes(range(32))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"\x0a\0", b"\x0b\0", "value changed: 0a00 -> 0b00"),
        (b"\x0a\0", b"\x0a\0", "value unchanged: 0a00"),
        (b"\x0a\0", None, "value read: 0a00"),
        (None, b"\x0a\0", "value written: 0a00"),
        (b"", b"", "value unchanged: "),
        (bytes(12), bytes(11) + b"\1", f"value changed: {'00' * 12} -> {'00' * 11}01"),
        (LONG, LONG[::-1], "value changed: 000102030405060708090a0b… -> 1f1e1d1c1b1a191817161514…"),
        (
            LONG,
            LONG[:20] + b"\xff" + LONG[21:],
            "value changed: 1415161718191a1b1c1d1e1f -> ff15161718191a1b1c1d1e1f, from byte 120 on",
        ),
        (LONG, LONG[:31] + b"\xff", "value changed: 1f -> ff, from byte 131 on"),
    ],
)
def test_a_change_is_told_in_one_line(old: bytes | None, new: bytes | None, told: str) -> None:
    assert change(Values(old, new), (100, 132)) == told
