"""Explain a tag: the clause that carried it, the words in that clause that carried it, the nearest labelled paragraphs.

Words are weighed by occlusion: the tagger itself reads the text again without the word, so a weight is what the model
loses and no guess about it. Only which words are tried is chosen by a shortcut, the linear weights of the word view.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from corpus import labelled
from corpus.labelled import LabelledParagraph
from models import sealed
from models.embedder import Embedder, Vectors, load_embedder
from models.features import clause_texts
from models.tagger import Tagger
from nlp.fold import fold
from nlp.segment import segment

Span = tuple[int, int]

_EXAMPLES = "examples"
EXAMPLES_FILE = f"{_EXAMPLES}.npz"
# The rows that a user's tagger learned from beside the project's, in its folder.
ROWS_FILE = f"{_EXAMPLES}.jsonl"
MAX_WORDS = 5
MAX_NEIGHBOURS = 2
# What one call may spend on occlusion, shared by its groups: words tried, and characters read again, since for each word
# tried the text is. At least one word a group is tried.
_MAX_TRIED = 16
_MAX_READ = 14_000
# A word that carries less than this share of what the strongest carries is not named.
_LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Carrier:
    """The clause that carried a tag: its (start, end) span in the text, in characters, and the probability it alone gives the text."""

    span: Span
    text: str
    probability: float


@dataclass(frozen=True)
class Word:
    """A word that carried a tag.

    ``spans`` are the (start, end) of its occurrences in the text, in characters, in order, at least one of them in the
    carrying clause. ``weight`` is how much lower the probability of the group is, in (0, 1], with all of them removed.
    """

    text: str
    spans: tuple[Span, ...]
    weight: float


@dataclass(frozen=True)
class Neighbour:
    """A labelled paragraph: its id, text, task groups in alphabetical order, and cosine similarity in [-1, 1]."""

    id: str
    text: str
    labels: tuple[str, ...]
    similarity: float


@dataclass(frozen=True)
class Explanation:
    """Why a text has a probability of a task group.

    ``words`` are the strongest first, at most MAX_WORDS, and empty where no single word carries anything. ``neighbours``
    are the nearest first, at most MAX_NEIGHBOURS, with different texts; similarity is to the carrying clause.
    """

    group: str
    probability: float
    assigned: bool
    clause: Carrier
    words: tuple[Word, ...]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Examples:
    """Labelled paragraphs with their passage vectors: float32 of shape (rows, dimension), of unit length."""

    rows: tuple[LabelledParagraph, ...]
    vectors: Vectors

    def nearest(self, vector: Vectors, group: str, count: int = MAX_NEIGHBOURS) -> tuple[Neighbour, ...]:
        """Return at most ``count`` paragraphs of ``group``, nearest to ``vector`` (shape (dimension,)) first.

        Of paragraphs with one text only the first is returned; none for the zero vector, which is near to nothing.
        """
        of_group = [number for number, row in enumerate(self.rows) if group in row.labels]
        if not of_group or not vector.any():
            return ()
        similarities = self.vectors[of_group] @ vector
        found: dict[str, Neighbour] = {}
        for place in np.argsort(-similarities, kind="stable"):
            row = self.rows[of_group[place]]
            similarity = float(np.clip(similarities[place], -1.0, 1.0))
            found.setdefault(row.text, Neighbour(row.id, row.text, tuple(sorted(row.labels)), similarity))
            if len(found) == count:
                break
        return tuple(found.values())


def joined(parts: Sequence[Examples]) -> Examples:
    """Return ``parts`` as one; of paragraphs with one text the first counts."""
    vectors = [part.vectors for part in parts if part.rows]
    rows = tuple(row for part in parts for row in part.rows)
    return Examples(rows, np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float32))


def explain(
    tagger: Tagger, text: str, groups: Sequence[str] | None = None, *, examples: Examples | None = None
) -> list[Explanation]:
    """Return why ``text`` has its tags: one explanation for each assigned group, or for each of ``groups`` (keys).

    They come in the taxonomy's order, or that of ``groups``; spans are offsets into ``text`` as given. ``examples`` are
    the paragraphs to find neighbours among; without them the project's own, loaded once for the process (half a minute
    where no file of their vectors fits, see ``write_examples``). A text without letters has probability 0, no words and
    no neighbours. Safe to call from several threads.

    Raises ValueError for a group that the tagger does not know.
    """
    keys = [group.key for group in tagger.groups]
    if unknown := [group for group in groups or () if group not in keys]:
        raise ValueError(f"unknown task groups {unknown}; this tagger knows {keys}")
    clauses = clause_texts(text)
    whole, alone = tagger.by_clause(text)
    is_assigned = {key: bool(whole[g] >= tagger.thresholds[key]) for g, key in enumerate(keys)}
    asked = [key for key in keys if is_assigned[key]] if groups is None else list(dict.fromkeys(groups))
    if not asked:
        return []
    carrier = {key: int(alone[:, keys.index(key)].argmax()) for key in asked}
    found = words_of(text)
    tried = {key: _candidates(tagger, key, found, clause, len(text), len(asked)) for key, clause in carrier.items()}
    left = {word: without(text, found.spans[word]) for words in tried.values() for word in words}
    lost = dict(zip(left, whole - tagger.probabilities(list(left.values()))[0], strict=True))
    spans = _locate(clauses, text)
    has_words = any(c.isalpha() for c in text)
    known = examples if examples is not None else own_examples(tagger._embedder)
    carrying = sorted(set(carrier.values()))
    vectors = dict(zip(carrying, tagger._embedder.embed_passages([clauses[c] for c in carrying]), strict=True))
    explanations = []
    for key, clause in carrier.items():
        column = keys.index(key)
        start, end = spans[clause]
        weights = {word: float(lost[word][column]) for word in tried[key]}
        explanations.append(
            Explanation(
                key,
                float(whole[column]),
                is_assigned[key],
                Carrier((start, end), text[start:end], float(alone[clause, column])),
                _strongest(text, found, weights),
                known.nearest(vectors[clause], key) if has_words else (),
            )
        )
    return explanations


@dataclass(frozen=True)
class Words:
    """The words of a text as the tagger cuts them: those of each clause in order, and the spans of each in the text."""

    clauses: tuple[tuple[str, ...], ...]
    spans: dict[str, tuple[Span, ...]]


def words_of(text: str) -> Words:
    """Return the words of ``text``, lower-case with syllables joined by ``_``, by clause, and where they stand.

    Each word's spans are (start, end) in characters, in order. What lies beyond the length that the tagger cuts into
    clauses or words has none.
    """
    clauses = clause_texts(text)
    cut = [segment(clause) for clause in clauses]
    found: dict[str, list[Span]] = {}
    for clause, words, (start, end) in zip(clauses, cut, _locate(clauses, text), strict=True):
        if _letters("".join(words)) > _letters(clause):
            continue
        for word, (left, right) in zip(words, _locate(words, text[start:end], whole=False), strict=True):
            # Where the segmenter changed more than spelling, counting letters misses the word: it then has no span.
            if _skeleton(text[start + left : start + right]) == _skeleton(word):
                found.setdefault(word, []).append((start + left, start + right))
    return Words(tuple(map(tuple, cut)), {word: tuple(spans) for word, spans in found.items()})


def without(text: str, spans: Iterable[Span]) -> str:
    """Return ``text`` without ``spans`` ((start, end), not overlapping) and without the space before each."""
    kept, last = [], 0
    for start, end in sorted(spans):
        kept.append(text[last:start].removesuffix(" "))
        last = end
    return "".join([*kept, text[last:]])


def _skeleton(text: str) -> str:
    return "".join(c for c in fold(text.lower()) if c.isalnum())


def _letters(text: str) -> int:
    return sum(c.isalnum() for c in text)


def _locate(pieces: Sequence[str], text: str, *, whole: bool = True) -> list[Span]:
    """Return the span in ``text`` of consecutive ``pieces`` of it, found by counting letters and digits.

    Cutting drops and respells (white space, punctuation, where the tone mark stands) but keeps their number. ``whole``
    extends spans over the punctuation that touches them.
    """
    places = [place for place, c in enumerate(text) if c.isalnum()]
    found: list[Span] = []
    done = floor = 0
    for piece in pieces:
        count = _letters(piece)
        if not count:
            found.append((floor, len(text)))
            continue
        start, end = places[done], places[done + count - 1] + 1
        done += count
        # Combining marks belong to the letter before them and count for none.
        while (
            end < len(text) and not text[end].isalnum() and not text[end].isspace() and (whole or _is_mark(text[end]))
        ):
            end += 1
        while whole and start > floor and not text[start - 1].isalnum() and not text[start - 1].isspace():
            start -= 1
        found.append((start, end))
        floor = end
    return found


def _is_mark(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"


def _candidates(tagger: Tagger, group: str, found: Words, clause: int, length: int, shares: int) -> list[str]:
    """Return the words of a clause to try, those of the largest linear weight first, for one of ``shares`` of the cost."""
    words = found.clauses[clause]
    count = max(1, min(_MAX_TRIED, _MAX_READ // max(1, length)) // shares)
    return [word for word in _ranked(tagger, group, words) if word in found.spans][:count]


def _ranked(tagger: Tagger, group: str, words: Sequence[str]) -> list[str]:
    """Return the different ``words`` of a clause by what they and their pairs add to the word view, largest first."""
    models = tagger._clause_models
    vocabulary, idf = models.words.vocabulary_, models.words.idf_
    weights = models.classifiers["words"][group].coef_[0]

    def weight(term: str) -> float:
        column = vocabulary.get(term)
        return 0.0 if column is None else float(weights[column] * idf[column])

    total = {word: weight(word) for word in words}
    for left, right in pairwise(words):
        shared = weight(f"{left} {right}") / 2
        total[left] += shared
        total[right] += shared
    return sorted(total, key=lambda word: -total[word])


def _strongest(text: str, found: Words, weights: dict[str, float]) -> tuple[Word, ...]:
    """Return the words that carry most, none that carries nothing or next to nothing beside the strongest."""
    least = _LEAST_SHARE * max(weights.values(), default=0.0)
    ranked = sorted(weights, key=lambda word: -weights[word])[:MAX_WORDS]
    chosen = [word for word in ranked if weights[word] > 0 and weights[word] >= least]
    return tuple(
        Word(text[slice(*found.spans[word][0])], found.spans[word], min(1.0, weights[word])) for word in chosen
    )


_lock = threading.Lock()
_own: dict[str, Examples] = {}


def own_examples(embedder: Embedder) -> Examples:
    """Return the project's own labelled paragraphs with the vectors that come with the program, loaded once for the process.

    Embeds them, which takes half a minute, where the file there is missing or of other paragraphs or another embedder.
    """
    with _lock:
        if embedder.id not in _own:
            _own[embedder.id] = load_examples(sealed.shipped(_EXAMPLES), embedder)
        return _own[embedder.id]


def embed_examples(embedder: Embedder, rows: Iterable[LabelledParagraph] | None = None) -> Examples:
    """Return those of ``rows`` (default: the project's own) that have a label, with their vectors; about 60 a second."""
    chosen = _labelled(rows)
    return Examples(chosen, embedder.embed_passages([row.text for row in chosen]))


def write_examples(folder: Path, embedder: Embedder, rows: Iterable[LabelledParagraph] | None = None) -> Examples:
    """Embed ``rows`` as ``embed_examples`` does and write their vectors as EXAMPLES_FILE into ``folder``; return them.

    The file holds float16 of shape (labelled rows, dimension) and the hash of what it was made from, not the texts; it
    is the same for the same data, and replaced whole. Raises OSError where it cannot be written.
    """
    made = embed_examples(embedder, rows)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".examples-", delete=False) as file:
        np.savez(file, vectors=made.vectors.astype(np.float16), made_from=np.array(_made_from(made.rows, embedder)))
    Path(file.name).chmod(0o644)
    Path(file.name).replace(folder / EXAMPLES_FILE)
    return made


def write_rows(folder: Path, embedder: Embedder, rows: Sequence[LabelledParagraph]) -> None:
    """Write ``rows`` as ROWS_FILE into a tagger's folder, and their vectors beside it; nothing where there are none."""
    if not rows:
        return
    lines = [{"id": row.id, "doc": row.document, "text": row.text, "labels": sorted(row.labels)} for row in rows]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / ROWS_FILE).write_text(text, encoding="utf-8")
    write_examples(folder, embedder, rows)


def rows_of(folder: Path, embedder: Embedder) -> Examples:
    """Return what ``write_rows`` wrote into ``folder``, nothing where it wrote nothing. Raises LabelError for a damaged file."""
    file = folder / ROWS_FILE
    if not file.exists():
        return Examples((), np.zeros((0, embedder.dimension), np.float32))
    return load_examples(folder, embedder, labelled.read_labelled(file))


def load_examples(folder: Path, embedder: Embedder, rows: Iterable[LabelledParagraph] | None = None) -> Examples:
    """Return ``rows`` with the vectors written in ``folder``, or embed them where no file there was made from the same.

    Vectors read back differ from those written by at most 0.0003 in a coordinate.
    """
    chosen = _labelled(rows)
    try:
        with np.load(folder / EXAMPLES_FILE, allow_pickle=False) as file:
            vectors, made_from = file["vectors"].astype(np.float32), str(file["made_from"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return embed_examples(embedder, chosen)
    if made_from != _made_from(chosen, embedder) or vectors.shape != (len(chosen), embedder.dimension):
        return embed_examples(embedder, chosen)
    return Examples(chosen, vectors)


def _labelled(rows: Iterable[LabelledParagraph] | None) -> tuple[LabelledParagraph, ...]:
    return tuple(row for row in (labelled.paragraphs() if rows is None else rows) if row.labels)


def _made_from(rows: Iterable[LabelledParagraph], embedder: Embedder) -> str:
    # Labels are left out: vectors do not depend on them, and they are read from the rows.
    data = json.dumps([embedder.id, [[row.id, row.text] for row in rows]], ensure_ascii=False)
    return hashlib.sha256(data.encode()).hexdigest()


if __name__ == "__main__":
    # Run after the labelled paragraphs or the default embedder have changed.
    write_examples(sealed.shipped(_EXAMPLES), load_embedder("default", user_cache_path("kehoach")))
