"""What is not to count, and why: every "ignore this" in one place."""

from __future__ import annotations

from racepage.policy.scope import racy_ok

__all__ = ["racy_ok"]
