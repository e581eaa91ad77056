"""Explorations of the programs of the exact numbers, with nothing that costs executions besides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from racepage.exploration.api import explore, explore_threads
from racepage.exploration.result import Exploration
from tests.exploration.public_programs import Kind, Program

IS_DEEP = settings().max_examples == settings.get_profile("deep").max_examples

slow = pytest.mark.skipif(not IS_DEEP, reason="many executions: --hypothesis-profile=deep")


def threads(program: Program, kind: Kind = "cells", **options: Any) -> Exploration:
    """Explore threads that are all there from the beginning."""
    options = {"executions": None, "findings": None, "shrinks": 0, "seconds": None} | options
    return explore_threads(program.threads, setup=program.shared(kind), **options)


def spawned(program: Program, **options: Any) -> Exploration:
    """Explore threads that a main thread starts one by one, and joins."""
    options = {"executions": None, "findings": None, "shrinks": 0, "seconds": None} | options
    return explore(program.spawned(), **options)


def hits(exploration: Exploration) -> int:
    """How many executions showed the bug."""
    return exploration.outcomes.get("failed", 0) + exploration.outcomes.get("deadlock", 0)
