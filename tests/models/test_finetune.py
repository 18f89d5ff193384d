"""Fine-tuning: what it learns, that held-out logits are of unseen documents, and that it says what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from corpus.labelled import LabelledParagraph
from models.adapter import write_adapter
from models.embedder import Embedder, OnnxEmbedder
from models.features import whole_text
from models.train import composites

pytest.importorskip("torch")

from models.finetune import Finetuned, finetune, spoilt
from models.trainable import Recipe

RECIPE = Recipe(first=11, rank=2, epochs=3, folds=2, batch=8, noise=False)
ROWS = [
    LabelledParagraph(f"{n}", f"doc-{n % 4}", "task", text.format(n), frozenset(labels))
    for n in range(24)
    for text, labels in [
        [
            ("Lắp điện mặt trời áp mái cho nhà máy số {}; đấu nối lưới điện", {"renewable_energy"}),
            ("Bổ nhiệm kế toán trưởng của trường số {}", set()),
        ][n % 2]
    ]
]


@pytest.fixture(scope="module")
def result(embedder: Embedder) -> Finetuned:
    assert isinstance(embedder, OnnxEmbedder)
    told: list[tuple[int, int, str]] = []
    result = finetune(ROWS, [], ["renewable_energy"], embedder, RECIPE, lambda *step: told.append(step))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][0] <= told[-1][1]
    return result


def test_it_learns_and_held_out_logits_show_it(result: Finetuned) -> None:
    logits = {row.text: float(result.held_out[row.text][0]) for row in ROWS}
    labelled = [logits[row.text] for row in ROWS if row.labels]
    assert min(labelled) > max(logits[row.text] for row in ROWS if not row.labels)
    assert result.loss < 0.69


def test_every_text_of_rows_and_composites_has_held_out_logits(result: Finetuned) -> None:
    assert set(result.held_out) == {whole_text(row.text) for row in (*ROWS, *composites(ROWS))}


def test_the_same_seed_gives_the_same_adapter(result: Finetuned, embedder: Embedder, tmp_path: Path) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    again = finetune(ROWS, [], ["renewable_energy"], embedder, RECIPE, lambda *step: None)
    first, second = (
        write_adapter(tmp_path / name, ["renewable_energy"], 11, found.arrays, found.held_out, {}).id
        for name, found in (("first", result), ("second", again))
    )
    assert first == second


def test_held_out_logits_do_not_depend_on_the_labels_of_their_document(result: Finetuned, embedder: Embedder) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    turned = [
        LabelledParagraph(row.id, row.document, row.genre, row.text, row.labels ^ {"renewable_energy"})
        if row.document == "doc-0"
        else row
        for row in ROWS
    ]
    other = finetune(turned, [], ["renewable_energy"], embedder, RECIPE, lambda *step: None)
    of_document = [row.text for row in ROWS if row.document == "doc-0"]
    rest = [row.text for row in ROWS if row.document != "doc-0"]
    assert all(np.array_equal(result.held_out[text], other.held_out[text]) for text in of_document)
    assert any(not np.array_equal(result.held_out[text], other.held_out[text]) for text in rest)


def test_composed_rows_are_learnt_from_and_never_held_out(result: Finetuned, embedder: Embedder) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    extra = [LabelledParagraph("c", "composed-1", "composed", "Tuyên truyền về điện gió", frozenset())]
    other = finetune(ROWS, extra, ["renewable_energy"], embedder, RECIPE, lambda *step: None)
    assert set(other.held_out) == set(result.held_out)
    assert any(not np.array_equal(other.arrays[name], result.arrays[name]) for name in result.arrays)


def test_a_tenth_is_spoilt_each_way_and_keeps_labels_and_document() -> None:
    rows = [LabelledParagraph(f"{n}", f"d{n}", "", "Phát triển điện gió ngoài khơi", frozenset("a")) for n in range(40)]
    copies = spoilt(rows, 1)
    assert [sum(row.id.endswith(kind) for row in copies) for kind in ("-scanned", "-bare")] == [4, 4]
    assert {row.text for row in copies if row.id.endswith("-bare")} == {"Phat trien dien gio ngoai khoi"}
    assert all(row.labels == {"a"} and row.id.startswith(row.document[1:]) for row in copies)
    assert copies == spoilt(rows, 1)


def test_one_document_is_refused(embedder: Embedder) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    with pytest.raises(ValueError, match="at least 2 documents, there are 1"):
        finetune(ROWS[:1], [], ["renewable_energy"], embedder, RECIPE, lambda *step: None)


def test_without_torch_the_extra_is_named() -> None:
    code = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ImportError(name)

sys.meta_path.insert(0, NoTorch())
import models.finetune
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "fine-tuning needs torch: pip install 'kehoach[transformers]'" in done.stderr
