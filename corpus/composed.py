"""Compose training paragraphs about campaigns: one sentence, with a subject of the programme or with another.

Whether "Tuyên truyền về ..." has the label awareness depends on what it is about alone; rows that differ in nothing else teach
that. Composed rows are for training only: they are never held out and count in no figure.
"""

from __future__ import annotations

import random
import tomllib

from corpus import labelled
from corpus.labelled import LabelledParagraph

FILE = "campaigns.toml"
# How many `kehoach train` and `kehoach model finetune` learn from.
OUTSIDE, WITHIN = 500, 250
_SEED = 889
_LABEL = "awareness"


def composed(outside: int = OUTSIDE, within: int = WITHIN) -> list[LabelledParagraph]:
    """Return ``outside`` paragraphs with subjects outside the programme, without a label, and ``within`` with its subjects.

    Those have awareness and the labels of their subject. Subjects take turns, sentences are drawn; the same numbers give
    the same rows. Their documents, one a sentence, are no document's of the labelled paragraphs.
    """
    data = tomllib.loads((labelled.folder() / FILE).read_text(encoding="utf-8"))
    frames: list[str] = data["frames"]
    others = [(subject, frozenset[str]()) for subject in data["other_subjects"]]
    own = [(subject["text"], frozenset({_LABEL, *subject.get("labels", [])})) for subject in data["subject"]]
    # The same rows at every run; nothing here is secret.
    chance = random.Random(_SEED)  # noqa: S311
    rows = []
    for kind, count, subjects in (("outside", outside, others), ("within", within, own)):
        for number in range(count):
            text, labels = subjects[number % len(subjects)]
            frame = chance.randrange(len(frames))
            name, document = f"composed-{kind}-{number}", f"composed-{frame}"
            rows.append(LabelledParagraph(name, document, "composed", frames[frame].format(s=text), labels))
    return rows


def training_only() -> list[LabelledParagraph]:
    """Return all rows that models learn from and that are never held out: the composed ones and those of stock phrases."""
    return [*composed(), *labelled.phrases()]
