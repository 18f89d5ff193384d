"""The word lists by which targets are found, read from target_words.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files

from nlp.fold import fold


def any_of(words: Iterable[str]) -> str:
    """Return a pattern that matches any of ``words``, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


def folded(words: Iterable[str]) -> str:
    """Return a pattern that matches any of ``words`` in folded text, whole."""
    return rf"(?<![a-z])(?:{any_of({fold(word) for word in words})})(?![a-z])"


def _listed(entries: str) -> tuple[str, ...]:
    return tuple(re.split(r"\s+-\s+", entries.strip()))


_FILE = tomllib.loads(files("corpus").joinpath("target_words.toml").read_text(encoding="utf-8"))
MEASURES = {fold(unit): unit for unit in _listed(_FILE["measures"])}
NOUNS = _listed(_FILE["nouns"])
NOUN_SPELLING = {fold(noun): noun for noun in reversed(NOUNS)}
SINGLE = frozenset(_listed(_FILE["single"]))
PLACES = _listed(_FILE["places"])
ACTS = _listed(_FILE["acts"])
GOAL_VERBS = _listed(_FILE["goal_verbs"])
TASK_VERBS = _listed(_FILE["task_verbs"])
NEVER_COUNTED = frozenset(fold(word) for word in _listed(_FILE["never_counted"]))
HEADINGS_OF_AIMS = _listed(_FILE["heading"]["aims"])
HEADINGS_OF_FACTS = _listed(_FILE["heading"]["facts"])
SCALES = {"nghin": 1e3, "ngan": 1e3, "trieu": 1e6, "ty": 1e9, "ti": 1e9}
DIGITS = {"một": 1, "hai": 2, "ba": 3, "bốn": 4, "năm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9, "mười": 10}
SPELLED = {**DIGITS, "mười hai": 12, "mười lăm": 15, "hai mươi": 20, "ba mươi": 30, "bốn mươi": 40, "năm mươi": 50}
SPELLED_FOLDED = {fold(word): value for word, value in SPELLED.items()}
