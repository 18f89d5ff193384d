"""Lists of files and addresses, and runs over more than one version of a document."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from corpus.store import Filter
from service import sources
from service.errors import UsageError
from service.ingest import ingest
from service.sources import Address, files_of, read_list
from service.workspace import Workspace

PLAN = """TỈNH CAO BẰNG
Số: 77/KH-UBND

KẾ HOẠCH

1. Đến năm 2025 có ít nhất {share}% siêu thị thay túi ni lông.
"""


def test_a_list_names_paths_and_addresses(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("\ufeff plans/a b.txt\r\n\r\nHTTPS://example.gov.vn/x.pdf\n", encoding="utf-8")
    assert read_list(file) == [Path("plans/a b.txt"), Address("HTTPS://example.gov.vn/x.pdf")]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_list_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "list.txt"
    if content:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=r"list\.txt: cannot be read .* a path or address a line"):
        read_list(file)


def test_a_folder_stands_for_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden.txt", "README.md"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    address = Address("https://example.gov.vn/x.pdf")
    assert files_of([address, tmp_path]) == [address, tmp_path / "a.txt", tmp_path / "b.txt"]


def test_addresses_are_fetched_in_order_and_only_where_allowed(
    warm: Workspace, with_settings: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listed = [Address(f"https://example.gov.vn/{number}.txt") for number in range(6)]
    (refused,) = ingest(listed[:1], warm)
    assert refused.reason == "this is off; the operator allows hosts with KEHOACH_FETCH_HOSTS"

    def fetch(url: str, allowed: object, most: int) -> tuple[str, BytesIO]:
        assert allowed == ("example.gov.vn",)
        number = url[-5]
        return f"{number}.txt", BytesIO(PLAN.replace("77", f"7{number}").format(share=60).encode())

    monkeypatch.setattr(sources, "fetch", fetch)
    reports = list(ingest(listed, with_settings(fetch_hosts=("example.gov.vn",), home=tmp_path / "other")))
    assert [(report.file, report.outcome) for report in reports] == [(str(one), "added") for one in listed]


def test_the_later_of_two_versions_stays_however_often_both_are_given(warm: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    older, newer = folder / "a.txt", folder / "b.txt"
    older.write_text(PLAN.format(share=60), encoding="utf-8")
    newer.write_text(PLAN.format(share=65), encoding="utf-8")
    assert [report.outcome for report in ingest([folder], warm)] == ["added", "updated"]
    content = warm.store.content
    again = list(ingest([folder], warm))
    assert [report.outcome for report in again] == ["duplicate", "unchanged"]
    assert again[0].reason == f"{newer} holds a newer version"
    assert warm.store.content == content
    # Given alone, or last, the older one is what its owner wants.
    assert [report.outcome for report in ingest([newer, older], warm)] == ["unchanged", "updated"]


def test_what_another_tagger_tagged_is_tagged_anew(
    warm: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    file.write_text(PLAN.format(share=60), encoding="utf-8")
    list(ingest([file], warm))
    with monkeypatch.context() as patch:
        patch.setattr(warm.tagger, "id", "another")
        assert [report.outcome for report in ingest([file], warm)] == ["updated"]
        assert [report.outcome for report in ingest([file], warm)] == ["unchanged"]
    key = int(warm.store.keys(Filter())[-1])
    assert {tag.model_id for tag in warm.store.tags_of(key)} == {"another"}
    assert warm.store.versions(warm.store.documents()[0].id) == []
