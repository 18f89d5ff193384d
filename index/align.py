"""Align the clauses of two provinces: which say the same, what differs between them, what only one has.

Clauses are matched one to one by the assignment with the largest total similarity (Kuhn 1955), then cut at the
similarity from which two clauses count as the same; clauses left over that say the same as a matched one join its pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.optimize import linear_sum_assignment

from corpus.decision import national_clauses
from corpus.store import StoredParagraph
from index.differences import Change, Difference, changes, differences, shared_words
from models.embedder import Vectors
from models.similarity import Matcher, Matrix
from nlp.sentences import clauses, sentences

# A paragraph longer than this is aligned clause by clause.
_LONG = 45
_SHORTEST = 6
# From this share of the decision's or the clause's content words, the shorter of both, on, the clause is its wording.
_VERBATIM = 0.6


@dataclass(frozen=True)
class Side:
    """A clause and the paragraph it stands in.

    ``national`` is the key of the clause of the national decision (``corpus/decision.toml``) that it repeats nearly word for
    word; a comparison looks for it.
    """

    paragraph: StoredParagraph
    text: str
    national: str | None = None


@dataclass(frozen=True)
class AlignedPair:
    """Two clauses that say the same, the words they share, what differs in kind and which words changed.

    ``also_a`` and ``also_b`` are further clauses of a province that say the same as the other's. ``national`` is the key of
    the clause of the national decision that both repeat nearly word for word.
    """

    a: Side
    b: Side
    similarity: float
    shared: tuple[str, ...]
    differs: tuple[Difference, ...]
    changes: tuple[Change, ...] = ()
    also_a: tuple[Side, ...] = ()
    also_b: tuple[Side, ...] = ()
    national: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Two provinces side by side; pairs most similar first, the rest in the order of the plans."""

    a: str
    b: str
    aligned: tuple[AlignedPair, ...]
    only_a: tuple[Side, ...]
    only_b: tuple[Side, ...]


def sides(paragraphs: Sequence[StoredParagraph]) -> list[Side]:
    """Return the clauses of ``paragraphs`` that oblige or report: no headings, no preamble."""
    found = []
    for paragraph in paragraphs:
        if paragraph.is_heading or paragraph.kind in ("preamble", "boilerplate"):
            continue
        found += [Side(paragraph, text) for text in _clauses(paragraph.text)]
    return found


def _clauses(text: str) -> list[str]:
    if len(text.split()) <= _LONG:
        return [text]
    parts: list[str] = []
    for start, end in sentences(text):
        sentence = text[start:end]
        pieces = [sentence]
        if len(sentence.split()) > _LONG:
            pieces = [sentence[a:b] for a, b in clauses(sentence)]
        for piece in pieces:
            if parts and (len(piece.split()) < _SHORTEST or parts[-1].endswith(":")):
                parts[-1] += f" {piece}"
            else:
                parts.append(piece)
    return parts


def compare(
    a: str, b: str, of_a: Sequence[StoredParagraph], of_b: Sequence[StoredParagraph], matcher: Matcher
) -> Comparison:
    """Compare the paragraphs of province ``a`` with those of province ``b``."""
    decision = matcher.describe(list(national_clauses().values()))
    (sides_a, described_a), (sides_b, described_b) = (_described(of, decision, matcher) for of in (of_a, of_b))
    if described_a is None or described_b is None:
        return Comparison(a, b, (), tuple(sides_a), tuple(sides_b))
    similarity = matcher.matrix(described_a, described_b)
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    chosen = [(i, j) for i, j in zip(rows, columns, strict=True) if similarity[i, j] >= matcher.alignment_threshold]
    also_a, also_b = _also(similarity, chosen, matcher.alignment_threshold)
    pairs = [
        _pair(
            sides_a[i],
            sides_b[j],
            float(similarity[i, j]),
            tuple(sides_a[k] for k in also_a[number]),
            tuple(sides_b[k] for k in also_b[number]),
        )
        for number, (i, j) in enumerate(chosen)
    ]
    taken_a = {i for i, _ in chosen}.union(*also_a.values())
    taken_b = {j for _, j in chosen}.union(*also_b.values())
    return Comparison(
        a,
        b,
        tuple(sorted(pairs, key=lambda pair: -pair.similarity)),
        tuple(side for i, side in enumerate(sides_a) if i not in taken_a),
        tuple(side for j, side in enumerate(sides_b) if j not in taken_b),
    )


def _described(
    paragraphs: Sequence[StoredParagraph], decision: Vectors, matcher: Matcher
) -> tuple[list[Side], Vectors | None]:
    """Return the clauses, those of the national decision named, and what the matcher makes of them; None where there are none."""
    found = sides(paragraphs)
    if not found:
        return [], None
    described = matcher.describe([side.text for side in found])
    keys = _national([side.text for side in found], matcher.matrix(described, decision), matcher.threshold)
    return [replace(side, national=key) for side, key in zip(found, keys, strict=True)], described


def _also(
    similarity: Matrix, chosen: Sequence[tuple[int, int]], threshold: float
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return, for every chosen pair by its number, the further clauses of a and of b that say the same.

    A clause left over joins the pair whose other side is the clause it is most like.
    """
    also_a: dict[int, list[int]] = defaultdict(list)
    also_b: dict[int, list[int]] = defaultdict(list)
    of_a = {i: number for number, (i, _) in enumerate(chosen)}
    of_b = {j: number for number, (_, j) in enumerate(chosen)}
    for i, j in enumerate(similarity.argmax(1).tolist()):
        if i not in of_a and j in of_b and similarity[i, j] >= threshold:
            also_a[of_b[j]].append(i)
    for j, i in enumerate(similarity.argmax(0).tolist()):
        if j not in of_b and i in of_a and similarity[i, j] >= threshold:
            also_b[of_a[i]].append(j)
    return also_a, also_b


def _pair(a: Side, b: Side, similarity: float, also_a: tuple[Side, ...], also_b: tuple[Side, ...]) -> AlignedPair:
    return AlignedPair(
        a,
        b,
        round(similarity, 4),
        shared_words(a.text, b.text),
        differences(a.text, b.text, a.paragraph.heading_path, b.paragraph.heading_path),
        changes(a.text, b.text),
        also_a,
        also_b,
        a.national if a.national == b.national else None,
    )


def _national(texts: Sequence[str], similarity: Matrix, threshold: float) -> list[str | None]:
    """Return the key of the decision's clause that each text repeats nearly word for word.

    It must say the same by the matcher (``similarity``, texts by clauses of the decision) and share most content words.
    """
    keys = list(national_clauses())
    said = [set(shared_words(text, text)) for text in national_clauses().values()]
    found: list[str | None] = []
    for text, row in zip(texts, similarity, strict=True):
        own = set(shared_words(text, text))
        shares = [len(own & words) / max(1, min(len(own), len(words))) for words in said]
        fitting = [n for n, share in enumerate(shares) if share >= _VERBATIM and row[n] >= threshold]
        found.append(keys[max(fitting, key=lambda n: float(row[n]))] if fitting else None)
    return found
