"""People and models on tags: corrections, the queue of what to look at, tagging anew after a model changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.corrections import Correction, UnknownParagraphError, judged, most_unsure, outdated, replace_model_tags
from corpus.corrections import correct as record
from corpus.corrections import corrections as recorded
from corpus.store import Filter, StoredParagraph
from corpus.types import Tag
from service.errors import NothingUsableError, UsageError
from service.forms import paragraph_form
from service.workspace import Workspace

_MOST_NAME = 200
# Of how many unsure paragraphs it is weighed how new their words are.
_WEIGHED = 1_000


@dataclass(frozen=True)
class Queued:
    """A paragraph worth a person's look: ``score`` is how unsure its tags are times how new its words are, 0 to 1."""

    paragraph: StoredParagraph
    score: float
    unsure: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """What tagging anew changed: paragraphs tagged, and by task group how many gained and lost it."""

    model_id: str
    paragraphs: int
    gained: dict[str, int]
    lost: dict[str, int]


def correct(
    workspace: Workspace, paragraph_id: str, groups: Sequence[str], by: str, note: str = "", key: str = ""
) -> Correction:
    """Record a person's tags for a paragraph; behind who says so the name of the ``key`` that let them in, where one did.

    Raises UsageError for unknown groups, NothingUsableError for an unknown id.
    """
    known = [group.key for group in workspace.groups]
    if unknown := sorted(set(groups) - set(known)):
        raise UsageError(f"unknown task group {', '.join(unknown)}; known are {', '.join(known)}")
    if not by.strip() or len(by) > _MOST_NAME:
        raise UsageError(f"who corrects has to be named, in at most {_MOST_NAME} characters")
    name = f"{by.strip()} ({key})" if key and key != by.strip() else by.strip()
    try:
        return record(workspace.store, paragraph_id, list(dict.fromkeys(groups)), known, name, note)
    except UnknownParagraphError as error:
        raise NothingUsableError(f"no paragraph {paragraph_id!r}; search results and exports name them") from error


def queue(workspace: Workspace, limit: int = 20, only: Filter | None = None) -> list[Queued]:
    """Return the paragraphs whose tags a person should look at, most useful first.

    A paragraph is unsure where a probability lies within its group's band around the threshold. Among the most unsure ones,
    at most 1,000 or ``limit``, each next is chosen far in meaning from those a person has judged and from those chosen
    before (Carbonell and Goldstein 1998): what a request reads does not grow with the store.
    """
    store, tagger, embedder_id = workspace.store, workspace.tagger, workspace.tagger_embedder_id
    chosen_from = Filter() if only is None else only
    edges = {group: (low, tagger.thresholds[group], high) for group, (low, high) in tagger.bands.items()}
    keys = most_unsure(store, edges, chosen_from, embedder_id, max(_WEIGHED, limit))
    vectors = store.vectors_of(keys, embedder_id)
    tagged = store.tags_by_key(keys)
    waiting = []
    # In the order of the store, which decides between equals.
    for key in sorted(vectors):
        own = [tag for tag in tagged.get(key, ()) if tag.task_group in edges]
        doubts = {tag.task_group: tagger.doubt(tag.task_group, tag.probability) for tag in own}
        if unsure := tuple(group for group, doubt in doubts.items() if doubt > 0):
            waiting.append((key, max(doubts.values()), unsure))
    if not waiting:
        return []
    own_vectors = np.stack([vectors[key] for key, _, _ in waiting])
    known = list(store.vectors_of(judged(store, chosen_from), embedder_id).values())
    nearest = (own_vectors @ np.stack(known).T).max(axis=1) if known else np.zeros(len(waiting), np.float32)
    doubt = np.array([worst for _, worst, _ in waiting])
    chosen: list[tuple[int, float, tuple[str, ...]]] = []
    left = np.ones(len(waiting), bool)
    for _ in range(min(limit, len(waiting))):
        score = np.where(left, doubt * (1.0 - np.clip(nearest, 0.0, 1.0)), -1.0)
        best = int(score.argmax())
        key, _, unsure = waiting[best]
        chosen.append((key, round(float(score[best]), 4), unsure))
        left[best] = False
        nearest = np.maximum(nearest, own_vectors @ own_vectors[best])
    found = store.paragraphs_by_key([key for key, _, _ in chosen])
    return [Queued(found[key], score, unsure) for key, score, unsure in chosen if key in found]


def _is_judged(tags: Sequence[Tag]) -> bool:
    return any(tag.source == "person" for tag in tags)


def retag(workspace: Workspace) -> Moved:
    """Tag what another model tagged by the one of now, a document a transaction; tags of people stay."""
    store, tagger = workspace.store, workspace.tagger
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    count = 0
    for document_id in outdated(store, tagger.id):
        members = store.paragraphs(Filter(document_id=document_id))
        before = store.tags_by_key([p.key for p in members])
        members = [p for p in members if not _is_judged(before.get(p.key, ()))]
        new = tagger.tag([p.corrected or p.text for p in members])
        for paragraph, tags in zip(members, new, strict=True):
            had, has = set(paragraph.groups), {tag.task_group for tag in tags if tag.assigned}
            gained.update(has - had)
            lost.update(had - has)
        replace_model_tags(store, {p.key: tags for p, tags in zip(members, new, strict=True)})
        count += len(members)
    return Moved(tagger.id, count, dict(gained), dict(lost))


def queued_form(item: Queued) -> dict[str, Any]:
    """Return a queued paragraph."""
    return {**paragraph_form(item.paragraph), "score": item.score, "unsure": list(item.unsure)}


def correction_form(correction: Correction, *, with_names: bool = True) -> dict[str, Any]:
    """Return a correction, without ``with_names`` with neither who said so nor their note."""
    return {
        **vars(correction),
        **({} if with_names else {"by": "", "note": ""}),
        "before": list(correction.before),
        "after": list(correction.after),
        "made_at": correction.made_at.isoformat(),
    }


def all_corrections(workspace: Workspace, after: int = 0, limit: int | None = None) -> list[Correction]:
    """Return at most ``limit`` corrections (None: all) with numbers over ``after``, oldest first."""
    return recorded(workspace.store, after, limit)
