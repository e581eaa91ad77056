"""What is not to count, and why: every "ignore this" in one place.

A finding that is real may still be meant, or known. Three ways say so, in the order in which they
are asked; what one has taken the next does not see:

1. `racy_ok` (scope.py), in the program: here races are meant. The analysis has seen to it.
2. Suppressions (suppress.py), in a file or pyproject.toml: by rule, function, file, page or lock,
   with a reason and, if wanted, a last day.
3. A baseline (baseline.py), written by racepage: what was there on the day it was written.

Nothing is dropped: what does not count has `Finding.suppressed` set, and every report has it. What
matched nothing, is past its day or is gone from the code is told too (apply.py).
"""

from __future__ import annotations

from racepage.policy.scope import racy_ok

__all__ = ["racy_ok"]
