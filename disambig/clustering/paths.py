"""Shortest paths between signatures that must-links connect."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence


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
