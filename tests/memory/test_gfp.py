from __future__ import annotations

import pytest

from racepage.memory import (
    __GFP_HIGHMEM,
    __GFP_ZERO,
    GFP_ATOMIC,
    GFP_HIGHMEM,
    GFP_KERNEL,
    GFP_NOWAIT,
    GFP_ZERO,
    Flags,
)

ALL = (GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, __GFP_ZERO, __GFP_HIGHMEM)


def test_or_has_the_bits_of_both() -> None:
    both = GFP_KERNEL | __GFP_ZERO
    assert both.as_raw() == GFP_KERNEL.as_raw() | __GFP_ZERO.as_raw()
    assert both.contains(GFP_KERNEL)
    assert both.contains(__GFP_ZERO)
    assert not both.contains(__GFP_HIGHMEM)


def test_and_and_not_take_bits_away() -> None:
    assert (GFP_KERNEL | __GFP_ZERO) & ~__GFP_ZERO == GFP_KERNEL


def test_flags_are_told_apart() -> None:
    assert len({flags.as_raw() for flags in ALL}) == len(ALL)


def test_zero_and_highmem_are_not_part_of_the_other_flags() -> None:
    # include/linux/gfp_types.h: neither modifier belongs to a GFP_ combination.
    for flags in (GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT):
        assert not (flags & __GFP_ZERO).as_raw()
        assert not (flags & __GFP_HIGHMEM).as_raw()


def test_flags_mix_with_flags_only() -> None:
    with pytest.raises(TypeError):
        _ = GFP_KERNEL | 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        _ = GFP_KERNEL & 1  # type: ignore[operator]


class TestInsideAClass:
    def test_the_short_names_are_the_same_flags(self) -> None:
        # `__GFP_ZERO` would be looked up as `_TestInsideAClass__GFP_ZERO` here.
        assert Flags(0x100) == GFP_ZERO
        assert Flags(0x02) == GFP_HIGHMEM
