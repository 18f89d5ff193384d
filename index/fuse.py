"""Fuse ranked lists by reciprocal ranks (Cormack, Clarke & Büttcher 2009)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

RANK_CONSTANT = 60


def fuse(ranked: Mapping[str, Sequence[int]], weights: Mapping[str, float]) -> list[tuple[int, float]]:
    """Return (key, score) over all lists, best first; a score of 1 means first in every list.

    ``ranked`` maps a leg's name to its keys, best first; ``weights`` gives each leg's share.
    """
    best = sum(weights[leg] for leg in ranked) / (RANK_CONSTANT + 1)
    scores: dict[int, float] = {}
    for leg, keys in ranked.items():
        for rank, key in enumerate(keys, 1):
            scores[key] = scores.get(key, 0.0) + weights[leg] / (RANK_CONSTANT + rank)
    return sorted(((key, score / best) for key, score in scores.items()), key=lambda scored: (-scored[1], scored[0]))
