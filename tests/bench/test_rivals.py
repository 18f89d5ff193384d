"""The engines measured side by side find what they took in; those of other packages where they are installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
ROWS = [
    "Siêu thị thay túi ni lông bằng bao bì giấy trước năm 2025.",
    "Lắp điện mặt trời trên mái trụ sở của các sở, ngành.",
    "Thu gom rác đã phân loại tại các chợ trung tâm huyện.",
    "Mở lớp tập huấn về kiểm toán năng lượng cho doanh nghiệp.",
]


@pytest.fixture
def rivals(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return importlib.import_module("rivals")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", ["kehoach", "bm25s"])
def test_what_one_took_in_another_finds(rivals: Any, tmp_path: Path, name: str) -> None:
    if name != "kehoach":
        pytest.importorskip(name)
    taken = rivals.ingest(rivals.ENGINES[name](tmp_path), tmp_path, ROWS)
    opened = rivals.ENGINES[name](tmp_path)
    report = taken | rivals.search(opened, ["điện mặt trời", "tui ni long", "xe đạp điện công cộng"])
    assert opened.search("dien mat troi")[0] == ROWS[1]
    assert report["found"] == pytest.approx(2 / 3, abs=1e-3)
    head, _, row = rivals.table({name: report}).splitlines()
    assert head.count("|") == row.count("|")
    assert row.startswith(f"| {name} | {report['rows_per_s']} |")
