"""What all trainings of the encoder's layers have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from service import finetuning, training
from service.workspace import Workspace

pytest.importorskip("torch", reason="kehoach[transformers] is not installed")


class ReachedError(Exception):
    """Training would begin now."""


@pytest.mark.parametrize(
    "train", [training.train_matcher, training.train_queries, None], ids=["matcher", "queries", "finetune"]
)
@pytest.mark.parametrize("threads", [3, None])
def test_training_keeps_to_the_threads_that_are_set(
    with_settings: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    train: Callable[[Workspace], object] | None,
    threads: int | None,
) -> None:
    space, used = with_settings(threads=threads), []

    def begin(*_: object, **__: object) -> None:
        raise ReachedError

    @contextmanager
    def opened() -> Iterator[Workspace]:
        yield space

    monkeypatch.setattr("models.trainable.use_threads", used.append)
    monkeypatch.setattr("models.train_matcher.train_matcher", begin)
    monkeypatch.setattr("models.finetune.finetune", begin)
    monkeypatch.setattr("models.tune_queries.tune_queries", begin)
    monkeypatch.setattr(finetuning, "workspace", opened)
    monkeypatch.setattr(type(space.default_embedder), "embed_passages", begin)
    with pytest.raises(ReachedError):
        train(space) if train else finetuning.finetune(epochs=1, folds=2, rank=1, noise=False, seed=1)
    assert used == ([threads] if threads else [])
