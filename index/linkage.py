"""Group items by links between some of them so that chains of links do not run together.

Average linkage (Sokal & Michener 1958) in which a pair without a link counts as similarity 0: a group is joined to
another only where nearly all pairs across are linked, close to complete linkage but forgiving a missing link.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence

Links = Mapping[tuple[int, int], float]


def group(links: Links, threshold: float) -> list[tuple[int, ...]]:
    """Return groups of two or more items, each ascending, in order.

    ``links`` maps (a, b) with a < b to a similarity over 0. The two groups of the highest average similarity are joined
    until it falls under ``threshold``; of equal ones the pair with the smallest items goes first, so the result depends on
    nothing but the links. O(n log n) in the number of links, times the size of the largest neighbourhood.
    """
    items = sorted({item for pair in links for item in pair})
    return [found for found in join([(item,) for item in items], links, threshold) if len(found) > 1]


def join(groups: Sequence[tuple[int, ...]], links: Links, threshold: float) -> list[tuple[int, ...]]:
    """Return ``groups``, which share no items, after joining those of high average similarity as ``group`` does."""
    # A group goes by its smallest item.
    members = {min(items): tuple(sorted(items)) for items in groups}
    across = _across(members, links)
    heap: list[tuple[float, int, int]] = []

    def average(a: int, b: int) -> float:
        return across[a][b] / (len(members[a]) * len(members[b]))

    def offer(a: int, b: int) -> None:
        if average(a, b) >= threshold:
            heapq.heappush(heap, (-average(a, b), min(a, b), max(a, b)))

    for a, others in across.items():
        for b in others:
            if a < b:
                offer(a, b)
    while heap:
        offered, a, b = heapq.heappop(heap)
        # One of the two was joined to another since: what it came to was offered anew.
        if b not in across.get(a, {}) or -offered != average(a, b):
            continue
        members[a] = tuple(sorted(members[a] + members.pop(b)))
        for other, total in across.pop(b).items():
            del across[other][b]
            if other != a:
                across[a][other] = across[other][a] = across[a].get(other, 0.0) + total
        for other in across[a]:
            offer(a, other)
    return sorted(members.values())


def _across(members: Mapping[int, tuple[int, ...]], links: Links) -> dict[int, dict[int, float]]:
    """Return group to linked group to the sum of the similarities across, both ways."""
    name = {item: first for first, items in members.items() for item in items}
    across: dict[int, dict[int, float]] = defaultdict(dict)
    for (a, b), similarity in links.items():
        if a in name and b in name and name[a] != name[b]:
            total = across[name[a]].get(name[b], 0.0) + similarity
            across[name[a]][name[b]] = across[name[b]][name[a]] = total
    return across
