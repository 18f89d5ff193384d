"""Put the diacritics of a text right, before models and indexes read it: scanning spoils them, hasty typing leaves them out."""

from __future__ import annotations

from functools import cache, lru_cache

from corpus import labelled
from nlp.accents import Restorer
from nlp.fold import has_diacritics


@cache
def _wording() -> Restorer:
    return Restorer.learn(labelled.texts())


@lru_cache(4096)
def corrected(text: str) -> str:
    """Return ``text`` with diacritics by the wording of plans; of the same length, often the same.

    A text that has none at all gets them restored; in any other only those its words hardly allow are replaced.
    """
    wording = _wording()
    if not has_diacritics(text) and wording.knows(text):
        return wording.restore(text)
    return wording.correct(text)
