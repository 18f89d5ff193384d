"""Explanations: true to the model, with spans that fit the text, neighbours with the label, and vectors kept or made anew."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.labelled import LabelledParagraph, paragraphs
from corpus.taxonomy import read_taxonomy
from models import explain as module
from models.embedder import Embedder
from models.explain import (
    EXAMPLES_FILE,
    MAX_NEIGHBOURS,
    MAX_WORDS,
    Examples,
    Explanation,
    embed_examples,
    explain,
    load_examples,
    without,
    words_of,
    write_examples,
)
from models.features import clause_texts
from models.tagger import Tagger, load_tagger

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "trained" / "tagger"
TWO_TOPICS = (
    "Tuyên truyền cho người dân về phân loại rác tại nguồn; lắp đặt 20 MW điện mặt trời mái nhà tại các nhà máy."
)


@pytest.fixture(scope="module")
def tagger(embedder: Embedder) -> Tagger:
    return load_tagger(SHIPPED, read_taxonomy(), embedder)


@pytest.fixture(scope="module")
def examples(embedder: Embedder) -> Examples:
    """A twentieth of the labelled paragraphs: all of them would take half a minute to embed."""
    return embed_examples(embedder, paragraphs()[::20])


def test_removing_the_named_words_costs_more_than_removing_others(tagger: Tagger, examples: Examples) -> None:
    random = np.random.default_rng(889)
    keys = [group.key for group in tagger.groups]
    with_labels = [row for row in paragraphs() if row.labels]
    lost: list[float] = []
    lost_by_chance: list[float] = []
    for number in random.choice(len(with_labels), 24, replace=False):
        text = with_labels[number].text
        spans = words_of(text).spans
        for found in explain(tagger, text, examples=examples):
            named = [word.spans for word in found.words]
            others = [those for those in spans.values() if those not in named]
            chosen = [others[int(i)] for i in random.permutation(len(others))[: len(named)]]
            texts = [without(text, [span for word in words for span in word]) for words in (named, chosen)]
            after = tagger.probabilities(texts)[0][:, keys.index(found.group)]
            lost.append(found.probability - float(after[0]))
            lost_by_chance.append(found.probability - float(after[1]))
    assert len(lost) >= 24
    assert np.mean(np.array(lost) > 0) >= 0.97
    assert np.mean(lost) >= np.mean(lost_by_chance) + 0.2
    assert np.mean(np.array(lost) > np.array(lost_by_chance)) >= 0.95


def test_each_tag_is_carried_by_its_own_clause(tagger: Tagger, examples: Examples) -> None:
    found = {each.group: each for each in explain(tagger, TWO_TOPICS, examples=examples)}
    assert set(found) == {"awareness", "circular_economy", "renewable_energy"}
    assert found["circular_economy"].clause.text == "Tuyên truyền cho người dân về phân loại rác tại nguồn;"
    assert found["renewable_energy"].clause.text == "lắp đặt 20 MW điện mặt trời mái nhà tại các nhà máy."
    # What is told counts as much as the telling: campaigns on other subjects have no group.
    assert {word.text for word in found["awareness"].words[:2]} == {"Tuyên truyền", "rác"}
    for group, each in found.items():
        _is_sound(each, TWO_TOPICS)
        assert all(group in neighbour.labels for neighbour in each.neighbours)
        assert len(each.neighbours) == MAX_NEIGHBOURS


def test_weights_and_probabilities_are_the_taggers_own(tagger: Tagger, examples: Examples) -> None:
    keys = [group.key for group in tagger.groups]
    for each in explain(tagger, TWO_TOPICS, examples=examples):
        fewer = [without(TWO_TOPICS, word.spans) for word in each.words]
        rows = tagger.probabilities([TWO_TOPICS, *fewer])[0][:, keys.index(each.group)]
        assert each.probability == pytest.approx(rows[0])
        alone = tagger.by_clause(TWO_TOPICS)[1][:, keys.index(each.group)]
        assert each.clause.probability == pytest.approx(alone[clause_texts(TWO_TOPICS).index(each.clause.text)])
        assert each.clause.probability == pytest.approx(alone.max())
        assert [word.weight for word in each.words] == pytest.approx(list(rows[0] - rows[1:]))


def test_asked_groups_are_explained_though_not_assigned(tagger: Tagger, examples: Examples) -> None:
    asked = ["green_distribution", "awareness"]
    found = explain(tagger, TWO_TOPICS, asked, examples=examples)
    assert [each.group for each in found] == asked
    assert [each.assigned for each in found] == [False, True]
    assert explain(tagger, TWO_TOPICS, [], examples=examples) == []
    with pytest.raises(ValueError, match=r"unknown task groups \['wind'\].*awareness"):
        explain(tagger, TWO_TOPICS, ["wind"], examples=examples)


def test_nothing_assigned_nothing_explained(tagger: Tagger, examples: Examples) -> None:
    text = "Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm 2015;"
    assert explain(tagger, text, examples=examples) == []


@pytest.mark.parametrize("nothing", ["", " \n", "\0", "123", "…", "5%; 7%"])
def test_no_letters_no_words_no_neighbours(tagger: Tagger, examples: Examples, nothing: str) -> None:
    (found,) = explain(tagger, nothing, ["awareness"], examples=examples)
    assert (found.probability, found.assigned, found.words, found.neighbours) == (0.0, False, (), ())
    _is_sound(found, nothing)


def test_long_texts_cost_no_more(tagger: Tagger, examples: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    probabilities = tagger.probabilities
    monkeypatch.setattr(tagger, "probabilities", lambda texts: (read.append(len(texts)), probabilities(texts))[1])
    for text in (TWO_TOPICS * 40, "điện mặt trời áp mái " * 600):
        read.clear()
        found = explain(tagger, text, examples=examples)
        assert found
        assert read[-1] <= 2 * len(found)
        for each in found:
            _is_sound(each, text)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_words_are_found_where_they_stand(form: str) -> None:
    text = unicodedata.normalize(form, "Hoà giải; (phân loại) chất\nthải rắn.Tái_chế 20% chất thải, đến 2030")
    found = words_of(text)
    cut = [word for clause in found.clauses for word in clause]
    assert set(cut) == set(found.spans)
    said = [unicodedata.normalize("NFC", text[start:end]) for spans in found.spans.values() for start, end in spans]
    assert any(word.startswith("Hoà") for word in said)
    assert {"phân loại", "2030"} <= set(said)
    assert all(word[0].isalnum() and word == word.strip() for word in said)


def test_labelled_words_all_have_spans() -> None:
    for row in paragraphs()[::40]:
        found = words_of(row.text)
        assert {word for clause in found.clauses for word in clause} == set(found.spans)


@given(st.text(alphabet="aăđ ơ\u0301\u0323.;:,-(\n\tE2_%İß²", max_size=60))
@settings(max_examples=100, deadline=None)
def test_spans_fit_any_text(text: str) -> None:
    found = words_of(text)
    assert len(found.clauses) == len(clause_texts(text))
    spans = sorted(span for those in found.spans.values() for span in those)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_without_takes_the_space_before() -> None:
    assert without("rác nhựa, rác giấy", [(4, 8), (10, 13)]) == "rác, giấy"
    assert without("a\nb c", [(2, 3)]) == "a\n c"
    assert without("abc", []) == "abc"


def test_neighbours_are_nearest_of_the_label_and_differ() -> None:
    rows = [
        LabelledParagraph("same", "d", "", "một", frozenset({"x"})),
        LabelledParagraph("again", "d", "", "một", frozenset({"x"})),
        LabelledParagraph("other", "d", "", "hai", frozenset({"y"})),
        LabelledParagraph("far", "d", "", "ba", frozenset({"y", "x"})),
    ]
    known = Examples(tuple(rows), np.array([[1, 0], [1, 0], [0.8, 0.6], [0, 1]], np.float32))
    found = known.nearest(np.array([1, 0], np.float32), "x")
    assert [(each.id, each.labels, each.similarity) for each in found] == [
        ("same", ("x",), 1.0),
        ("far", ("x", "y"), 0.0),
    ]
    assert known.nearest(np.zeros(2, np.float32), "x") == ()
    assert known.nearest(np.array([1, 0], np.float32), "z") == ()


def test_written_vectors_serve_while_the_data_is_the_same(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = paragraphs()[::300]
    made = write_examples(tmp_path, embedder, rows)
    assert {path.name for path in tmp_path.iterdir()} == {EXAMPLES_FILE}
    assert all(row.labels for row in made.rows)
    first = (tmp_path / EXAMPLES_FILE).read_bytes()
    write_examples(tmp_path, embedder, rows)
    assert (tmp_path / EXAMPLES_FILE).read_bytes() == first

    embedded: list[int] = []
    monkeypatch.setattr(
        module, "embed_examples", lambda by, those=None: (embedded.append(1), embed_examples(by, those))[1]
    )
    read = load_examples(tmp_path, embedder, rows)
    assert not embedded
    assert read.rows == made.rows
    assert np.allclose(read.vectors, made.vectors, atol=3e-4)
    assert load_examples(tmp_path, embedder, made.rows[1:]).rows == made.rows[1:]
    (tmp_path / EXAMPLES_FILE).write_bytes(first[: len(first) // 2])
    assert np.array_equal(load_examples(tmp_path, embedder, rows).vectors, made.vectors)
    (tmp_path / EXAMPLES_FILE).unlink()
    load_examples(tmp_path, embedder, rows)
    assert len(embedded) == 3


def test_own_examples_are_loaded_once(embedder: Embedder, examples: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []
    monkeypatch.setattr(module, "_own", {})
    monkeypatch.setattr(module, "load_examples", lambda folder, by: (loaded.append(folder), examples)[1])
    assert module.own_examples(embedder) is module.own_examples(embedder) is examples
    assert loaded == [SHIPPED.with_name("examples")]


def _is_sound(found: Explanation, text: str) -> None:
    start, end = found.clause.span
    assert text[start:end] == found.clause.text
    assert 0 <= found.clause.probability <= 1
    assert len(found.words) <= MAX_WORDS
    assert [word.weight for word in found.words] == sorted((word.weight for word in found.words), reverse=True)
    for word in found.words:
        assert 0 < word.weight <= 1
        assert text[slice(*word.spans[0])] == word.text
        assert any(start <= left < right <= end for left, right in word.spans)
    assert [n.similarity for n in found.neighbours] == sorted((n.similarity for n in found.neighbours), reverse=True)


def test_the_examples_that_come_with_the_program_are_of_its_paragraphs(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the first explanation of every process embeds thousands of paragraphs: run `python -m models.explain`."""

    def must_not_embed(*_: object) -> None:
        raise AssertionError("the shipped examples are of other paragraphs or another embedder")

    monkeypatch.setattr(module, "embed_examples", must_not_embed)
    monkeypatch.setattr(module, "_own", {})
    assert len(module.own_examples(embedder).rows) == sum(bool(row.labels) for row in paragraphs())
