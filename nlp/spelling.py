"""Read a query as it was meant: untyped diacritics restored, slips of the keyboard corrected, typed diacritics honoured.

A noisy channel (Kernighan, Church & Gale 1990): every syllable has spellings it may stand for, each with a cost, and a
Viterbi search over syllable bigrams (``nlp.accents``) chooses among them. Spellings come from the indexed text alone, so a
word is corrected only to one that can be found; candidates within one edit are looked up by deletions (Garbe's SymSpell).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nlp.accents import Restorer
from nlp.fold import fold, has_diacritics

# Costs in natural logarithms, set on the development queries of corpus/labelled/search.
_EDIT = -2.0
_UNTYPED = -4.5
_USUAL = -3.0
_NEAR_UNTYPED = -2.0
_CONFUSED = -7.0
# An unmet word counts like a rather frequent one, so that only neighbours that ask for it bring a correction.
_UNMET = 9.0
_UNMET_PLAIN = 5.0
# A spelling this much rarer than the usual one of the same letters is a slip in the indexed text itself.
_SLIP = 0.004
_MIN_LETTERS = 3
# No Vietnamese syllable has more than seven letters.
_MAX_LETTERS = 8
_GROWTH = 1.02
# Initials that are spoken alike in one region or another.
_INITIALS = (
    ("s", "x"),
    ("x", "s"),
    ("ch", "tr"),
    ("tr", "ch"),
    ("d", "gi"),
    ("gi", "d"),
    ("d", "r"),
    ("r", "d"),
    ("r", "gi"),
)


@dataclass(frozen=True)
class Reading:
    """A text as understood; ``corrected`` holds (typed, read) for every word that was not just given its diacritics."""

    text: str
    corrected: tuple[tuple[str, str], ...] = ()


class Speller:
    """Reads queries by the counts of a restorer; safe to share between threads."""

    def __init__(self, restorer: Restorer, kept: Collection[str] = ()) -> None:
        """``kept`` are folded words that are right as they are, such as acronyms."""
        self._restorer = restorer
        self._kept = frozenset(kept)
        self._deletions: dict[str, list[str]] = {}
        self._known = 0

    def read(self, text: str) -> Reading:
        """Return the likeliest reading of ``text``; its words keep their number, case and what stands between them."""
        accented = has_diacritics(text)
        if not accented and not self._restorer.knows(text):
            return Reading(text)
        typed: list[tuple[str, str]] = []

        def options(written: str, named: bool) -> dict[str, float]:
            found = self._options(written, named=named, accented=accented)
            typed.append((written, ""))
            return found

        read = self._restorer.respelled(text, options)
        pairs = zip([word for word, _ in typed], self._restorer.syllables(read), strict=True)
        return Reading(read, tuple((a, b) for a, b in pairs if fold(a) != fold(b) or (has_diacritics(a) and a != b)))

    def _options(self, typed: str, *, named: bool, accented: bool) -> dict[str, float]:
        plain = fold(typed)
        if not typed.isalpha() or plain in self._kept:
            return {typed: 0.0}
        spelled = self._restorer.spellings(plain)
        count = self._restorer.count
        known = bool(spelled) and count(typed) > _SLIP * count(spelled[0])
        if plain != typed:
            if known:
                return {typed: 0.0, **dict.fromkeys(self._confusions(typed), _CONFUSED)}
            if named:
                return {typed: 0.0}
            near = {word: _EDIT * _distance(typed, word) for word in [*spelled, *self._near(plain)]}
            return {**near, typed: _UNMET, **{word: _UNMET for word in spelled if _same_marks(typed, word)}}
        if not accented:
            return dict.fromkeys(spelled, 0.0) or {typed: _UNMET_PLAIN, **self._near_options(plain)}
        if known:
            usual = _USUAL if spelled[0] == typed else 0.0
            return {**dict.fromkeys(spelled, _UNTYPED + usual), typed: 0.0}
        return {typed: _UNMET_PLAIN, **self._near_options(plain), **dict.fromkeys(spelled, _UNTYPED)}

    def _near_options(self, plain: str) -> dict[str, float]:
        return dict.fromkeys(self._near(plain), _NEAR_UNTYPED + _EDIT)

    def _near(self, plain: str) -> Iterator[str]:
        """Yield the spellings of the indexed syllables that are one edit away from ``plain``."""
        if not _MIN_LETTERS <= len(plain) <= _MAX_LETTERS:
            return
        by_deletion = self._by_deletion()
        for form in dict.fromkeys(form for cut in _deletions(plain) for form in by_deletion.get(cut, ())):
            if form != plain and _distance(plain, form) == 1:
                yield from self._restorer.spellings(form)

    def _by_deletion(self) -> dict[str, list[str]]:
        """Return what is left of a form without one letter to the forms; made anew once the restorer has learnt much."""
        forms = self._restorer.forms()
        if len(forms) > _GROWTH * self._known:
            found: dict[str, list[str]] = defaultdict(list)
            for form in forms:
                if form.isalpha() and _MIN_LETTERS - 1 <= len(form) <= _MAX_LETTERS:
                    for cut in _deletions(form):
                        found[cut].append(form)
            self._deletions, self._known = found, len(forms)
        return self._deletions

    def _confusions(self, typed: str) -> list[str]:
        swapped = [after + typed.removeprefix(before) for before, after in _INITIALS if typed.startswith(before)]
        return [word for word in swapped if self._restorer.count(word)]


def _same_marks(a: str, b: str) -> bool:
    """Tell whether two spellings differ only in the letter that bears the tone, as thuỷ and thủy do."""
    return sorted(unicodedata.normalize("NFD", a)) == sorted(unicodedata.normalize("NFD", b))


def _deletions(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


def _distance(a: str, b: str) -> int:
    """Return the optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours."""
    before, last, row = [0] * (len(b) + 1), [0] * (len(b) + 1), list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, last, row = last, row, [i] + [0] * len(b)
        for j, y in enumerate(b, 1):
            row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[j] = min(row[j], before[j - 2] + 1)
    return row[-1]
