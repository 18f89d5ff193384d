"""Check on the text itself what a query's operators ask: quoted phrases word for word, and nothing that it excludes."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.store import StoredParagraph
from index.query import Query
from nlp.fold import fold, has_diacritics, words


def allows(query: Query, paragraph: StoredParagraph) -> bool:
    """Tell whether ``paragraph`` has every quoted phrase of ``query`` and nothing it excludes."""
    return all(contains(paragraph.text, phrase) for phrase in query.phrases) and not any(
        contains(paragraph.text, phrase) for phrase in query.excluded
    )


def contains(text: str, phrase: str) -> bool:
    """Tell whether the words of ``phrase`` stand in ``text`` next to one another; diacritics count where it has any."""
    sought = words(phrase)
    spelled = words(text if has_diacritics(phrase) else fold(text))
    return bool(sought) and _adjacent(spelled, [word if has_diacritics(phrase) else fold(word) for word in sought])


def _adjacent(spelled: Sequence[str], sought: Sequence[str]) -> bool:
    width = len(sought)
    return any(list(spelled[at : at + width]) == sought for at, word in enumerate(spelled) if word == sought[0])
