"""Allocation flags: what the page allocator may do, and what it is to hand out.

Source: `include/linux/gfp_types.h`, and `Flags` of `rust/kernel/alloc.rs`. The numbers are those of
a current kernel; they are no part of its interface, and none of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Flags:
    """Allocation flags; `|` adds, `&` and `~` pick out."""

    raw: int

    def as_raw(self) -> int:
        """The flags as the kernel's integer."""
        return self.raw

    def contains(self, flags: Flags) -> bool:
        """Whether every bit of `flags` is set."""
        return self.raw & flags.raw == flags.raw

    def __or__(self, other: Flags) -> Flags:
        if not isinstance(other, Flags):
            return NotImplemented
        return Flags(self.raw | other.raw)

    def __and__(self, other: Flags) -> Flags:
        if not isinstance(other, Flags):
            return NotImplemented
        return Flags(self.raw & other.raw)

    def __invert__(self) -> Flags:
        return Flags(~self.raw & _ALL)


_ALL: Final = 0xFFFF_FFFF

_HIGH: Final = Flags(0x20)
_IO: Final = Flags(0x40)
_FS: Final = Flags(0x80)
_DIRECT_RECLAIM: Final = Flags(0x400)
_KSWAPD_RECLAIM: Final = Flags(0x800)
_NOWARN: Final = Flags(0x2000)

GFP_KERNEL: Final = _DIRECT_RECLAIM | _KSWAPD_RECLAIM | _IO | _FS
"""May sleep: the usual choice."""

GFP_ATOMIC: Final = _HIGH | _KSWAPD_RECLAIM
"""Must not sleep, and may use reserves."""

GFP_NOWAIT: Final = _KSWAPD_RECLAIM | _NOWARN
"""Must not sleep, and may fail."""

__GFP_ZERO: Final = Flags(0x100)
"""The page's bytes are zero; without it they are uninitialised."""

__GFP_HIGHMEM: Final = Flags(0x02)
"""The page need not be mapped for good: it is touched through `kmap_local` only."""

# Inside a class body Python rewrites names that begin with two underscores.
GFP_ZERO: Final = __GFP_ZERO
GFP_HIGHMEM: Final = __GFP_HIGHMEM


def allows_sleeping(flags: Flags) -> bool:
    """Whether an allocation with these may sleep: `gfpflags_allow_blocking`."""
    return flags.contains(_DIRECT_RECLAIM)
