"""What nlp/crf.py gives is what underthesea's own function gives, word for word."""

import logging
import re
import struct
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import exp, log
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from underthesea_core import CRFTagger, CRFTrainer

from corpus import labelled
from nlp import crf, segment
from nlp.crfsuite import UnknownModelError, read_weights
from nlp.noise import bare, scanned

TREEBANK = Path(__file__).resolve().parents[3] / "shared" / "data" / "vi_vtb-ud-test.conllu"
# Signs of which the model knows next to nothing: where in the row two make a word hardly matters.
TIED = "=5T\\Ắ'٣"
SIGNS = "aAđĐắẮ  ..,,:;-+=<>()/\\'’\"0123459xXNgMTh&@%°CFớ\u0301\u0300İΣσςǅßﬁ²٣Ⅷ\u2000\u00a0\u200bBOSE😀#D"


@pytest.fixture(scope="module")
def segmenter() -> crf.Segmenter:
    # Warms underthesea up under the lock.
    segment.segment("khởi động")
    return crf.load()


@pytest.fixture(scope="module")
def sample() -> list[str]:
    """Twenty paragraphs of every genre, with their headings."""
    genres = defaultdict(list)
    for row in labelled.paragraphs():
        genres[row.genre].append(row)
    rows = [row for found in genres.values() for row in found[:: -(-len(found) // 20)]]
    return [text for row in rows for text in (row.text, *row.heading_path)]


def same(segmenter: crf.Segmenter, texts: list[str]) -> None:
    for text in filter(str.strip, texts):
        cut = segment.chunks(text)
        assert segmenter.words(cut) == crf.stock_words(cut), text


def test_labelled_paragraphs_of_every_genre(
    segmenter: crf.Segmenter, sample: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(sample) > 200
    right = [crf.stock_words(segment.chunks(text)) for text in sample]
    # None of them is so unclear that underthesea had to be asked.
    monkeypatch.delattr(crf, "stock_words")
    for text, expected in zip(sample, right, strict=True):
        assert segmenter.words(segment.chunks(text)) == expected, text


def test_scanned_bare_and_capital_paragraphs(segmenter: crf.Segmenter, sample: list[str]) -> None:
    texts = sample[::3]
    same(segmenter, [scanned(text, str(number)) for number, text in enumerate(texts)])
    same(segmenter, [change(text) for text in texts for change in (bare, str.upper, str.title)])


@pytest.mark.skipif(not TREEBANK.exists(), reason="the treebank is not here")
def test_sentences_of_the_treebank(segmenter: crf.Segmenter) -> None:
    texts = re.findall(r"^# text =(.*)$", TREEBANK.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(texts) == 800
    same(segmenter, texts)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(SIGNS, max_size=60)))
def test_any_text(segmenter: crf.Segmenter, text: str) -> None:
    same(segmenter, [text])


@pytest.mark.parametrize(
    "text", ["BOS", "EOS BOS", "A.", "A. B.", "a :D b :D", "hoà", "ÐĂK LĂK", "True False", "x " * 300, "x" * 300, TIED]
)
def test_edges(segmenter: crf.Segmenter, text: str) -> None:
    same(segmenter, [text])


def test_underthesea_is_asked_where_rounding_decides(segmenter: crf.Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(crf, "stock_words", lambda cut: asked.append(cut) or ["answer"])
    assert segmenter.words(TIED.split()) == ["answer"]
    assert asked == [TIED.split()]


def test_few_chunks_kept_and_many_threads_change_nothing(sample: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [segment.chunks(text) for text in sample[:60]]
    expected = [crf.stock_words(cut) for cut in texts]
    monkeypatch.setattr(crf, "_KEPT_CHUNKS", 50)
    crowded = crf.load()
    with ThreadPoolExecutor(8) as pool:
        assert all(result == expected for result in pool.map(lambda _: [*map(crowded.words, texts)], range(8)))
    # Each thread may add one between the count and the clearing.
    assert len(crowded._kept) <= 50 + 8
    crowded.words(["x" * 1000])
    assert max(map(len, crowded._kept)) < 30


@pytest.fixture
def cold() -> segment._Segmenter:
    return segment._Segmenter()


load = crf.load


def wrong_words() -> crf.Segmenter:
    found = load()
    found._transitions = ((0.0, 9.0), (0.0, 9.0))
    return found


def no_file() -> crf.Segmenter:
    raise FileNotFoundError("models.bin")


@pytest.mark.parametrize("changed", [wrong_words, no_file])
def test_another_underthesea_costs_speed_and_never_words(
    changed: Callable[[], crf.Segmenter],
    cold: segment._Segmenter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(crf, "load", changed)
    with caplog.at_level(logging.WARNING, "kehoach"):
        assert cold(["Sản", "xuất", "bền", "vững"]) == ["sản_xuất", "bền_vững"]
    assert "several times slower" in caplog.text
    assert cold._words is crf.stock_words


def test_this_underthesea_is_known(cold: segment._Segmenter, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "kehoach"):
        cold(["a"])
    assert not caplog.records
    assert cold._words is not crf.stock_words


@pytest.mark.parametrize("template", ["T[0][1]", "T[0].length", "T[1,0]", "word"])
def test_a_template_of_another_form_is_refused(template: str) -> None:
    weights = crf.Weights({}, ((0.0, 0.0), (0.0, 0.0)))
    with pytest.raises(UnknownModelError, match=re.escape(template)):
        crf.Segmenter(weights, ["T[0]", template], set(), str.split, lambda rows: rows)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two labels, made by underthesea's own trainer."""
    trainer = CRFTrainer(l1_penalty=0.0, max_iterations=20, verbose=0)
    rows = [[["w=sản"], ["w=xuất", "=b"], ["w=sạch", "d"]], [["w=và"], ["w=sản"], ["w=xuất"]]]
    path = tmp_path_factory.mktemp("model") / "model.bin"
    trainer.train(rows, [["I", "B", "I"], ["I", "I", "B"]]).save(str(path))
    return path


def test_weights_are_those_that_underthesea_reads(model: Path) -> None:
    tagger = CRFTagger()
    tagger.load(str(model))
    weights = read_weights(model.read_bytes(), ("B", "I"))
    place = {label: number for number, label in enumerate(tagger.labels())}
    assert weights.state.keys() == {"w=sản", "w=xuất", "w=sạch", "w=và", "=b", "d"}
    for attribute, margin in weights.state.items():
        (row,) = tagger.marginals([[attribute]])
        assert margin == pytest.approx(log(row[place["B"]]) - log(row[place["I"]]))
    swapped = read_weights(model.read_bytes(), ("I", "B"))
    assert swapped.state == {attribute: -margin for attribute, margin in weights.state.items()}
    assert swapped.transitions == tuple(row[::-1] for row in weights.transitions[::-1])
    # Of two places without attributes the chances are those of the transitions alone.
    (bb, bi), (ib, ii) = weights.transitions
    before, _ = tagger.marginals([["unknown"], ["unknown"]])
    ways = [exp(weight) for weight in (bb, bi, ib, ii)]
    assert before[place["B"]] == pytest.approx((ways[0] + ways[1]) / sum(ways))


def test_another_model_file_is_refused(model: Path) -> None:
    data = model.read_bytes()
    with pytest.raises(UnknownModelError, match="labels"):
        read_weights(data, ("B-W", "I-W"))
    with pytest.raises(UnknownModelError, match="lCRF"):
        read_weights(b"UTCF" + data[4:], ("B", "I"))
    (attributes,) = struct.unpack_from("<I", data, 36)
    for size in (0, 20, 47, 60, attributes, attributes + 30):
        with pytest.raises(UnknownModelError, match="cannot be read"):
            read_weights(data[:size], ("B", "I"))
