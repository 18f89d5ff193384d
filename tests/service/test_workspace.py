"""The workspace: cold starts under threads, an index that follows the store, damage that heals, models that are checked."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.build import default_folder
from models.errors import DamagedModelError, TaggerError
from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace


@pytest.fixture
def filled(space: Workspace, tmp_path: Path) -> Workspace:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"id": "a", "province": "Cao Bằng", "text": "Lắp điện mặt trời áp mái."}\n'
        '{"id": "b", "province": "Cà Mau", "text": "Thu gom, tái chế rác thải nhựa."}\n',
        encoding="utf-8",
    )
    assert all(report.is_usable for report in ingest([file], space))
    return space


def test_sixteen_threads_may_start_cold_together(filled: Workspace) -> None:
    def work(number: int) -> tuple[str, set[str]]:
        hit = filled.searcher.search("dien mat troi", 1).hits[0]
        tags = filled.tagger.tag([f"Thu gom, tái chế rác thải nhựa đợt {number}."])[0]
        return hit.paragraph.id, {tag.task_group for tag in tags if tag.assigned}

    with ThreadPoolExecutor(16) as pool:
        assert set(map(str, pool.map(work, range(48)))) == {str(("a", {"circular_economy"}))}


def test_the_searcher_follows_the_store(filled: Workspace) -> None:
    assert len(filled.searcher.search("rác thải nhựa", cut=0).hits) == 2
    filled.store.delete("b")
    assert [hit.paragraph.id for hit in filled.searcher.search("rác thải nhựa", cut=0).hits] == ["a"]


def test_a_damaged_index_is_built_again_with_a_word(filled: Workspace) -> None:
    filled.build_index()
    shutil.rmtree(filled.settings.index_folder / "1" / "lexical")
    told: list[str] = []
    other = Workspace(filled.settings, told.append)
    assert other.searcher.search("rác").hits
    assert any("rebuilding the index" in what for what in told)
    other.close()


def test_another_embedder_reembeds_what_is_stored(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Constant:
        id, dimension = "constant", 3

        def embed_passages(self, texts, count=None):
            import numpy as np

            return np.tile(np.array([1, 0, 0], np.float32), (len(texts), 1))

        embed_queries = embed_passages

    other = Workspace(filled.settings)
    monkeypatch.setitem(other.__dict__, "embedder", Constant())
    assert {hit.paragraph.id for hit in other.searcher.search("rác").hits} == {"a", "b"}
    assert other.store.without_vectors("constant") == []
    assert filled.store.without_vectors(filled.embedder.id) == []
    other.close()


def test_a_damaged_embedder_is_named(tmp_path: Path, cache: Path) -> None:
    shutil.copytree(cache / "embedders", tmp_path / "cache" / "embedders")
    model = default_folder(tmp_path / "cache") / "model.onnx"
    model.write_bytes(model.read_bytes()[:-10])
    broken = Workspace(Settings(home=tmp_path / "home", cache=tmp_path / "cache"))
    with pytest.raises(DamagedModelError, match=r"model\.onnx is damaged or foreign"):
        _ = broken.embedder


def test_the_users_own_tagger_comes_first_and_is_checked(space: Workspace) -> None:
    shutil.copytree(space.tagger_folder, space.settings.own_tagger)
    assert space.tagger_folder == space.settings.own_tagger
    (space.settings.own_tagger / "tagger.skops").write_bytes(b"")
    with pytest.raises(TaggerError, match="damaged or foreign"):
        _ = space.tagger
