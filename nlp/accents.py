"""Restore the diacritics of Vietnamese typed without them, and correct those that scanning got wrong.

Both are a Viterbi search over syllable bigrams, interpolated with unigrams, counted over text that has its diacritics. In
restoring, typed diacritics are honoured: a syllable that carries one is never changed, so dương, đương and đường stay
apart. In correcting, a syllable gives way only to one that its neighbours make far likelier.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from nlp.counts import Counts
from nlp.fold import fold, words

_WORD = re.compile(r"[^\W_]+")
_CANDIDATES = 12
_BIGRAM_WEIGHT = 0.9
# How much likelier (in natural logarithms) another spelling must be than the one written, to correct it.
_DOUBT = 9.0
# A text of so many syllables, of which fewer than this share have diacritics, was typed without; in Vietnamese three of four do.
_TYPED_FROM, _LEAST_SHARE = 8, 0.1
# The path before, and the last syllable: sharing the beginnings keeps the search linear in the length of the text.
_Path: TypeAlias = "tuple[_Path, str] | None"


class Restorer:
    """Counts of syllables and of neighbouring syllables, and the restoration they allow."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._candidates = counts.spellings()

    @classmethod
    def learn(cls, texts: Iterable[str]) -> Restorer:
        """Count over ``texts``, which should be NFC; those typed without diacritics are left out."""
        return cls(Counts(filter(_has_diacritics, texts)))

    def learn_more(self, texts: Iterable[str]) -> None:
        """Count ``texts`` as well; threads may go on restoring meanwhile, but only one may teach."""
        for syllable in self._counts.learn(filter(_has_diacritics, texts)):
            known = [*self._candidates.get(fold(syllable), ())]
            spellings = known if syllable in known else [*known, syllable]
            self._candidates[fold(syllable)] = sorted(spellings, key=self._counts.syllable, reverse=True)

    def save(self, folder: Path) -> None:
        """Write the counts to the new ``folder``."""
        self._counts.write(folder)

    @classmethod
    def load(cls, folder: Path) -> Restorer:
        """Open what ``save`` wrote, without reading it whole. Raises OSError or ValueError where it is damaged."""
        return cls(Counts.open(folder))

    def knows(self, text: str) -> bool:
        """Tell whether most syllables of ``text`` are Vietnamese ones met before, so that restoring it makes sense."""
        syllables = [word for word in words(text) if word.isalpha()]
        return 2 * sum(fold(word) in self._candidates for word in syllables) > len(syllables)

    def spellings(self, plain: str) -> list[str]:
        """Return the syllables met that fold to ``plain``, likeliest first."""
        return self._candidates.get(plain, [])[:_CANDIDATES]

    def count(self, syllable: str) -> int:
        """Return how often ``syllable`` was seen."""
        return self._counts.syllable(syllable)

    @property
    def total(self) -> int:
        """How many syllables were seen."""
        return self._counts.total

    def forms(self) -> list[str]:
        """Return the folded forms of all syllables met."""
        return list(self._candidates)

    @staticmethod
    def syllables(text: str) -> list[str]:
        """Return the syllables of ``text`` that ``respelled`` asks for, lower-cased, in order."""
        return [match.group().lower() for match in _WORD.finditer(text)]

    def restore(self, text: str) -> str:
        """Return ``text`` with the likeliest diacritics put on syllables that have none; case and the rest are kept."""
        return self.respelled(text, self._restorations)

    def correct(self, text: str) -> str:
        """Return ``text`` with diacritics that its words hardly allow replaced ("sản phấm" becomes "sản phẩm").

        The length stays. Names are kept: syllables with a capital that is not the first of its sentence.
        """
        return self.respelled(text, self._corrections)

    def respelled(self, text: str, options: Callable[[str, bool], dict[str, float]]) -> str:
        """Return ``text`` with every syllable in its likeliest spelling, by the neighbours of each.

        ``options`` maps a lower-cased syllable, and whether it looks like part of a name, to its spellings with their costs.
        """
        matches = list(_WORD.finditer(text))
        paths: dict[str, tuple[float, _Path]] = {"": (0.0, None)}
        for match in matches:
            written = match.group()
            begins = not text[: match.start()].rstrip(" \"'“(-")[-1:].strip(".;:!?\n")
            named = written[:1].isupper() and not written.isupper() and not begins
            paths = self._step(paths, options(written.lower(), named))
        best = max(paths.values(), key=lambda scored: scored[0])[1]
        out, position = [], 0
        for match, syllable in zip(matches, _along(best), strict=True):
            out += [text[position : match.start()], _like(match.group(), syllable)]
            position = match.end()
        return "".join([*out, text[position:]])

    def _restorations(self, typed: str, _named: bool) -> dict[str, float]:
        options = self._candidates.get(typed, [typed])[:_CANDIDATES] if fold(typed) == typed else [typed]
        return dict.fromkeys(options, 0.0)

    def _corrections(self, written: str, named: bool) -> dict[str, float]:
        others = () if named else self._candidates.get(fold(written), ())[:_CANDIDATES]
        return {**dict.fromkeys(others, -_DOUBT), written: 0.0}

    def _step(self, paths: dict[str, tuple[float, _Path]], options: dict[str, float]) -> dict[str, tuple[float, _Path]]:
        """Return the best path to each option, an option's own score added."""
        return {
            option: max(
                (
                    (score + own + self._log_probability(last, option), (path, option))
                    for last, (score, path) in paths.items()
                ),
                key=lambda scored: scored[0],
            )
            for option, own in options.items()
        }

    def _log_probability(self, last: str, syllable: str) -> float:
        seen = self._counts.syllable(last)
        conditional = self._counts.pair(last, syllable) / seen if seen else 0.0
        alone = (self._counts.syllable(syllable) + 0.1) / (self._counts.total + 1)
        return math.log(_BIGRAM_WEIGHT * conditional + (1 - _BIGRAM_WEIGHT) * alone)


def _along(path: _Path) -> list[str]:
    syllables = []
    while path:
        path, syllable = path
        syllables.append(syllable)
    return syllables[::-1]


def _like(typed: str, restored: str) -> str:
    if restored == typed.lower():
        return typed
    if len(restored) != len(typed):
        return restored.upper() if typed.isupper() and len(typed) > 1 else restored
    return "".join(new.upper() if old.isupper() else new for old, new in zip(typed, restored, strict=True))


def _has_diacritics(text: str) -> bool:
    """Tell whether ``text`` can teach diacritics: it has some, or is too short to tell."""
    syllables = words(text)
    return len(syllables) < _TYPED_FROM or sum(not s.isascii() for s in syllables) >= _LEAST_SHARE * len(syllables)
