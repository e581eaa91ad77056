"""Strongly connected components, against reachability."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from racepage.detect.components import components

edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=24)


def reached(after: dict[int, list[int]], start: int) -> set[int]:
    found, waiting = set(), [start]
    while waiting:
        for node in after.get(waiting.pop(), []):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


@settings(max_examples=settings().max_examples // 8)
@given(edges)
def test_a_component_is_what_leads_to_each_other(pairs: list[tuple[int, int]]) -> None:
    after: dict[int, list[int]] = {}
    for one, other in pairs:
        if one != other:
            after.setdefault(one, []).append(other)
    to = {node: reached(after, node) for node in range(8)}
    found = components(after)
    assert set(found) == {node for node in range(8) if node in to[node]}
    for one in found:
        for other in found:
            together = one == other or (other in to[one] and one in to[other])
            assert (found[one] == found[other]) == together


def test_a_long_path_is_walked_without_recursion() -> None:
    ring = {node: [(node + 1) % 100_000] for node in range(100_000)}
    assert len(set(components(ring).values())) == 1
    assert components({node: [node + 1] for node in range(100_000)}) == {}
