"""Train a task adapter on labelled paragraphs, and by cross-fitting the held-out logits that the tagger is fitted on.

The lower layers never change, so what they make of every text is computed once and kept (768 bytes a token). Binary
cross-entropy a group, AdamW with a one-cycle rate (Smith and Topin 2019). Needs the extra ``kehoach[transformers]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from corpus.labelled import LabelledParagraph
from models.embedder import PASSAGE_PROMPT, OnnxEmbedder
from models.features import whole_text
from models.reader import Reader
from models.train import composites, folds
from models.trainable import Recipe, Top, fit, logits
from models.tuning import Floats
from nlp.noise import bare, scanned

# Called with (steps done, steps in all, what is being done).
Progress = Callable[[int, int, str], None]

_SPOILT_SHARE = 0.1


@dataclass(frozen=True)
class Finetuned:
    """The arrays of an adapter, its held-out logits by text, each (groups,), and the mean loss of its last epoch."""

    arrays: dict[str, Floats]
    held_out: dict[str, Floats]
    loss: float


def finetune(
    rows: Sequence[LabelledParagraph],
    composed: Sequence[LabelledParagraph],
    keys: Sequence[str],
    embedder: OnnxEmbedder,
    recipe: Recipe,
    progress: Progress,
) -> Finetuned:
    """Train an adapter for the groups ``keys`` on ``rows``, composites of them and ``composed``, which is never held out.

    The held-out logits are of every text of ``rows`` and composites, by adapters that never saw a row of their document. The
    same on the same machine for the same data, recipe and number of threads. Raises ValueError for fewer than two documents.
    """
    documents = list(dict.fromkeys(row.document for row in rows))
    if len(documents) < 2:
        raise ValueError(f"fine-tuning needs labelled paragraphs of at least 2 documents, there are {len(documents)}")
    written = [*rows, *composites(rows)]
    trained = [*written, *(spoilt(written, recipe.seed) if recipe.noise else []), *composed]
    texts = list(dict.fromkeys(whole_text(row.text) for row in trained))
    number = {document: place for place, document in enumerate(documents)}
    parts = list(folds(np.arange(len(documents)), recipe.folds))
    report = _Report(progress, len(texts), recipe.epochs * len(trained), len(parts))
    reader = Reader(embedder, recipe.first, PASSAGE_PROMPT)
    reader.states(texts, lambda done: report.step(done, "lower layers"))
    targets = np.array([[key in row.labels for key in keys] for row in trained], np.float32)
    # Composed rows are of no document.
    owner = np.array([number.get(row.document, -1) for row in trained])

    def train(chosen: NDArray[np.int64], name: str) -> tuple[Top, float]:
        states = reader.states([whole_text(trained[place].text) for place in chosen])
        return fit(reader.weights, states, targets[chosen], recipe, partial(report.named, name))

    held_out: dict[str, Floats] = {}
    for fold, (_, unseen) in enumerate(parts, 1):
        top, _ = train(np.flatnonzero(~np.isin(owner, unseen)), f"fold {fold} of {len(parts)}")
        asked = [whole_text(row.text) for row in written if number[row.document] in unseen]
        # A text of several documents keeps what the first fold says.
        new = [text for text in dict.fromkeys(asked) if text not in held_out]
        held_out |= dict(zip(new, logits(top, reader.states(new)), strict=True))
    top, loss = train(np.arange(len(trained)), "all documents")
    return Finetuned(top.arrays(), held_out, loss)


def spoilt(rows: Sequence[LabelledParagraph], seed: int) -> list[LabelledParagraph]:
    """Return a tenth of ``rows`` once more as a poor scan gives them, and another tenth without diacritics."""
    chosen = np.random.default_rng(seed).permutation(len(rows))
    share = round(_SPOILT_SHARE * len(rows))
    kinds = (("scanned", chosen[:share]), ("bare", chosen[share : 2 * share]))
    return [
        LabelledParagraph(
            f"{row.id}-{kind}", row.document, row.genre,
            scanned(row.text, row.id) if kind == "scanned" else bare(row.text), row.labels,
        )
        for kind, places in kinds
        for row in (rows[place] for place in places)
    ]  # fmt: skip


class _Report:
    """Turns texts read and rows trained into one count; a row trained counts like a text read."""

    def __init__(self, progress: Progress, texts: int, rows: int, count: int) -> None:
        self._progress, self._done = progress, 0
        # A fold trains on all documents but its own.
        self._total = texts + rows * count

    def step(self, done: int, what: str) -> None:
        self._done += done
        self._progress(min(self._done, self._total), self._total, what)

    def named(self, name: str, done: int, what: str) -> None:
        self.step(done, f"{name}, {what}")


def recipe_details(recipe: Recipe, result: Finetuned, rows: int) -> Mapping[str, object]:
    """Return what the manifest of an adapter says about its training."""
    return {"recipe": dict(vars(recipe)), "paragraphs": rows, "last_loss": round(result.loss, 4)}
