"""Counts of syllables and of neighbouring pairs: in memory while they are learnt, memory-mapped once they are written.

A folder holds ``syllables.tsv`` (syllable, folded form, count; most frequent first), ``pairs.npy`` (ascending numbers of two
syllables, 32 bits each) and ``pair_counts.npy``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from nlp.fold import fold, words

# From so many syllables on, what was seen once is left out: it carries little and is most of the size.
_MANY = 1_000_000


class Counts:
    """How often syllables and pairs of neighbours were seen, "" standing before the first; may learn more at any time.

    Looking up while another thread learns is safe; two threads must not learn at once.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.total = 0
        self._syllables: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._written = _Written({}, np.zeros(0, np.uint64), np.zeros(0, np.uint32))
        self.learn(texts)

    def learn(self, texts: Iterable[str]) -> set[str]:
        """Count ``texts``, which should be NFC with diacritics, as well; return their syllables."""
        learnt: set[str] = set()
        for text in texts:
            syllables = words(text)
            self._syllables.update(syllables)
            self._pairs.update(zip(["", *syllables], syllables, strict=False))
            self.total += len(syllables)
            learnt.update(syllables)
        return learnt

    def syllable(self, syllable: str) -> int:
        """Return how often ``syllable`` was seen."""
        written = self._written.syllables.get(syllable)
        return self._syllables.get(syllable, 0) + (written[1] if written else 0)

    def pair(self, first: str, second: str) -> int:
        """Return how often ``second`` was seen right after ``first``."""
        return self._pairs.get((first, second), 0) + self._written.pair(first, second)

    def spellings(self) -> dict[str, list[str]]:
        """Return folded form to the syllables written so, most frequent first."""
        found: dict[str, list[str]] = {}
        for syllable, folded in self._written.folded.items():
            found.setdefault(folded, []).append(syllable)
        changed = {fold(syllable) for syllable in self._syllables}
        for syllable in self._syllables:
            if syllable not in self._written.syllables:
                found.setdefault(fold(syllable), []).append(syllable)
        for folded in changed:
            # The most frequent first; of equals the first one met.
            found[folded].sort(key=self.syllable, reverse=True)
        return found

    def write(self, folder: Path) -> None:
        """Write the counts to the new ``folder``."""
        least = 2 if self.total >= _MANY else 1
        every = {syllable: self.syllable(syllable) for syllable in (*self._written.syllables, *self._syllables)}
        kept = sorted((syllable for syllable, n in every.items() if n >= least), key=lambda s: -every[s])
        number = {syllable: place for place, syllable in enumerate(kept, 1)} | {"": 0}
        learnt = {number[a] << 32 | number[b]: n for (a, b), n in self._pairs.items() if a in number and b in number}
        before, seen_before = self._written.renumbered(number)
        pairs, place = np.unique(np.concatenate([before, np.array([*learnt], np.uint64)]), return_inverse=True)
        seen = np.bincount(place, np.concatenate([seen_before, np.array([*learnt.values()], np.uint32)]), len(pairs))
        folder.mkdir()
        lines = [f"{syllable}\t{fold(syllable)}\t{every[syllable]}\n" for syllable in kept]
        (folder / "syllables.tsv").write_text(f"{self.total}\n" + "".join(lines), encoding="utf-8")
        np.save(folder / "pairs.npy", pairs[seen >= least])
        np.save(folder / "pair_counts.npy", seen[seen >= least].astype(np.uint32))

    @classmethod
    def open(cls, folder: Path) -> Counts:
        """Open what ``write`` wrote. Raises OSError or ValueError where it is damaged."""
        head, *lines = (folder / "syllables.tsv").read_text(encoding="utf-8").split("\n")
        rows = [line.split("\t") for line in lines if line]
        counts = cls()
        counts.total = int(head)
        # An empty array cannot be mapped.
        pairs, seen = (np.load(folder / name, "r" if rows else None) for name in ("pairs.npy", "pair_counts.npy"))
        counts._written = _Written(
            {syllable: (number, int(n)) for number, (syllable, _, n) in enumerate(rows, 1)}, pairs, seen
        )
        counts._written.folded = {syllable: folded for syllable, folded, _ in rows}
        return counts


class _Written:
    """Counts as they lie on the disk."""

    def __init__(self, syllables: Mapping[str, tuple[int, int]], pairs: np.ndarray, seen: np.ndarray) -> None:
        self.syllables = syllables
        self.folded: Mapping[str, str] = {}
        # Looked up one by one, a memoryview is several times faster than an array.
        self._pairs, self._seen = pairs.data, seen.data

    def renumbered(self, number: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the pairs of syllables that have a ``number``, by these numbers, and their counts."""
        pairs, seen = np.asarray(self._pairs), np.asarray(self._seen)
        new = np.array([0, *(number.get(syllable, -1) for syllable in self.syllables)], np.int64)
        first, second = new[pairs >> np.uint64(32)], new[pairs & np.uint64(0xFFFFFFFF)]
        known = (first >= 0) & (second >= 0)
        return (first[known] << 32 | second[known]).astype(np.uint64), seen[known]

    def pair(self, first: str, second: str) -> int:
        before, after = self.syllables.get(first), self.syllables.get(second)
        if after is None or (before is None and first):
            return 0
        wanted = (before[0] if before else 0) << 32 | after[0]
        place = bisect_left(self._pairs, wanted)
        return self._seen[place] if place < len(self._pairs) and self._pairs[place] == wanted else 0
