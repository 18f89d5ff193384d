"""Measure the matcher on the test pairs beside cosine and word overlap: ``python -m bench.pairs [PHAPDIEN_FOLDER]``.

With the folder of codified law (``phapdien_articles.jsonl.zst``, ``phapdien_related_pairs.tsv``) it also tells how well
officially related articles are told from articles of the same subject that are not related.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, cohen_kappa_score

from corpus import labelled
from corpus.labelled import JudgedPair
from models.embedder import Embedder, load_embedder
from models.similarity import Matcher, clause_embedder, load_matcher, without_figures
from models.train_matcher import THEME_THRESHOLD
from nlp.segment import segment
from service.settings import Settings

_SHIPPED = Path(__file__).resolve().parents[1] / "models" / "trained" / "matcher"
_DRAWS = 500


def interval(measure: Callable[[NDArray[np.int64]], float], rows: int) -> str:
    """Return a measure of all rows with its 95 % bootstrap interval (percentiles of resampled rows)."""
    generator = np.random.default_rng(889)
    drawn = [measure(generator.integers(0, rows, rows)) for _ in range(_DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{measure(np.arange(rows)):.3f} ({low:.3f}-{high:.3f})"


def overlap(a: str, b: str) -> float:
    """Return the share of words two texts have in common."""
    one, other = set(segment(without_figures(a))), set(segment(without_figures(b)))
    return len(one & other) / max(1, len(one | other))


def on_test_pairs(name: str, pairs: Sequence[JudgedPair], matcher: Matcher, plain: Embedder) -> None:
    """Print average precision of "same clause" and weighted kappa on test pairs, beside the ``plain`` encoder's cosine."""
    judged = np.array([pair.judgement for pair in pairs])
    texts = [(pair.a, pair.b) for pair in pairs]
    a, b = (plain.embed_queries([without_figures(pair[side]) for pair in texts]) for side in (0, 1))
    tuned_a, tuned_b = (matcher.describe([pair[side] for pair in texts]) for side in (0, 1))
    matches = matcher.match(texts)
    ours = np.array([match.similarity for match in matches])
    grades = np.digitize(ours, [THEME_THRESHOLD, matcher.threshold])
    scores = {
        "overlap of words": np.array([overlap(*pair) for pair in texts]),
        "cosine of e5": (a * b).sum(1),
        "cosine of e5, tuned": (tuned_a * tuned_b).sum(1),
        "matcher": ours,
    }
    print(f"{name}: {len(pairs)} pairs, {np.bincount(judged).tolist()} judged 0, 1, 2")
    for name, score in scores.items():
        print(f"{name}: AP {interval(lambda r, s=score: average_precision_score(judged[r] == 2, s[r]), len(pairs))}")
    kappa = interval(lambda r: cohen_kappa_score(judged[r], grades[r], weights="quadratic"), len(pairs))
    print(f"matcher: weighted kappa {kappa}, same clause right {np.mean((grades == 2) == (judged == 2)):.3f}")
    again = labelled.second_judgements()
    both = np.array([(pair.judgement, again[pair.id]) for pair in pairs if pair.id in again])
    agreed = cohen_kappa_score(both[:, 0], both[:, 1], weights="quadratic")
    print(f"judged again: {len(both)} pairs, weighted kappa {agreed:.3f}")


def on_related_articles(matcher: Matcher, plain: Embedder, folder: Path, many: int = 400) -> None:
    """Print how well officially related articles are told from unrelated ones of the same subject."""
    packed = folder / "phapdien_articles.jsonl.zst"
    lines = subprocess.run(["zstd", "-dc", packed], capture_output=True, check=True, text=True).stdout.splitlines()
    articles = {row["id"]: row for row in map(json.loads, lines) if 60 < len(row["text"]) < 500}
    skipped = ("Phạm vi điều chỉnh", "Đối tượng áp dụng", "Hiệu lực thi hành")
    links = [line.split("\t") for line in (folder / "phapdien_related_pairs.tsv").read_text("utf-8").splitlines()]
    links = [(a, b) for a, b in links if a in articles and b in articles and articles[a]["title"] not in skipped]
    generator = random.Random(889)
    related = generator.sample(links, min(many, len(links)))
    of_topic: dict[str, list[str]] = defaultdict(list)
    for name, row in articles.items():
        of_topic[row["topic"]].append(name)
    known = set(links)
    others = [(a, generator.choice(of_topic[articles[b]["topic"]])) for a, b in related]
    pairs = [(a, b) for a, b in (*related, *(pair for pair in others if pair not in known))]
    labels = np.array([True] * len(related) + [False] * (len(pairs) - len(related)))
    texts = [(articles[a]["text"], articles[b]["text"]) for a, b in pairs]
    ours = np.array([match.similarity for match in matcher.match(texts)])
    a, b = (plain.embed_queries([without_figures(pair[side]) for pair in texts]) for side in (0, 1))
    for name, score in (("cosine of e5", (a * b).sum(1)), ("matcher", ours)):
        print(
            f"articles, {name}: AP {interval(lambda r, s=score: average_precision_score(labels[r], s[r]), len(labels))}"
        )


def speed(matcher: Matcher, provinces: int = 34, clauses: int = 300) -> None:
    """Print the time of all pairs of clauses of all pairs of provinces, vectors at hand."""
    texts = [clause.text for clause in labelled.clauses()][:clauses]
    described = matcher.describe(texts)
    for many in (provinces // 4, provinces // 2, provinces):
        started = time.perf_counter()
        for _ in range(many * (many - 1) // 2):
            matcher.matrix(described, described)
        print(f"{many} provinces of {len(texts)} clauses: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    base = load_embedder("default", Settings().cache)
    shipped = load_matcher(_SHIPPED, clause_embedder(_SHIPPED, base))
    on_test_pairs("test", labelled.test_pairs(), shipped, base)
    on_test_pairs("blind", labelled.blind_pairs(), shipped, base)
    on_test_pairs("fresh", labelled.fresh_pairs(), shipped, base)
    on_test_pairs("unseen", labelled.unseen_pairs(), shipped, base)
    speed(shipped)
    if sys.argv[1:]:
        on_related_articles(shipped, base, Path(sys.argv[1]))
