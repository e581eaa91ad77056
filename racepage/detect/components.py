"""Strongly connected components: Tarjan's algorithm (SIAM J. Comput. 1972), without recursion.

Cost: one look at each edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def components(after: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Node -> one node of its component, the same for all of them; for those of several nodes.

    Args:
        after: node -> the nodes that its edges lead to.
    """
    walk = _Walk(after)
    for node in list(after):
        if node not in walk.index:
            walk.from_(node)
    return walk.found


class _Walk:
    """A walk in depth.

    Attributes:
        index: node -> when it was come to.
        found: node -> its component.
    """

    def __init__(self, after: Mapping[int, Sequence[int]]) -> None:
        self._after = after
        self._low: dict[int, int] = {}  # the earliest node that it is known to lead back to
        self._open: list[int] = []  # nodes whose component is not complete
        self._closed: set[int] = set()
        self.index: dict[int, int] = {}
        self.found: dict[int, int] = {}

    def from_(self, root: int) -> None:
        """Come to every node that `root` leads to, and was not come to before."""
        low = self._low
        path = [(root, self._enter(root))]
        while path:
            node, following = path[-1]
            other = self._next(node, following)
            if other is not None:
                path.append((other, self._enter(other)))
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
            if low[node] == self.index[node]:
                self._close(node)

    def _enter(self, node: int) -> Iterator[int]:
        self.index[node] = self._low[node] = len(self.index)
        self._open.append(node)
        return iter(self._after.get(node, ()))

    def _next(self, node: int, following: Iterator[int]) -> int | None:
        """The next node that an edge leads to for the first time."""
        for other in following:
            if other not in self.index:
                return other
            if other not in self._closed:
                self._low[node] = min(self._low[node], self.index[other])
        return None

    def _close(self, node: int) -> None:
        """The component of `node` is what was come to since, and not closed."""
        alone = self._open[-1] == node
        while node not in self._closed:
            member = self._open.pop()
            self._closed.add(member)
            if not alone:
                self.found[member] = node
