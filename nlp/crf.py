"""underthesea's word segmenter with its linear-chain CRF summed from tables: the same words in a fraction of the time.

``underthesea.word_tokenize`` spends nine tenths of its time on 43 feature strings a syllable, written out and looked up one by
one. Each says something of one syllable or of two or three in a row, at a distance from the place that it speaks for. So the
weights are read from underthesea's own model file and kept by those n-grams, one vector of distances each. The score of a place
is then a sum over the n-grams around it, and what one syllable adds is kept with it. Tokenisation, the templates, the dictionary
and what counts as a capital or a number remain underthesea's. Sums are taken in another order; where two segmentations are
so near that rounding decides, as in a row of unknown signs, underthesea is asked itself.
"""

from __future__ import annotations

import pickle
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import chain
from operator import add
from typing import NamedTuple

from nlp.crfsuite import UnknownModelError, Weights, read_weights

MODEL = "models/ws_crf_vlsp2013_20230727"
# A word begins, a word goes on.
LABELS = ("B-W", "I-W")
_TEMPLATE = re.compile(r"T\[(-?\d+)(?:,(-?\d+))?\](?:\.(lower|istitle|isdigit|is_in_dict))?")
# Bits of what a template asks of an n-gram by yes or no.
_BITS = {"is_in_dict": 1, "istitle": 2, "isdigit": 4}
# Chunks between spaces that are kept with their tokens; longer ones are addresses and rubbish, which do not come again.
_KEPT_CHUNKS = 1 << 15
_LONGEST_KEPT = 24
# Far above what the order of sums makes of any text, far below what weights differ by.
_TIE = 1e-6

Vector = tuple[float, ...]
# The text of an n-gram, its lower case unless it is in small letters, and the bit of whether every token is a title.
_Gram = tuple[str, str | None, int]


class _Token(NamedTuple):
    """What is known of a token wherever it stands; ``word`` is how it is given out, ``spoken`` if it has a letter or digit."""

    gram: _Gram
    scores: Vector
    word: str
    spoken: bool


class _Template(NamedTuple):
    """A question asked of n-grams that begin ``offset`` from a place, and the weight of each answer."""

    offset: int
    function: str
    values: dict[str, float]


class _Table:
    """What n-grams of one width add to the places around them, a vector of one number for each of ``offsets``.

    An offset is how far from its place the n-gram begins; ``before`` and ``after`` stand for n-grams that pass the ends.
    ``small`` has the vectors of n-grams in small letters, of which most texts are made; others there are ``plain``.
    """

    def __init__(self, templates: Sequence[_Template], words: Collection[str]) -> None:
        self.offsets = sorted({template.offset for template in templates})
        self._words = frozenset(words)
        self._raw: dict[str, list[float]] = {}
        self._lower: dict[str, list[float]] = {}
        zeros = [0.0] * len(self.offsets)
        flags = [zeros[:] for _ in range(8)]
        before, after = zeros[:], zeros[:]
        for offset, function, values in templates:
            place = self.offsets.index(offset)
            before[place] += values.get("BOS", 0.0)
            after[place] += values.get("EOS", 0.0)
            if function in _BITS:
                for number, vector in enumerate(flags):
                    vector[place] += values.get(str(bool(number & _BITS[function])), 0.0)
            else:
                known = self._lower if function == "lower" else self._raw
                for value, weight in values.items():
                    if value not in known:
                        known[value] = zeros[:]
                    known[value][place] += weight
        self._flags: list[Vector] = list(map(tuple, flags))
        self.before, self.after, self.plain = tuple(before), tuple(after), self._flags[0]
        self.small = dict.fromkeys(words, self._flags[_BITS["is_in_dict"]])
        self.small.update((ngram, self.scores(ngram, ngram, 0)) for ngram in chain(self._raw, self._lower))

    def scores(self, raw: str, lower: str, flags: int) -> Vector:
        """Return the vector of an n-gram; ``flags`` are those that are no matter of the dictionary."""
        scores = self._flags[flags | (lower in self._words)]
        for known in (self._raw.get(raw), self._lower.get(lower)):
            if known is not None:
                scores = tuple(map(add, scores, known))
        return scores


class Segmenter:
    """Words of texts by ``weights``; ``tokenize`` cuts a text, ``describe`` gives its tokens' lower case, title and digit.

    Any number of threads may share one. Raises UnknownModelError for a template of another form than underthesea 9.5 has.
    """

    def __init__(
        self,
        weights: Weights,
        templates: Iterable[str],
        dictionary: Collection[str],
        tokenize: Callable[[str], list[str]],
        describe: Callable[[list[list[list[str]]]], list[list[list[str]]]],
    ) -> None:
        self._tokenize = tokenize
        self._describe = describe
        self._transitions = weights.transitions
        values: dict[str, dict[str, float]] = defaultdict(dict)
        for attribute, weight in weights.state.items():
            template, _, value = attribute.partition("=")
            values[template][value] = weight
        by_width: dict[int, list[_Template]] = defaultdict(list)
        for template in templates:
            found = _TEMPLATE.fullmatch(template)
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
            if not found or last < first:
                raise UnknownModelError(f"feature template {template!r}; only such as T[-2] and T[0,1].lower are known")
            by_width[last - first + 1].append(_Template(first, found[3] or "", values[template]))
        words: dict[int, list[str]] = defaultdict(list)
        for word in dictionary:
            words[word.count(" ") + 1].append(word)
        self._tables = [_Table(by_width[width], words[width]) for width in range(1, max(by_width) + 1)]
        self._reach = max(abs(offset) for table in self._tables for offset in table.offsets)
        self._kept: dict[str, list[_Token]] = {}

    def words(self, chunks: Sequence[str]) -> list[str]:
        """Return the lower-cased words of a text, which comes cut at its spaces and is not empty.

        Syllables are joined by ``_``; punctuation is left out.
        """
        kept = self._kept.get
        tokens: list[_Token] = []
        # No token spans a space, and all that one asks of what follows its chunk is whether the text ends there.
        for chunk in (*[f"{chunk} " for chunk in chunks[:-1]], *chunks[-1:]):
            tokens += kept(chunk) or self._tokens(chunk)
        if (beginnings := self._beginnings(tokens)) is None:
            return stock_words(chunks)
        words: list[str] = []
        parts: list[str] = []
        spoken = False
        for token, begins in zip(tokens, beginnings, strict=True):
            if begins and parts:
                if spoken:
                    words.append("_".join(parts))
                parts, spoken = [], False
            parts.append(token.word)
            spoken = spoken or token.spoken
        if spoken:
            words.append("_".join(parts))
        return words

    def _tokens(self, chunk: str) -> list[_Token]:
        tokens = []
        raws = self._tokenize(chunk)
        for raw, described in zip(raws, self._describe([[[raw] for raw in raws]])[0], strict=True):
            lower, title, digit = (feature.partition("=")[2] for feature in described)
            flags = (_BITS["istitle"] * (title == "True")) | (_BITS["isdigit"] * (digit == "True"))
            scores = self._tables[0].scores(raw, lower, flags)
            word = raw.lower()
            gram = (raw, None if raw == lower else lower, flags & _BITS["istitle"])
            tokens.append(_Token(gram, scores, word, any(map(str.isalnum, word))))
        if len(chunk) <= _LONGEST_KEPT:
            if len(self._kept) >= _KEPT_CHUNKS:
                self._kept.clear()
            self._kept[chunk] = tokens
        return tokens

    def _margins(self, tokens: Sequence[_Token]) -> Iterator[float]:
        """Return by how much each token's surroundings speak for a beginning."""
        count = len(tokens)
        singles = [token.gram for token in tokens]
        grams = singles
        columns: list[Sequence[float]] = []
        for width, table in enumerate(self._tables, 1):
            if width == 1:
                scores = [token.scores for token in tokens]
            else:
                grams = [
                    (f"{a} {b}", x if x is y is None else f"{x or a} {y or b}", titles & title)
                    for (a, x, titles), (b, y, title) in zip(grams, singles[width - 1 :], strict=False)
                ]
                known, plain = table.small.get, table.plain
                scores = [
                    known(raw, plain) if lower is None and not title else table.scores(raw, lower or raw, title)
                    for raw, lower, title in grams
                ]
            before, after = self._reach, count + self._reach - len(scores)
            spread = zip(*([table.before] * before + scores + [table.after] * after), strict=True)
            for offset, column in zip(table.offsets, spread, strict=True):
                columns.append(column[before + offset : before + offset + count])
        return map(sum, zip(*columns, strict=True))

    def _beginnings(self, tokens: Sequence[_Token]) -> list[bool] | None:
        """Return whether each token begins a word (Viterbi 1967), or None where that hangs on less than ``_TIE``."""
        (bb, bi), (ib, ii) = self._transitions
        margins = self._margins(tokens)
        # By how much the best segmentation that begins a word at this token is ahead of the best that does not.
        lead = next(margins)
        gains: list[tuple[float, float]] = []
        for margin in margins:
            to_begin, to_continue = lead + bb - ib, lead + bi - ii
            gains.append((to_begin, to_continue))
            lead = margin + ib - ii + max(to_begin, 0.0) - max(to_continue, 0.0)
        begins: list[bool] = []
        for to_begin, to_continue in reversed(gains):
            if -_TIE < lead < _TIE:
                return None
            begins.append(lead > 0)
            lead = to_begin if lead > 0 else to_continue
        begins.append(lead > 0)
        return None if -_TIE < lead < _TIE else begins[::-1]


def stock_words(chunks: Sequence[str]) -> list[str]:
    """Return what ``Segmenter.words`` does, by underthesea's own function; it must not be cold under several threads."""
    from underthesea import word_tokenize

    text: str = word_tokenize(" ".join(chunks), format="text")
    return [word for word in text.lower().split() if any(c.isalnum() for c in word)]


def load() -> Segmenter:
    """Return underthesea's segmenter as tables, from the files in its package.

    Raises UnknownModelError, OSError or ImportError where the installed version is made otherwise.
    """
    from underthesea.pipeline.word_tokenize.regex_tokenize import tokenize
    from underthesea_core import CRFFeaturizer

    folder = files("underthesea.pipeline.word_tokenize") / MODEL
    # Files of the installed package are as trusted as its code. It reads them by joblib, which takes five times as long.
    templates = pickle.loads((folder / "features.bin").read_bytes())  # noqa: S301
    dictionary = pickle.loads((folder / "dictionary.bin").read_bytes())  # noqa: S301
    weights = read_weights((folder / "models.bin").read_bytes(), LABELS)
    describe = CRFFeaturizer(["T[0].lower", "T[0].istitle", "T[0].isdigit"], set()).process
    return Segmenter(weights, templates, dictionary, tokenize, describe)
