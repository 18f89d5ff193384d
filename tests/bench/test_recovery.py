"""Point-in-time recovery as docs/scaling.md tells it, on two plans of a few paragraphs."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from corpus.store import Analysis
from corpus.types import Document, Metadata, Paragraph
from service.settings import Settings
from service.workspace import Workspace
from tests.postgres import Server

ROOT = Path(__file__).resolve().parents[2]
PLANS = {
    "a": ["Vận động siêu thị thay túi ni lông bằng túi giấy.", "Lắp điện mặt trời mái nhà ở trụ sở xã."],
    "b": ["Phân loại rác tại nguồn ở các khu chợ.", "Siêu thị thôi phát túi ni lông từ năm 2025."],
}


@pytest.fixture
def recovery(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    return importlib.import_module("recovery")


def fill(server: Server, space: Workspace) -> dict[str, Any]:
    for name, texts in PLANS.items():
        members = tuple(Paragraph(f"{name}#{n}", n, text, "task") for n, text in enumerate(texts, 1))
        analyses = [Analysis((), (), vector) for vector in space.embedder.embed_passages(texts)]
        space.store.add(Document(name, f"{name}.txt", name, Metadata(), members), analyses, space.embedder.id)
    space.build_index()
    return {}


def test_a_store_comes_back_as_of_the_moment_before_a_mistake(
    recovery: Any, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(recovery.SETTINGS, "fsync", "off")
    with ExitStack() as stack:
        report = recovery.Drill(Settings(home=tmp_path, cache=cache, threads=1), fill, stack).run()
    assert report["is_right"], report
    assert report["corrections_during_it"], report


def test_the_documentation_names_the_settings_that_are_tried(recovery: Any) -> None:
    told = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    for setting in (recovery.ARCHIVE, recovery.RESTORE, *recovery.NEW_IDENTITY):
        assert setting.replace("{folder}", "/archive") in told
