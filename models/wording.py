"""Correct what scanning did to the diacritics of a text, before models and indexes read it."""

from __future__ import annotations

from functools import cache

from corpus import labelled
from nlp.accents import Restorer


@cache
def _corrector() -> Restorer:
    return Restorer.learn(labelled.texts())


def corrected(text: str) -> str:
    """Return ``text`` with diacritics corrected by the wording of plans; of the same length, often the same."""
    return _corrector().correct(text)
