"""The shipped matcher: figures and provinces aside, order aside, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from corpus.labelled import Clause
from models.embedder import Embedder, OnnxEmbedder
from models.errors import MatcherError
from models.similarity import Matcher, clause_embedder, load_matcher, without_figures

pytest.importorskip("torch")

from models.train_matcher import best_threshold, measure, train_matcher
from models.tune import ClauseRecipe

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "trained" / "matcher"
BAGS = "Đến năm 2025, 85% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường."


@pytest.fixture(scope="module")
def matcher(embedder: Embedder) -> Matcher:
    return load_matcher(SHIPPED, clause_embedder(SHIPPED, embedder))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (BAGS, "Đến năm 2030, 100% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường.", True),
        (
            BAGS,
            "Trên 55% siêu thị, trung tâm thương mại dùng bao bì thân thiện môi trường thay túi ni lông vào năm 2024.",
            True,
        ),
        (BAGS, "Đến năm 2025, 85% hộ gia đình phân loại rác tại nguồn.", False),
        (BAGS, "Lắp điện mặt trời trên mái trụ sở cơ quan, tổng công suất 12 MW.", False),
        (
            "Mở lớp tập huấn cho doanh nghiệp về sản xuất sạch hơn.",
            "Tổ chức tập huấn sản xuất sạch hơn cho các doanh nghiệp.",
            True,
        ),
    ],
)
def test_plain_cases(matcher: Matcher, a: str, b: str, same: bool) -> None:
    assert matcher.match([(a, b)])[0].same_clause is same


def test_a_text_is_most_like_itself_and_order_does_not_matter(matcher: Matcher) -> None:
    other = "Thu gom rác thải nhựa trên biển."
    itself, one, two = matcher.match([(BAGS, BAGS), (BAGS, other), (other, BAGS)])
    assert itself.similarity > 0.9
    assert one.similarity == pytest.approx(two.similarity)
    assert one.similarity < 0.5


@pytest.mark.parametrize("nothing", ["", "  ", "…"])
def test_nothing_is_like_nothing(matcher: Matcher, nothing: str) -> None:
    assert [(m.similarity, m.same_clause) for m in matcher.match([(nothing, BAGS), (nothing, nothing)])] == [
        (0.0, False)
    ] * 2


def test_the_matrix_holds_every_pair(matcher: Matcher) -> None:
    texts = [BAGS, "Lắp điện gió.", "Tập huấn cho cán bộ."]
    described = matcher.describe(texts)
    similarity = matcher.matrix(described, described)
    assert similarity.shape == (3, 3)
    assert (similarity.argmax(1) == np.arange(3)).all()
    assert np.allclose(similarity, similarity.T)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Cao Bằng: 85% siêu thị năm 2025", ": % siêu thị năm"),
        ("mô hình sản xuất và tiêu dùng bền vững", "mô hình"),
        ("70%", "%"),
        ("2025", "2025"),
    ],
)
def test_what_may_differ_is_left_out(text: str, bare: str) -> None:
    assert without_figures(text) == bare


def test_an_altered_or_missing_matcher_is_refused(tmp_path: Path, embedder: Embedder) -> None:
    copy = Path(shutil.copytree(SHIPPED, tmp_path / "matcher"))
    with (copy / "matcher.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(MatcherError, match="damaged or foreign"):
        load_matcher(copy, clause_embedder(copy, embedder))
    with pytest.raises(MatcherError, match="kehoach train --matcher"):
        load_matcher(tmp_path / "none", embedder)


def test_measures_weigh_the_judgements_alike() -> None:
    judgements = np.array([2] * 5 + [1] * 50 + [0] * 500)
    similarity = np.concatenate([np.full(5, 0.9), np.full(50, 0.5), np.full(500, 0.1)])
    perfect = measure(judgements, similarity, 0.7)
    assert (perfect["average_precision"], perfect["f1"], perfect["weighted_kappa"]) == (1, 1, 1)
    assert 0.5 < best_threshold(judgements, similarity, np.ones(555)) <= 0.9


def test_training_learns_families(embedder: Embedder, tmp_path: Path) -> None:
    verbs = ["Thu gom", "Tái chế", "Lắp đặt", "Tập huấn", "Kiểm tra", "Báo cáo", "Trồng"]
    things = ["rác thải nhựa", "vỏ chai", "pin mặt trời", "cán bộ xã", "chợ huyện", "kết quả năm", "cây xanh"]
    clauses = [
        Clause(f"{n}-{i}", f"f{n}", f"t{n}", f"{verb} {thing} {tail}")
        for n, (verb, thing) in enumerate(zip(verbs, things, strict=True))
        for i, tail in enumerate(["trên địa bàn tỉnh", "ở các huyện", "hằng năm", "đến năm 2030"])
    ]
    assert isinstance(embedder, OnnxEmbedder)
    trained = train_matcher(clauses, [], embedder, lambda what: None, ClauseRecipe(first=11, rank=2))
    manifest = trained.save(tmp_path, embedder)
    matcher = load_matcher(tmp_path, clause_embedder(tmp_path, embedder))
    near, far = matcher.match(
        [
            ("Thu gom rác thải nhựa ở xã", "Thu gom rác thải nhựa mỗi quý"),
            ("Thu gom rác thải nhựa", "Báo cáo kết quả năm"),
        ]
    )
    assert near.similarity > far.similarity
    assert manifest["held_out"]["families"]["average_precision"] > 0.9
