"""What vectors promise: unit length, meaning, the same for the same text, and survival of hostile input."""

from __future__ import annotations

import subprocess
import sys
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from models.build import export_transformers
from models.embedder import MAX_CHARACTERS, Embedder, TransformerEmbedder, prepare

TEXTS = [
    "Lắp đặt điện mặt trời trên mái nhà xưởng",
    "Phân loại rác tại hộ gia đình",
    "Tập huấn cho cán bộ về tiêu dùng bền vững",
    "Siêu thị thay túi ni lông bằng túi vải",
    "rooftop solar for factories",
]


def test_vectors_are_unit_length_float32(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("query", "best"), [("năng lượng mặt trời áp mái", 0), ("rác thải sinh hoạt", 1), ("bao bì ở nơi bán lẻ", 3)]
)
def test_the_nearest_passage_is_the_one_on_the_topic(embedder: Embedder, query: str, best: int) -> None:
    scores = embedder.embed_passages(TEXTS[:4]) @ embedder.embed_queries([query])[0]
    assert int(scores.argmax()) == best


def test_a_vector_does_not_depend_on_batch_mates(embedder: Embedder) -> None:
    alone = np.concatenate([embedder.embed_passages([text]) for text in TEXTS])
    assert np.array_equal(alone, embedder.embed_passages(TEXTS))


def test_threads_may_share_an_embedder(embedder: Embedder) -> None:
    expected = embedder.embed_queries(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: embedder.embed_queries(TEXTS), range(16)):
            assert np.array_equal(found, expected)


def test_decomposed_text_counts_as_composed(embedder: Embedder) -> None:
    decomposed = [unicodedata.normalize("NFD", text) for text in TEXTS]
    assert (embedder.embed_queries(decomposed) * embedder.embed_queries(TEXTS)).sum(1).min() > 0.999


@pytest.mark.parametrize("nothing", ["", "   ", "\0", "\n\t", "\ud800", "\u200b"])
def test_nothing_maps_to_the_zero_vector(embedder: Embedder, nothing: str) -> None:
    assert not embedder.embed_queries([nothing]).any()


@pytest.mark.parametrize(
    "hostile", ["\ufdfa" * 100_000, "xin chào " * 120_000, "a\0b\ud800c", "\U0001f600" * 5000, "ạ" * 100_000]
)
def test_hostile_text_gives_a_unit_vector_in_good_time(embedder: Embedder, hostile: str) -> None:
    began = time.perf_counter()
    vector = embedder.embed_passages([hostile])[0]
    assert np.isclose(np.linalg.norm(vector), 1, atol=1e-4)
    assert time.perf_counter() - began < 10


def test_what_is_beyond_the_limit_is_not_read(embedder: Embedder) -> None:
    text = "kế hoạch " * 1000
    assert np.array_equal(embedder.embed_queries([text]), embedder.embed_queries([text + "khác hẳn"]))
    assert len(prepare("x" * 10**6)) == MAX_CHARACTERS


def test_controls_and_surrogates_count_as_spaces() -> None:
    assert prepare(" a\0b\ud800\n c\u200b ") == "a b c"


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimension)


def test_progress_counts_every_text(embedder: Embedder) -> None:
    done: list[int] = []
    embedder.embed_passages(TEXTS, done.append)
    assert sum(done) == len(TEXTS)


def test_the_first_query_needs_no_torch(cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from models.embedder import load_embedder\n"
        f"load_embedder('default', Path({str(cache)!r})).embed_queries(['điện gió'])\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'onnx', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_sentence_transformers_agrees_on_the_converted_model(embedder: Embedder, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    other = TransformerEmbedder(str(export_transformers(tmp_path / "e5")))
    assert other.dimension == embedder.dimension
    texts = [*TEXTS, "Quyết định số 889/QĐ-TTg ngày 24/6/2020; 70% khu công nghiệp được phổ biến " * 8]
    for ours, theirs in (
        (embedder.embed_queries(texts), other.embed_queries(texts)),
        (embedder.embed_passages(texts), other.embed_passages(texts)),
    ):
        assert (ours * theirs).sum(1).min() >= 0.99
    assert not other.embed_queries([""]).any()
