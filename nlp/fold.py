"""Fold Vietnamese to plain lower-case letters, one character for one character, so that offsets stay valid."""

from __future__ import annotations

import re
import sys
import unicodedata
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+")


def _base(character: str) -> str:
    lowered = character.lower()
    if lowered == "đ":
        return "d"
    base = unicodedata.normalize("NFD", lowered)[0]
    return base if len(base) == 1 else lowered[0]


_TABLE = {
    code: base
    for code in range(min(0x2100, sys.maxunicode))
    if chr(code).isalpha() and (base := _base(chr(code))) != chr(code)
}


def fold(text: str) -> str:
    """Return NFC ``text`` lower-cased without diacritics (đ becomes d); the length does not change."""
    return text.translate(_TABLE)


def has_diacritics(text: str) -> bool:
    """Tell whether any letter of ``text`` carries a Vietnamese diacritic."""
    lowered = text.lower()
    return fold(lowered) != lowered


def words(text: str) -> list[str]:
    """Return the lower-cased syllables and numbers of ``text``, in order, diacritics kept."""
    return _WORD.findall(text.lower())


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of every syllable or number of ``text``."""
    return [match.span() for match in _WORD.finditer(text)]


def grams(syllables: list[str]) -> list[str]:
    """Return the unigrams followed by the bigrams (joined by ``_``) of ``syllables``."""
    return syllables + [f"{a}_{b}" for a, b in pairwise(syllables)]
