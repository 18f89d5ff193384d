"""Cluster the statements of all plans into families: the same obligation, in the words of each plan.

Two documents are linked by the pairs of their statements that the matcher finds alike, each statement with its nearest
ones in the other document only. A link depends on the two documents and nothing else, so a document that arrives adds
links and changes none; families are groups of linked statements (``linkage``) and come out the same whether documents
came one by one or all at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from index.linkage import Links, group, join
from index.statements import Statement
from models.embedder import Vectors
from models.similarity import Matcher, Matrix

# How many of the other document's statements one is linked to at most.
NEAREST = 3
# What two aims are alike at least whose targets measure the same indicator.
_SAME_INDICATOR = 0.9
# How far from aligning two clauses to certainty the average similarity of two groups is when they are joined: first of all
# groups, then of groups that stand, whose many pairs bear each other out (results/families.md).
_JOINED = 0.62
_JOINED_LATER = 0.55

# A statement of a document, by its place in the document.
Node = tuple[str, int]
# A link of two documents: place in the first, place in the second, similarity. There may be millions.
LINK = np.dtype([("first", np.int32), ("second", np.int32), ("similarity", np.float64)])
# (first document, second document) in order -> links, of LINK.
Linked = Mapping[tuple[str, str], NDArray[np.void]]


@dataclass(frozen=True)
class Family:
    """Statements of the same obligation, in the order of their plans; ``medoid`` is the one most like all others.

    ``cohesion`` is the average similarity of its pairs, of which those not linked count as 0.
    """

    id: str
    members: tuple[Statement, ...]
    medoid: Statement
    cohesion: float


@dataclass(frozen=True)
class Families:
    """All families, largest first; ``linked`` and ``signatures`` are what the next refresh starts from."""

    families: tuple[Family, ...]
    statements: Mapping[str, Sequence[Statement]] = field(repr=False)
    linked: Linked = field(repr=False, compare=False)
    signatures: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Earlier:
    """What an earlier run left: documents' signatures, their links, and families' ids with the signs of their members."""

    signatures: Mapping[str, str] = field(default_factory=dict)
    linked: Linked = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)


def build(
    statements: Mapping[str, Sequence[Statement]],
    matcher: Matcher,
    earlier: Earlier | None = None,
    tell: Callable[[str], None] = lambda what: None,
) -> Families:
    """Return the families of the documents' statements.

    ``earlier`` saves work and keeps ids: links between documents whose signatures are unchanged are taken from it, and a
    family goes by the id of the earlier one that it shares most members with.
    """
    earlier = earlier or Earlier()
    signatures = {name: _signature(of, matcher.id) for name, of in statements.items()}
    kept = {name for name, signature in signatures.items() if earlier.signatures.get(name) == signature}
    if len(kept) < len(statements):
        tell(f"matching the clauses of {len(statements) - len(kept)} documents with those of {len(statements)}")
    described: dict[str, Vectors] = {}
    linked: dict[tuple[str, str], NDArray[np.void]] = {}
    for a in sorted(statements):
        for b in sorted(statements):
            if b < a:
                continue
            if a in kept and b in kept and (a, b) in earlier.linked:
                linked[a, b] = earlier.linked[a, b]
                continue
            for name in (a, b):
                if name not in described:
                    described[name] = matcher.describe([s.text for s in statements[name]])
            linked[a, b] = _links(statements[a], statements[b], described[a], described[b], matcher, same=a == b)
    groups = _groups(linked, matcher)
    named = _named([frozenset(sign(statements[d][i]) for d, i in g) for g, _ in groups], earlier.members)
    found = [
        _family(name, members, [statements[d][i] for d, i in members], links)
        for name, (members, links) in zip(named, groups, strict=True)
    ]
    return Families(tuple(sorted(found, key=lambda f: (-len(f.members), f.id))), statements, linked, signatures)


def sign(statement: Statement) -> str:
    """Return what a statement is recognised by over runs: its document and its words."""
    return hashlib.sha256(f"{statement.document.id}\n{statement.text}".encode()).hexdigest()[:16]


def _signature(statements: Sequence[Statement], matcher_id: str) -> str:
    parts = [f"{s.paragraph.kind}\n{sorted(s.indicators)}\n{s.text}" for s in statements]
    return hashlib.sha256("\0".join((matcher_id, *parts)).encode("utf-8", "replace")).hexdigest()[:16]


def _links(
    of_a: Sequence[Statement], of_b: Sequence[Statement], a: Vectors, b: Vectors, matcher: Matcher, *, same: bool
) -> NDArray[np.void]:
    if not of_a or not of_b:
        return np.empty(0, LINK)
    similarity = _by_bodies(of_a, of_b, _by_indicators(of_a, of_b, matcher.matrix(a, b)))
    if same:
        similarity[np.tril_indices(len(of_a))] = 0.0
    rows, columns = np.nonzero(_nearest(similarity) & (similarity >= matcher.threshold))
    links = np.empty(len(rows), LINK)
    links["first"], links["second"], links["similarity"] = rows, columns, similarity[rows, columns].round(4)
    return links


def _nearest(similarity: Matrix) -> NDArray[np.bool_]:
    """Mark the entries that are among the NEAREST highest of their row or of their column."""
    marked = np.zeros(similarity.shape, bool)
    for axis in (0, 1):
        count = min(NEAREST, similarity.shape[axis])
        best = np.argpartition(similarity, -count, axis=axis)
        best = best[-count:] if axis == 0 else best[:, -count:]
        np.put_along_axis(marked, best, values=True, axis=axis)
    return marked


def _by_indicators(of_a: Sequence[Statement], of_b: Sequence[Statement], similarity: Matrix) -> Matrix:
    """Correct the similarity of aims whose targets measure something known: near 1 for the same, 0 for another."""
    corrected = similarity.copy()
    aims_b = [(j, b.indicators) for j, b in enumerate(of_b) if b.is_aim and b.indicators]
    for i, a in enumerate(of_a):
        if a.is_aim and a.indicators:
            for j, other in aims_b:
                if a.indicators == other:
                    corrected[i, j] = _SAME_INDICATOR + (1 - _SAME_INDICATOR) * similarity[i, j]
                elif not a.indicators & other:
                    corrected[i, j] = 0.0
    return corrected


def _by_bodies(of_a: Sequence[Statement], of_b: Sequence[Statement], similarity: Matrix) -> Matrix:
    """Set the similarity of assignments to wholly different bodies to 0: the same work of another body is another duty."""
    column = {body: n for n, body in enumerate(sorted({body for s in (*of_a, *of_b) for body in s.bodies}))}
    acting_a, acting_b = _acting(of_a, column), _acting(of_b, column)
    both_named = np.outer(acting_a.sum(1), acting_b.sum(1)) > 0
    corrected: Matrix = np.where(both_named & (acting_a @ acting_b.T == 0), 0.0, similarity)
    return corrected


def _acting(of: Sequence[Statement], column: Mapping[str, int]) -> Matrix:
    acting = np.zeros((len(of), len(column)))
    for row, statement in enumerate(of):
        acting[row, [column[body] for body in statement.bodies]] = 1
    return acting


def _groups(linked: Linked, matcher: Matcher) -> list[tuple[tuple[Node, ...], Links]]:
    """Return the groups of linked statements, each with its links by place in the group."""
    nodes: dict[Node, int] = {}
    links: dict[tuple[int, int], float] = {}
    for a, b in sorted(linked):
        for i, j, similarity in linked[a, b].tolist():
            ends = sorted(nodes.setdefault(node, len(nodes)) for node in ((a, i), (b, j)))
            links[ends[0], ends[1]] = similarity
    groups = join(group(links, _between(matcher, _JOINED)), links, _between(matcher, _JOINED_LATER))
    names = list(nodes)
    ordered = [sorted(members, key=lambda m: names[m]) for members in groups]
    place = {m: (number, x) for number, members in enumerate(ordered) for x, m in enumerate(members)}
    within: list[dict[tuple[int, int], float]] = [{} for _ in ordered]
    for (m, n), similarity in links.items():
        (group_m, x), (group_n, y) = place.get(m, (-1, 0)), place.get(n, (-2, 0))
        if group_m == group_n:
            within[group_m][min(x, y), max(x, y)] = similarity
    return [(tuple(names[m] for m in members), of) for members, of in zip(ordered, within, strict=True)]


def _between(matcher: Matcher, share: float) -> float:
    """Return a similarity that lies so far from where the matcher aligns two clauses of two plans to certainty."""
    return matcher.alignment_threshold + share * (1 - matcher.alignment_threshold)


def _named(found: Sequence[frozenset[str]], earlier: Mapping[str, frozenset[str]]) -> list[str]:
    """Return an id for each family: that of the earlier one it shares most with, else one made from its first member."""
    of_sign = {member: name for name, members in earlier.items() for member in members}
    shared: dict[tuple[str, int], int] = {}
    for number, members in enumerate(found):
        for member in members:
            if member in of_sign:
                shared[of_sign[member], number] = shared.get((of_sign[member], number), 0) + 1
    named: dict[int, str] = {}
    taken: set[str] = set()
    for name, number in sorted(shared, key=lambda pair: (-shared[pair], *pair)):
        if name not in taken and number not in named:
            named[number] = name
            taken.add(name)
    for number in sorted(set(range(len(found))) - named.keys(), key=lambda n: min(found[n])):
        named[number] = next(name for name in _candidates(found[number]) if name not in taken)
        taken.add(named[number])
    return [named[number] for number in range(len(found))]


def _candidates(members: frozenset[str]) -> Iterator[str]:
    """Yield ids for a family, without end: statements that a document has several times have one sign, so families may share all."""
    ordered = sorted(members)
    yield from (f"f{member[:8]}" for member in ordered)
    yield from (f"f{ordered[0][:8]}-{number}" for number in count(2))


def _family(name: str, nodes: Sequence[Node], members: Sequence[Statement], links: Links) -> Family:
    total = [0.0] * len(nodes)
    for (x, y), similarity in links.items():
        total[x] += similarity
        total[y] += similarity
    best = max(range(len(nodes)), key=lambda i: (round(total[i], 6), -len(members[i].text), -i))
    order = sorted(members, key=lambda s: (s.document.year or 9999, s.document.id, s.paragraph.ordinal, s.span))
    return Family(name, tuple(order), members[best], round(sum(total) / (len(nodes) * (len(nodes) - 1)), 4))
