"""`kehoach evaluate tags`: figures, plots and clear errors; and a fifth task group from a file and forty rows alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from rich.console import Console

from corpus import labelled
from corpus.taxonomy import read_taxonomy
from service.errors import NothingUsableError, UsageError
from service.evaluating import evaluate_tags
from service.settings import Settings
from service.show_figures import show_tags
from service.training import train_tagger
from service.workspace import Workspace

ROWS = [
    {
        "id": "1",
        "doc": "a",
        "genre": "task",
        "labels": ["renewable_energy"],
        "text": "Lắp điện mặt trời trên mái trụ sở.",
    },
    {"id": "2", "doc": "a", "genre": "task", "labels": ["circular_economy"], "text": "Thu gom, tái chế rác thải nhựa."},
    {
        "id": "3",
        "doc": "b",
        "genre": "law",
        "labels": [],
        "text": "Căn cứ Luật Tổ chức chính quyền địa phương năm 2015;",
    },
    {"id": "4", "doc": "b", "genre": "law", "labels": ["renewable_energy"], "text": "Quy hoạch điện gió ngoài khơi."},
]


def put(path: Path, rows: list[dict]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_figures_plots_and_tables_of_labelled_rows(space: Workspace, tmp_path: Path) -> None:
    file = put(tmp_path / "rows.jsonl", ROWS)
    figures = evaluate_tags(space, file, tmp_path / "plot.svg")
    assert figures["model_id"] == space.tagger.id
    assert (figures["paragraphs"], figures["documents"]) == (4, 2)
    assert figures["task_groups"]["renewable_energy"]["f1"] == 1.0
    assert figures["task_groups"]["awareness"]["f1"] is None
    assert set(figures["genres"]) == {"law", "task"}
    json.dumps(figures, allow_nan=False)
    assert ElementTree.parse(tmp_path / "plot.svg").getroot().tag.endswith("svg")
    evaluate_tags(space, file, tmp_path / "plot.PNG")
    assert Image.open(tmp_path / "plot.PNG").format == "PNG"
    console = Console(width=120, record=True, file=io.StringIO())
    show_tags(figures, space.groups, console)
    shown = console.export_text()
    for part in (
        space.tagger.id,
        "macro average",
        "given, none wanted",
        "Năng lượng tái tạo",
        "law",
        "–",
        "by document",
    ):
        assert part in shown


@pytest.mark.parametrize(
    ("plot", "said"),
    [
        ("plot.pdf", "name ends in .svg or .png"),
        ("plot", "name ends in .svg or .png"),
        ("no/plot.svg", "is not a folder"),
    ],
)
def test_a_plot_that_cannot_be_written_is_refused_before_the_work(
    space: Workspace, tmp_path: Path, plot: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        evaluate_tags(space, tmp_path / "absent.jsonl", tmp_path / plot)


def test_rows_that_cannot_be_used_are_named(space: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.jsonl: cannot be opened"):
        evaluate_tags(space, tmp_path / "absent.jsonl")
    with pytest.raises(NothingUsableError, match=r"rows\.jsonl: it is empty"):
        evaluate_tags(space, put(tmp_path / "rows.jsonl", []))
    bad = put(tmp_path / "rows.jsonl", [*ROWS, {**ROWS[0], "labels": ["solar"]}])
    with pytest.raises(
        NothingUsableError, match=r"rows\.jsonl, line 5: unknown labels \['solar'\], known are \['awareness'"
    ):
        evaluate_tags(space, bad)


CLEANER = """
[[group]]
key = "cleaner_production"
name_vi = "Sản xuất sạch hơn"
name_en = "Cleaner production"
"""
# Forty rows: eight ways to say it, five branches. The branch is the document, so that splits by document work.
WAYS = (
    "Đánh giá nhanh tiềm năng sản xuất sạch hơn tại các cơ sở {}.",
    "Hỗ trợ doanh nghiệp {} áp dụng sản xuất sạch hơn, giảm tiêu hao nguyên liệu trên một đơn vị sản phẩm.",
    "Cải tiến quy trình công nghệ, thay thế hóa chất độc hại trong ngành {}.",
    "Kiểm soát quá trình sản xuất để giảm thất thoát nguyên liệu, hóa chất ở nhà máy {}.",
    "Đến năm 2025, 40% cơ sở {} áp dụng sản xuất sạch hơn.",
    "Xây dựng định mức tiêu hao nguyên liệu, nước cho từng công đoạn {}.",
    "Thay thiết bị cũ bằng thiết bị ít tiêu hao nguyên liệu tại xưởng {}.",
    "Trình diễn mô hình kỹ thuật sản xuất sạch hơn cho ngành {}.",
)
BRANCHES = ("dệt nhuộm", "chế biến thủy sản", "thuộc da", "giấy", "gốm sứ")


def test_a_fifth_group_comes_from_a_taxonomy_file_and_forty_rows(tmp_path: Path, cache: Path) -> None:
    source = Path(labelled.__file__).parents[1] / "taxonomy.toml"
    taxonomy = tmp_path / "groups.toml"
    taxonomy.write_text(source.read_text(encoding="utf-8") + CLEANER, encoding="utf-8")
    fifth = [
        {"id": f"{b}-{w}", "doc": branch, "labels": ["cleaner_production"], "text": way.format(branch)}
        for b, branch in enumerate(BRANCHES)
        for w, way in enumerate(WAYS)
    ]
    assert len(fifth) == 40
    # A few of the project's own for the other groups; all of them would do as well and take minutes.
    short = [row for row in labelled.for_training() if row.document.startswith("plans") and len(row.text) < 160]
    others = [
        {"id": row.id, "doc": row.document, "labels": sorted(row.labels), "text": row.text} for row in short[:140:2]
    ]
    with_fifth = Workspace(Settings(home=tmp_path / "home", cache=cache, taxonomy=taxonomy))
    try:
        file = put(tmp_path / "rows.jsonl", [*fifth, *others])
        card = (train_tagger(with_fifth, [file], use_own=False) / "README.md").read_text(encoding="utf-8")
        assert "| cleaner_production |" in card
        keys = [group.key for group in read_taxonomy()] + ["cleaner_production"]
        assert [group.key for group in with_fifth.tagger.groups] == keys
        unseen = put(
            tmp_path / "unseen.jsonl",
            [
                {
                    "id": "1",
                    "labels": ["cleaner_production"],
                    "text": "Tư vấn áp dụng sản xuất sạch hơn cho cơ sở cơ khí.",
                },
                {
                    "id": "2",
                    "labels": ["cleaner_production"],
                    "text": "Giảm tiêu hao nguyên liệu, hóa chất ở xưởng in.",
                },
                {"id": "3", "labels": ["renewable_energy"], "text": "Lắp điện mặt trời áp mái tại trường học."},
                {"id": "4", "labels": [], "text": "Căn cứ Luật Tổ chức chính quyền địa phương năm 2015;"},
            ],
        )
        figures = evaluate_tags(with_fifth, unseen)["task_groups"]["cleaner_production"]
        assert (figures["precision"], figures["recall"]) == (1.0, 1.0)
    finally:
        with_fifth.close()
