"""Train the tagger, the matcher or the reading of queries into a folder: model, manifest and card, written beside the old ones and swapped in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from corpus import labelled
from corpus.composed import training_only
from corpus.corrections import corrections
from corpus.labelled import LabelError, LabelledParagraph, read_labelled
from models import train
from models.adapted import adapted
from models.adapter import find_adapter, read_adapter
from models.card import matcher_card, queries_card, tagger_card
from models.embedder import Embedder, OnnxEmbedder
from models.evaluate import Judged, report
from models.explain import write_rows
from models.tagger import ADAPTER_FOLDER, Tagger, load_tagger
from models.tuning import write_tuning
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace

# A bare heading answers no question.
_LEAST_WORDS = 8


def tagger_embedder(space: Workspace) -> Embedder:
    """Return the default embedder, with the adapter for the workspace's groups where there is one.

    Raises AdapterError for an adapter that cannot be used, DamagedModelError for a damaged model built with it.
    """
    adapter = find_adapter(space.settings.own_adapter, [group.key for group in space.groups])
    return adapted(space.default_embedder, adapter) if adapter else space.default_embedder


def train_tagger(space: Workspace, files: Sequence[Path], output: Path | None = None, *, use_own: bool = True) -> Path:
    """Train on the project's labelled paragraphs and those of ``files``; return the folder written.

    Without an ``output`` it is in use from then on, and the user's own tagger before it is kept for a rollback.

    Raises UsageError for a file that cannot be read, NothingUsableError where the labels do not suffice.
    """
    given = [row for file in files for row in read_rows_of(file, space)]
    rows = [*(labelled.for_training() if use_own else []), *given]
    extra, current = training_only() if use_own else [], space.settings.own_tagger
    is_elsewhere = output and output.resolve() != current.resolve()
    folder = _train(space, rows, output if output and is_elsewhere else _candidate(current), extra)
    # What explanations point to, beside the project's.
    write_rows(folder, space.default_embedder, given)
    if is_elsewhere:
        return folder
    _promote(folder, current)
    return current


def _train(
    space: Workspace, rows: Sequence[LabelledParagraph], folder: Path, extra: Sequence[LabelledParagraph]
) -> Path:
    keys = [group.key for group in space.groups]
    try:
        trained = train.train(rows, space.groups, tagger_embedder(space), space.tell, extra)
    except ValueError as error:
        raise NothingUsableError(f"cannot train: {error}") from error
    thresholds = np.array([trained.manifest["thresholds"][key] for key in keys])
    documents, genres = [row.document for row in rows], [row.genre for row in rows]
    judged = Judged(keys, trained.labels, trained.held_out, thresholds, documents, genres)
    card = tagger_card(trained.manifest, report(judged), train.FOLDS)

    def save(work: Path) -> str:
        trained.tagger.save(work, trained.manifest)
        own = space.settings.own_adapter
        # A tagger takes the user's adapter along, so that a later one, or a rollback, cannot part them.
        if trained.manifest["adapter"] and own.exists() and read_adapter(own).id == trained.manifest["adapter"]:
            shutil.copytree(own, work / ADAPTER_FOLDER)
        return card

    return swap_in(folder, save)


def train_with_corrections(space: Workspace) -> tuple[Path, dict[str, float], bool]:
    """Train a candidate on the project's paragraphs and people's corrections; put it in use when it is not worse.

    Candidate and current tagger are measured on the frozen paragraphs, which neither learns from. Returns the folder in
    use, the macro F1 of "candidate" and "current", and whether the candidate was promoted; the one before is kept.
    """
    judged = {correction.text: correction for correction in corrections(space.store)}
    if not judged:
        raise NothingUsableError("no corrections yet; `kehoach correct` records them")
    learnt = [
        LabelledParagraph(c.paragraph_id, c.document_id, "corrected", text, frozenset(c.after))
        for text, c in judged.items()
    ]
    frozen = labelled.frozen()
    unseen = {row.document for row in frozen}
    rows = [row for row in (*labelled.paragraphs(), *learnt) if row.document not in unseen]
    current = space.settings.own_tagger
    work = _candidate(current)
    fitted = _train(space, rows, work, training_only())
    candidate = load_tagger(fitted, space.groups, space.default_embedder)
    figures = {"candidate": _macro_f1(candidate, frozen), "current": _macro_f1(space.tagger, frozen)}
    is_better = figures["candidate"] >= figures["current"]
    if is_better:
        _promote(work, current)
    return (current if is_better else work), figures, is_better


def rollback(space: Workspace) -> str:
    """Put the tagger before the current one back in use, a second time the other way; return what is in use then.

    Raises NothingUsableError where there is none.
    """
    current, before = space.settings.own_tagger, _before(space.settings.own_tagger)
    if before.exists():
        aside = current.with_name("tagger-aside")
        if current.exists():
            current.rename(aside)
        before.rename(current)
        if aside.exists():
            aside.rename(before)
        return str(current)
    if current.exists():
        current.rename(before)
        return "the tagger that comes with kehoach"
    raise NothingUsableError("no trained tagger to roll back; the one that comes with kehoach is in use")


def _promote(candidate: Path, current: Path) -> None:
    """Put ``candidate`` in the place of ``current``, which is kept for a rollback."""
    before = _before(current)
    shutil.rmtree(before, ignore_errors=True)
    if current.exists():
        current.rename(before)
    candidate.rename(current)


def _candidate(current: Path) -> Path:
    return current.with_name("tagger-candidate")


def _before(current: Path) -> Path:
    return current.with_name("tagger-before")


def _macro_f1(tagger: Tagger, rows: Sequence[LabelledParagraph]) -> float:
    found, _ = tagger.probabilities([row.text for row in rows])
    keys = [group.key for group in tagger.groups]
    labels = np.array([[key in row.labels for key in keys] for row in rows])
    assigned = found >= np.array([tagger.thresholds[key] for key in keys])
    agreed = (assigned & labels).sum(axis=0)
    return round(float(np.mean(2 * agreed / np.maximum(1, assigned.sum(axis=0) + labels.sum(axis=0)))), 4)


def train_queries(space: Workspace, output: Path | None = None) -> Path:
    """Tune the reading of queries on the project's own questions; return the folder written."""
    try:
        from models.tune_queries import Asked, QueryRecipe, tune_queries
    except ImportError as error:
        raise UsageError(str(error)) from error
    embedder = encoder_to_train(space, "tuning on queries")
    texts = {row.id: row.text for row in labelled.paragraphs() if len(row.text.split()) >= _LEAST_WORDS}
    texts |= {entry.id: entry.text for entry in labelled.encyclopedia()}
    number = {name: place for place, name in enumerate(texts)}
    questions = [(question.paragraph, question.text) for question in labelled.questions()]
    questions += [(entry.id, text) for entry in labelled.encyclopedia() for text in entry.questions]
    space.tell(f"embedding {len(texts)} passages")
    asked = Asked(
        [(text, number[name]) for name, text in questions if name in number],
        embedder.embed_passages(list(texts.values())),
        [(meaning.text, meaning.means) for meaning in labelled.meanings()],
    )
    recipe = QueryRecipe()
    arrays = tune_queries(asked, embedder, recipe, space.tell)
    details = {
        "embedder": embedder.id,
        "recipe": dict(vars(recipe)),
        "queries": len(asked.queries),
        "passages": len(texts),
        "meanings": len(asked.meanings),
    }

    def save(work: Path) -> str:
        return queries_card(write_tuning(work, recipe.first, arrays, details).id, details)

    return swap_in(output or space.settings.own_queries, save)


def encoder_to_train(space: Workspace, what: str) -> OnnxEmbedder:
    """Return the default embedder for ``what`` changes its layers; torch keeps to KEHOACH_THREADS from then on.

    Raises UsageError for another embedder. Needs the extra ``kehoach[transformers]``.
    """
    from models.trainable import use_threads

    embedder = space.default_embedder
    if not isinstance(embedder, OnnxEmbedder):
        raise UsageError(f"{what} changes the default embedder, not {embedder.id}")
    if space.settings.threads:
        use_threads(space.settings.threads)
    return embedder


def train_matcher(space: Workspace, output: Path | None = None) -> Path:
    """Train the matcher of clauses on the project's own families and judged pairs; return the folder written."""
    try:
        from models.train_matcher import train_matcher as fit
    except ImportError as error:
        raise UsageError(str(error)) from error
    embedder = encoder_to_train(space, "training a matcher")
    trained = fit(labelled.clauses(), labelled.pairs(), embedder, space.tell)

    folder = output or space.settings.own_matcher
    return swap_in(folder, lambda work: matcher_card(trained.save(work, embedder)))


def swap_in(folder: Path, save: Callable[[Path], str]) -> Path:
    """Write a model, by ``save``, and its card, which that returns, beside ``folder``; put them in its place; return ``folder``."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    old = work.with_name(f"{work.name}-old")
    try:
        (work / "README.md").write_text(save(work), encoding="utf-8")
        work.chmod(0o755)
        if folder.exists():
            folder.rename(old)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return folder


def read_rows_of(file: Path, space: Workspace) -> list[LabelledParagraph]:
    """Return the labelled rows of ``file``; raises UsageError, or NothingUsableError naming the row."""
    try:
        rows = read_labelled(file)
    except OSError as error:
        raise UsageError(f"{file}: cannot be opened: {error.strerror}") from error
    except LabelError as error:
        raise NothingUsableError(str(error)) from error
    known = {group.key for group in space.groups}
    for row in rows:
        if unknown := row.labels - known:
            raise NothingUsableError(
                f"{file}, row {row.id}: unknown labels {sorted(unknown)}; known are {sorted(known)}"
            )
    return rows
