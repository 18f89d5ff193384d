"""Compare ways of tagging on the same document-grouped folds and write results/tagging-comparison.md.

python bench/tagging.py [--cache FOLDER] [--seeds 5] [--kept]

Vectors and answers are kept in the cache folder, answers by the hash of data, embedder and the code that gave them, so that a
run again does only what has changed, and one that was interrupted goes on; a first run takes about an hour on two cores.
``--kept`` writes the page from what is kept and leaves out the rest. Speed is measured in every run.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from cached import CachedEmbedder, kept
from numpy.typing import NDArray
from recipes import Answers, Data, Floats, clauses, fit_whole, rules, whole_paragraphs, without_rules
from tagging_page import (
    PAGE,
    Measured,
    clean_table,
    crossed_thresholds,
    measure,
    seeds_table,
    spoilt_table,
    table,
    thresholds_of,
)

from corpus import labelled
from corpus.labelled import LabelledParagraph
from corpus.taxonomy import read_taxonomy
from models import train
from models.embedder import available_processors, load_embedder
from models.evaluate import RESAMPLES
from models.features import Cues, Units, clause_texts
from models.tagger import load_tagger
from nlp.noise import bare, scanned
from nlp.segment import segment
from service.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
CONDITIONS: Mapping[str, Callable[[LabelledParagraph], str]] = {
    "scanned": lambda row: scanned(row.text, row.id),
    "bare": lambda row: bare(row.text),
}
RULES, STRONGEST, SHIPPED = "cue rules", "clauses, the strongest counts", "**clauses, learned aggregation (shipped)**"
WHOLE = {
    "TF-IDF of words": ("words",),
    "embedding": ("vectors",),
    "TF-IDF and embedding": ("words", "vectors"),
}
# What answers depend on beside data and embedder.
CODE = (
    "bench/recipes.py",
    "nlp/noise.py",
    "models/features.py",
    "models/tagger.py",
    "models/train.py",
    "corpus/taxonomy.toml",
)


def tell(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


def headed(row: LabelledParagraph) -> LabelledParagraph:
    return replace(row, text=f"{row.heading_path[-1].rstrip('.')}. {row.text}") if row.heading_path else row


def unheaded(row: LabelledParagraph) -> LabelledParagraph:
    return replace(row, heading_path=())


class Bench:
    """The labelled paragraphs, described once for each form of them, and the recipes' answers."""

    def __init__(self, cache: Path, only_kept: bool = False) -> None:
        self.cache, self._only_kept = cache, only_kept
        self.plain_embedder = load_embedder("default", Settings().cache)
        self.embedder = CachedEmbedder(self.plain_embedder, cache)
        self.groups = read_taxonomy()
        self.keys = [group.key for group in self.groups]
        self.learnt, self.frozen = labelled.for_training(), labelled.frozen()
        code = [(ROOT / name).read_text(encoding="utf-8") for name in CODE]
        rows = [(row.id, row.text, row.heading_path, sorted(row.labels)) for row in (*self.learnt, *self.frozen)]
        self._state = repr((code, rows, len(self.frozen), self.embedder.id))

    def describe(self, rows: Sequence[LabelledParagraph]) -> train.Examples:
        return train.describe(rows, self.groups, self.embedder)

    def data(self, form: Callable[[LabelledParagraph], LabelledParagraph], conditions: Sequence[str] = ()) -> Data:
        """Return the data with every row in ``form``, and spoilt in ``conditions``."""
        tell(f"describing paragraphs, spoilt: {', '.join(conditions) or 'no'}")
        learnt, frozen = [form(row) for row in self.learnt], [form(row) for row in self.frozen]

        def spoilt(rows: Sequence[LabelledParagraph]) -> dict[str, train.Examples]:
            how = {name: CONDITIONS[name] for name in conditions}
            return {name: self.describe([replace(row, text=to(row)) for row in rows]) for name, to in how.items()}

        composed = self.describe([*learnt, *train.composites(learnt)])
        return Data(
            composed, len(learnt), spoilt(learnt), {"clean": self.describe(frozen), **spoilt(frozen)}, self.keys
        )

    @cached_property
    def plain(self) -> Data:
        """The data as it is, and spoilt."""
        return self.data(lambda row: row, tuple(CONDITIONS))

    def kept(self, name: str, work: Callable[[], Sequence[Answers]]) -> list[Answers]:
        """Return what ``work`` gives, from the cache where the same was done before; [] where it may not be done now."""
        file = self.cache / f"{hashlib.sha256((name + self._state).encode()).hexdigest()[:16]}.npz"
        if self._only_kept and not file.exists():
            tell(f"{name}: not kept, left out")
            return []

        def told() -> Sequence[Answers]:
            tell(name)
            return work()

        return kept(file, told)

    def answers(self) -> dict[str, Answers]:
        """Return every recipe's answers on the same folds."""
        found = dict(zip([RULES], self.kept("rules", lambda: [rules(self.plain)]), strict=False))
        for name, views in WHOLE.items():
            done = self.kept(name, lambda views=views: [whole_paragraphs(self.plain, views)])
            found.update(zip([name], done, strict=False))
        found.update(zip((STRONGEST, SHIPPED), self.kept("clauses", lambda: clauses(self.plain, tell)), strict=False))
        done = self.kept("without rules", lambda: clauses(without_rules(self.plain), tell))
        found.update(zip(["shipped, without rule features"], done[1:], strict=False))
        name, form = (
            ("shipped, headings not read", unheaded)
            if self.reads_headings
            else ("shipped, heading read as a first sentence", headed)
        )
        done = self.kept(form.__name__, lambda: clauses(self.data(form), tell))
        found.update(zip([name], done[1:], strict=False))
        return found

    @property
    def reads_headings(self) -> bool:
        """Whether the shipped recipe takes note of a paragraph's headings."""
        row = next(row for row in self.learnt if row.heading_path)
        described = [pickle.dumps(self.describe([form])) for form in (row, unheaded(row))]
        return described[0] != described[1]

    def by_seed(self, seeds: int) -> dict[str, list[Floats]]:
        """Return held-out probabilities by recipe over folds drawn anew with seeds 1 to ``seeds`` - 1."""
        found: dict[str, list[Floats]] = {}
        for seed in range(1, seeds):

            def drawn(seed: int = seed) -> Data:
                learnt = self.plain.learnt
                other = replace(learnt, documents=renumbered(learnt.documents, seed))
                return replace(self.plain, learnt=other, conditions={}, frozen={})

            done = {
                name: self.kept(
                    f"{name}, seed {seed}", lambda views=views, drawn=drawn: [whole_paragraphs(drawn(), views)]
                )
                for name, views in WHOLE.items()
            }
            both = self.kept(f"clauses, seed {seed}", lambda drawn=drawn: clauses(drawn(), tell))
            done |= {STRONGEST: both[:1], SHIPPED: both[1:]}
            for name, answers in done.items():
                found.setdefault(name, []).extend(answer.held_out["clean"] for answer in answers)
        return found


def renumbered(documents: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the documents' numbers drawn anew, so that others share a fold: folds are drawn by number. 0 leaves them."""
    if not seed:
        return documents
    drawn: NDArray[np.int64] = np.random.default_rng(seed).permutation(int(documents.max()) + 1)[documents]
    return drawn


def speeds(bench: Bench) -> dict[str, float]:
    """Return paragraphs a second by recipe on every third frozen paragraph, nothing kept from before: the better of two runs."""
    texts = [row.text for row in bench.frozen[::3]]
    embedder, cues = bench.plain_embedder, Cues(bench.groups)
    # What a model has learnt from hardly changes how fast it answers.
    few = bench.describe(bench.learnt[::10])
    tagger = load_tagger(ROOT / "models" / "trained" / "tagger", bench.groups, embedder)

    def by_rules() -> None:
        cues.counts(cues.matches([part for text in texts for part in clause_texts(text)]))

    def wholes(views: Sequence[str], say: Callable[[train.Examples], Floats]) -> None:
        each = np.arange(len(texts))
        segmented = [" ".join(segment(text)) for text in texts] if "words" in views else texts
        vectors = (
            embedder.embed_passages(texts)
            if "vectors" in views
            else np.zeros((len(texts), embedder.dimension), np.float32)
        )
        none = np.zeros((len(texts), 0), np.float32)
        say(train.Examples(Units(texts, segmented, vectors, each, each), none, none, np.zeros((0, 0), bool), each))

    timed: dict[str, Callable[[], object]] = {RULES: by_rules}
    for name, views in WHOLE.items():
        say = fit_whole(few, bench.keys, views)
        timed[name] = lambda views=views, say=say: wholes(views, say)
    timed[SHIPPED] = lambda: tagger.probabilities(texts)
    found = {}
    for name, work in timed.items():
        spent = []
        for _ in range(2):
            began = time.perf_counter()
            work()
            spent.append(time.perf_counter() - began)
        found[name] = len(texts) / min(spent)
    return found


def page(bench: Bench, seeds: int) -> str:
    """Measure everything and return the page in Markdown."""
    answers = bench.answers()
    labels = np.array([[key in row.labels for key in bench.keys] for row in bench.learnt])
    documents = [row.document for row in bench.learnt]
    numbers = np.unique(documents, return_inverse=True)[1].astype(np.int64)
    frozen_labels = np.array([[key in row.labels for key in bench.keys] for row in bench.frozen])
    frozen_documents = [row.document for row in bench.frozen]
    held_out: dict[str, dict[str, Measured]] = {}
    frozen: dict[str, dict[str, Measured]] = {}
    for name, answer in answers.items():
        clean = answer.held_out["clean"]
        crossed, whole = crossed_thresholds(labels, clean, numbers), thresholds_of(labels, clean)
        held_out[name] = {c: measure(labels, found, crossed, documents) for c, found in answer.held_out.items()}
        frozen[name] = {c: measure(frozen_labels, found, whole, frozen_documents) for c, found in answer.frozen.items()}
    by_seed = []
    for name, drawn in bench.by_seed(seeds).items():
        first = [answers[name].held_out["clean"]] if name in answers else []
        scores = [
            measure(labels, found, crossed_thresholds(labels, found, renumbered(numbers, seed)), documents).f1
            for seed, found in enumerate([*first, *drawn])
        ]
        by_seed.append((name, np.array(scores)))
    fast = speeds(bench)
    composed = len(train.composites(bench.learnt))
    return PAGE.format(
        today=date.today().isoformat(), processors=available_processors(), embedder=bench.embedder.id,
        learnt=len(bench.learnt), documents=len(set(documents)), composed=composed,
        frozen=len(bench.frozen), frozen_documents=len(set(frozen_documents)), folds=train.FOLDS,
        resamples=RESAMPLES,
        held_out_table=clean_table(bench.keys, held_out, SHIPPED),
        frozen_table=clean_table(bench.keys, frozen, SHIPPED),
        spoilt_table=spoilt_table(list(CONDITIONS), held_out, frozen),
        seeds_table=seeds_table(bench.keys, by_seed),
        speed_table=table(
            ["recipe", "paragraphs a second", "to shipped"],
            [[name, f"{rate:.0f}", f"{rate / fast[SHIPPED]:.1f}"] for name, rate in fast.items()],
        ),
        headings="The shipped recipe reads headings." if bench.reads_headings else "The shipped recipe does not read headings.",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare ways of tagging and write results/tagging-comparison.md.")
    parser.add_argument("--cache", type=Path, default=Settings().cache / "bench", help="folder of what is kept")
    parser.add_argument("--seeds", type=int, default=5, help="how many drawings of the folds")
    parser.add_argument("--kept", action="store_true", help="write from what is kept, leave out the rest")
    chosen = parser.parse_args()
    text = page(Bench(chosen.cache, chosen.kept), chosen.seeds)
    (ROOT / "results" / "tagging-comparison.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
