"""Connected components of a graph whose edges come one by one, and shortest paths in it.

Pure Python, so that the service imports it at once. Where all edges are in arrays, use
:func:`scipy.sparse.csgraph.connected_components`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

Node = TypeVar("Node", bound=Any)
"""Hashable and ordered."""


class DisjointSets(Generic[Node]):
    """Connected components of nodes (union-find); the root of each is its lowest node."""

    def __init__(self) -> None:
        """Start with every node on its own."""
        self._parent: dict[Node, Node] = {}

    def find_root(self, node: Node) -> Node:
        """Return the root of a node's component."""
        root = node
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while (parent := self._parent.get(node, root)) != root:
            self._parent[node] = root
            node = parent
        return root

    def join(self, a: Node, b: Node) -> bool:
        """Join the components of two nodes; return False if they are already one component."""
        low, high = sorted((self.find_root(a), self.find_root(b)))
        self._parent[high] = self._parent[low] = low
        return bool(low != high)

    def get_roots(self) -> dict[Node, Node]:
        """Return the root of each node that was joined."""
        return {node: self.find_root(node) for node in self._parent}


def find_shortest_path(neighbours: Mapping[int, Sequence[int]], start: int, goal: int) -> list[int]:
    """Return the nodes from start to goal through keys of ``neighbours``; [] without a path."""
    came_from = {start: start}
    queue = deque([start])
    while queue and goal not in came_from:
        node = queue.popleft()
        for other in neighbours[node]:
            if other not in came_from and other in neighbours:
                came_from[other] = node
                queue.append(other)
    if goal not in came_from:
        return []
    path = [goal]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]
