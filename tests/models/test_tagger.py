"""The shipped tagger: what it assigns, what it refuses, and that training is by document and deterministic."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from corpus.labelled import LabelledParagraph
from corpus.taxonomy import TaskGroup, read_taxonomy
from models.embedder import Embedder
from models.errors import TaggerError
from models.evaluate import Judged, calibration_error, report
from models.features import Cues, clause_texts, units
from models.tagger import Tagger, load_tagger
from models.train import best_threshold, composites, folds, train

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "trained" / "tagger"


@pytest.fixture(scope="module")
def tagger(embedder: Embedder) -> Tagger:
    return load_tagger(SHIPPED, read_taxonomy(), embedder)


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Mở 5 lớp tập huấn về lối sống xanh cho hội viên phụ nữ và đoàn viên thanh niên.", {"awareness"}),
        ("Tái chế 60% rác thải nhựa, tận dụng tro xỉ nhiệt điện làm gạch không nung.", {"circular_economy"}),
        ("85% siêu thị, chợ dùng túi giấy, túi vải thay túi ni lông khi giao hàng cho khách.", {"green_distribution"}),
        ("Đến năm 2030, điện gió và điện mặt trời áp mái đạt 450 MW.", {"renewable_energy"}),
        ("Thay toàn bộ bóng đèn chiếu sáng công cộng bằng đèn LED, giảm tổn thất điện năng.", set()),
        ("Căn cứ Luật Tổ chức chính quyền địa phương ngày 19 tháng 6 năm 2015;", set()),
        ("Tổ chức diễn tập phòng cháy, chữa cháy tại các chợ và khu dân cư.", set()),
        (
            "Tuyên truyền cho người dân về phân loại rác tại nguồn; lắp đặt 20 MW điện mặt trời mái nhà tại các nhà máy.",
            {"awareness", "circular_economy", "renewable_energy"},
        ),
    ],
)
def test_plain_cases(tagger: Tagger, text: str, groups: set[str]) -> None:
    assert {tag.task_group for tag in tagger.tag([text])[0] if tag.assigned} == groups


def test_a_text_typed_without_diacritics_is_tagged_like_one_with_them(tagger: Tagger) -> None:
    written = "Mở lớp tập huấn cho tiểu thương về phân loại rác thải tại nguồn; lắp điện mặt trời mái nhà."
    typed = "Mo lop tap huan cho tieu thuong ve phan loai rac thai tai nguon; lap dien mat troi mai nha."
    given, found = ([tag.assigned for tag in tags] for tags in tagger.tag([written, typed]))
    assert given == found == [True, True, False, True]


def test_case_marks_and_wrapping_do_not_matter_much(tagger: Tagger) -> None:
    plain = "Lắp đặt hệ thống điện mặt trời trên mái nhà xưởng"
    shapes = [plain, f"- {plain};", plain.replace(" trên", "\ntrên"), plain.upper()]
    found = tagger.probabilities(shapes)[0][:, 3]
    assert found.min() > 0.8


@pytest.mark.parametrize("nothing", ["", " ", "\0", "123", "…", "-"])
def test_no_words_no_tags(tagger: Tagger, nothing: str) -> None:
    tags = tagger.tag([nothing])[0]
    assert [tag.probability for tag in tags] == [0.0] * 4
    assert not any(tag.assigned for tag in tags)


def test_every_tag_names_its_model(tagger: Tagger) -> None:
    assert {tag.model_id for tag in tagger.tag(["điện gió"])[0]} == {tagger.id}
    assert tagger.id.startswith("task-groups-")


def test_no_texts_give_no_rows(tagger: Tagger) -> None:
    assert tagger.tag([]) == []


def test_very_long_text_is_tagged(tagger: Tagger) -> None:
    assert any(tag.assigned for tag in tagger.tag(["Thu gom, tái chế rác thải nhựa. " * 3000])[0])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "tagger"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("format", 0), ("groups", ["awareness"]), ("embedder", "other"), ("scikit-learn", "0.1")],
)
def test_a_tagger_of_another_kind_is_refused_with_both_sides(
    copy: Path, embedder: Embedder, field: str, value: object
) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, field: value}))
    with pytest.raises(TaggerError, match=f"has {field} .*this program .*kehoach train"):
        load_tagger(copy, read_taxonomy(), embedder)


def test_an_altered_model_file_is_refused(copy: Path, embedder: Embedder) -> None:
    with (copy / "tagger.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(TaggerError, match="damaged or foreign"):
        load_tagger(copy, read_taxonomy(), embedder)


def test_a_missing_tagger_says_what_to_run(tmp_path: Path, embedder: Embedder) -> None:
    with pytest.raises(TaggerError, match=r"no usable tagger in .*kehoach train"):
        load_tagger(tmp_path, read_taxonomy(), embedder)


def test_clauses_cut_at_semicolons_and_keep_short_ones_with_their_neighbour() -> None:
    assert clause_texts("Thu gom rác tại chợ; phân loại tại nguồn; hết việc. Lắp điện mặt trời trên mái.") == [
        "Thu gom rác tại chợ;",
        "phân loại tại nguồn; hết việc.",
        "Lắp điện mặt trời trên mái.",
    ]


def test_units_of_some_paragraphs_are_those_of_describing_them_alone(embedder: Embedder) -> None:
    texts = ["Một câu ngắn thôi nhé.", "Thu gom rác thải; lắp điện mặt trời áp mái.", "Câu cuối cùng ở đây."]
    part = units(texts, embedder).of(np.array([1, 2]))
    alone = units(texts[1:], embedder)
    assert part.texts == alone.texts
    assert part.owner.tolist() == alone.owner.tolist()
    assert part.whole.tolist() == alone.whole.tolist()


def test_cues_count_by_group() -> None:
    groups = [TaskGroup("a", "a", "a", "", ("rac",), ("nuoc",)), TaskGroup("b", "b", "b", "", ("dien",))]
    cues = Cues(groups)
    counts = cues.counts(cues.matches(["Rác và nước", "Điện"]))
    assert counts.tolist() == [[[1, 1], [0, 0]], [[0, 0], [1, 0]]]


def test_folds_never_split_a_document() -> None:
    documents = np.repeat(np.arange(11), 7)
    seen = []
    for training, held_out in folds(documents):
        assert not set(documents[training]) & set(documents[held_out])
        seen += held_out.tolist()
    assert sorted(seen) == list(range(77))


def test_composites_stay_in_a_document_and_carry_all_labels() -> None:
    rows = [
        LabelledParagraph(f"{d}{n}", f"d{d}", "task", f"văn bản {d} {n}", frozenset({f"g{n}"}))
        for d in range(3)
        for n in range(4)
    ]
    joined = composites(rows)
    assert len(joined) == 3
    assert composites(rows[:4]) == joined[:1]
    for row in joined:
        parts = [source for source in rows if source.text in row.text]
        assert {part.document for part in parts} == {row.document}
        assert row.labels == frozenset().union(*(part.labels for part in parts))


def test_the_threshold_with_the_best_f1_is_found() -> None:
    labels = np.array([True] * 50 + [False] * 50)
    probabilities = np.concatenate([np.linspace(0.4, 0.9, 50), np.linspace(0.0, 0.3, 50)])
    assert 0.3 < best_threshold(labels, probabilities) <= 0.4


def test_evaluation_counts_what_it_says() -> None:
    labels = np.array([[True, False], [True, True], [False, False], [False, False]])
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.0], [0.1, 0.2]])
    found = report(Judged(["a", "b"], labels, probabilities, np.array([0.5, 0.5]), ["1", "1", "2", "3"]))
    assert found["task_groups"]["a"]["precision"] == 0.5
    assert found["task_groups"]["a"]["recall"] == 0.5
    assert found["task_groups"]["b"]["f1"] == 1.0
    assert found["macro_f1"] == 0.75
    assert found["none"] == {"support": 2, "wrongly_tagged": 1, "wrongly_untagged": 0}


def test_calibration_error_is_the_gap_between_said_and_true() -> None:
    assert calibration_error(np.array([True, False] * 50), np.full(100, 0.5)) == 0
    assert calibration_error(np.array([False] * 100), np.full(100, 0.75)) == pytest.approx(0.75)


def test_a_fifth_group_is_learned_from_rows_alone(embedder: Embedder) -> None:
    groups = (*read_taxonomy(), TaskGroup("cleaner_production", "Sản xuất sạch hơn", "Cleaner production", ""))
    topics = {
        "awareness": "Tuyên truyền, tập huấn cho hội viên về lối sống bền vững lần {}",
        "circular_economy": "Thu gom, tái chế rác thải nhựa tại xã số {}",
        "green_distribution": "Siêu thị số {} thay túi ni lông bằng bao bì thân thiện",
        "renewable_energy": "Lắp điện mặt trời áp mái cho nhà máy số {}",
        "cleaner_production": "Đánh giá sản xuất sạch hơn, giảm tiêu hao nguyên liệu ở cơ sở {}",
    }
    rows = [
        LabelledParagraph(f"{key}-{n}", f"doc-{n}", "task", text.format(n), frozenset({key}))
        for key, text in topics.items()
        for n in range(10)
    ]
    trained = train(rows, groups, embedder)
    tags = trained.tagger.tag(["Hỗ trợ doanh nghiệp áp dụng sản xuất sạch hơn để giảm tiêu hao nguyên liệu."])[0]
    assert max(tags, key=lambda tag: tag.probability).task_group == "cleaner_production"
    assert train(rows, groups, embedder).manifest == trained.manifest


def test_too_few_documents_are_refused(embedder: Embedder) -> None:
    rows = [LabelledParagraph("1", "d", "task", "điện gió", frozenset({"renewable_energy"}))]
    with pytest.raises(ValueError, match="need labelled paragraphs in at least 2 documents"):
        train(rows, read_taxonomy(), embedder)
