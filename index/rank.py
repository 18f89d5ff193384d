"""Rank what the legs found by the probability that it answers the query.

One logistic regression over the features of ``index.features``, fitted by ``bench/fit_ranking.py`` on the development
queries of ``corpus/labelled/search``, among them queries without an answer. Its output is the hit's probability; how far it
can be trusted stands in results/search.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from index.features import NAMES, Table


@dataclass(frozen=True)
class Ranking:
    """A fitted model: features are centred on ``mean``, divided by ``scale``, weighed and put through the logistic.

    Cosines differ in scale between embedders: only with ``embedder`` are the outputs probabilities, with any other they
    still rank.
    """

    embedder: str
    mean: Table
    scale: Table
    weights: Table
    intercept: float

    def probabilities(self, features: Table) -> NDArray[np.float64]:
        """Return the probability of each row of ``features`` (n, len(NAMES)) to be relevant."""
        odds = ((features - self.mean) / self.scale) @ self.weights + self.intercept
        found: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
        return found


@cache
def shipped() -> Ranking:
    """Return the model of ``ranking.json``; raises ValueError where it was fitted on other features."""
    data = json.loads(files("index").joinpath("ranking.json").read_text(encoding="utf-8"))
    if tuple(data["features"]) != NAMES:
        raise ValueError("index/ranking.json was fitted on other features: run bench/fit_ranking.py")
    return Ranking(
        data["embedder"], np.array(data["mean"]), np.array(data["scale"]), np.array(data["weights"]), data["intercept"]
    )
