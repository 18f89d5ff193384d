"""Grouping by average linkage: against a plain implementation, chains, independence of names and order."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from index.linkage import group, join

# Powers of two add and average exactly, so that equal averages are equal however they came about.
SIMILARITIES = st.sampled_from([0.25, 0.5, 0.75, 1.0])
GRAPHS = st.dictionaries(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]), SIMILARITIES, max_size=30
)


def plainly(links: dict[tuple[int, int], float], threshold: float) -> list[tuple[int, ...]]:
    groups = [(item,) for item in sorted({item for pair in links for item in pair})]
    while True:
        best = None
        for a, b in combinations(sorted(groups), 2):
            across = sum(links.get((min(x, y), max(x, y)), 0.0) for x in a for y in b)
            average = across / (len(a) * len(b))
            if average >= threshold and (best is None or average > best[0]):
                best = (average, a, b)
        if best is None:
            return sorted(found for found in groups if len(found) > 1)
        _, a, b = best
        groups = [found for found in groups if found not in (a, b)] + [tuple(sorted(a + b))]


@given(GRAPHS, st.sampled_from([0.4, 0.5, 0.6, 0.8]))
def test_it_is_average_linkage_with_missing_links_as_zero(
    links: dict[tuple[int, int], float], threshold: float
) -> None:
    assert group(links, threshold) == plainly(links, threshold)


@given(GRAPHS, st.randoms(use_true_random=False))
def test_the_order_of_links_does_not_matter(links: dict[tuple[int, int], float], random) -> None:
    shuffled = list(links.items())
    random.shuffle(shuffled)
    assert group(dict(shuffled), 0.5) == group(links, 0.5)


def test_a_chain_does_not_run_together() -> None:
    links = {(n, n + 1): 0.9 for n in range(6)}
    assert group(links, 0.6) == [(0, 1), (2, 3), (4, 5)]


def test_a_missing_link_is_forgiven_where_the_others_are_strong() -> None:
    links = {(a, b): 0.95 for a, b in combinations(range(5), 2) if (a, b) != (0, 4)}
    assert group(links, 0.7) == [(0, 1, 2, 3, 4)]


def test_groups_join_at_a_lower_average() -> None:
    links = {(0, 1): 0.9, (2, 3): 0.9, (0, 2): 0.7, (0, 3): 0.7, (1, 2): 0.7, (1, 3): 0.7, (3, 4): 0.7}
    groups = group(links, 0.8)
    assert groups == [(0, 1), (2, 3)]
    assert join(groups, links, 0.65) == [(0, 1, 2, 3)]
