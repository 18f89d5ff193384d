"""Splits are by document, so what two documents share must not be nearly the same."""

from __future__ import annotations

from datasketch import MinHash, MinHashLSH

from corpus import labelled
from nlp.fold import fold, words

_PERMUTATIONS = 64


def shingles(text: str) -> frozenset[str]:
    syllables = words(fold(text))
    return frozenset(" ".join(syllables[i : i + 3]) for i in range(max(1, len(syllables) - 2)))


def test_near_duplicates_do_not_straddle_documents() -> None:
    rows = labelled.paragraphs()
    sets = [shingles(row.text) for row in rows]
    near = MinHashLSH(threshold=0.4, num_perm=_PERMUTATIONS)
    straddling = []
    for number, own in enumerate(sets):
        sketch = MinHash(_PERMUTATIONS, seed=1)
        sketch.update_batch([shingle.encode() for shingle in own])
        for other in near.query(sketch):
            alike = len(own & sets[other]) / len(own | sets[other])
            if alike >= 0.5 and rows[number].document != rows[other].document:
                straddling.append((rows[other].id, rows[number].id))
        near.insert(number, sketch)
    # A bare heading says nothing that could leak.
    long = {row.id for row in rows if len(row.text.split()) >= 8}
    assert [pair for pair in straddling if long.intersection(pair)] == []


def test_a_second_labelling_agrees() -> None:
    from sklearn.metrics import cohen_kappa_score

    first = {row.id: row.labels for row in labelled.paragraphs()}
    second = labelled.second_labels()
    assert len(second) >= 400
    for group in ("awareness", "circular_economy", "green_distribution", "renewable_energy"):
        ids = sorted(second)
        kappa = cohen_kappa_score([group in first[i] for i in ids], [group in second[i] for i in ids])
        assert kappa > 0.95, group
