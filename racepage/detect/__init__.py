"""Shadow pages, races, lifetime and mapping checks: from a trace to its findings."""

from racepage.detect.analysis import Engine, analyse

__all__ = ["Engine", "analyse"]
