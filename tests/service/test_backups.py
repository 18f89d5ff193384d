"""Backup and restore while others read and write; damage is noticed before anything is changed."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from service import jobs
from service.backups import backup, is_backup, restore
from service.errors import NothingUsableError
from service.ingest import ingest
from service.workspace import Workspace

ROW = '{{"id": "{0}", "doc": "{0}", "province": "Cao Bằng", "text": "Lắp điện mặt trời áp mái đợt {0}."}}\n'


def bring(space: Workspace, folder: Path, *names: str) -> None:
    file = folder / "rows.jsonl"
    file.write_text("".join(ROW.format(name) for name in names), encoding="utf-8")
    assert all(report.is_usable for report in ingest([file], space))


def documents(space: Workspace) -> list[str]:
    return [document.id for document in space.store.documents()]


def test_what_was_backed_up_comes_back_while_it_is_in_use(warm: Workspace, tmp_path: Path) -> None:
    bring(warm, tmp_path, "a", "b")
    before = documents(warm)
    jobs.add(
        warm.store, "j", "An", [(*jobs.keep(warm.settings.spool / "j", 1, "w.txt", io.BytesIO(b"x"), 9), None)], None
    )
    assert jobs.take(warm.store, "here")
    warm.settings.own_tagger.mkdir()
    (warm.settings.own_tagger / "manifest.json").write_text("{}")
    file = tmp_path / "b.tar"
    assert len(backup(warm, file)) == 64
    assert is_backup(file)
    content = warm.store.content
    assert warm.searcher.search("điện mặt trời").hits
    bring(warm, tmp_path, "c")
    warm.store.delete("a")
    (warm.settings.spool / "j" / "1" / "w.txt").unlink()
    (warm.settings.own_tagger / "manifest.json").write_text("changed")
    assert restore(warm.settings, file) == 2
    assert documents(warm) == before
    assert warm.store.content.split(":")[0] != content.split(":")[0]
    assert [hit.paragraph.id for hit in warm.searcher.search("điện mặt trời đợt a").hits][:1] == ["a"]
    assert jobs.items(warm.store, "j")[0].state == "waiting"
    assert (warm.settings.spool / "j" / "1" / "w.txt").read_bytes() == b"x"
    assert (warm.settings.own_tagger / "manifest.json").read_text() == "{}"


def test_a_backup_under_writes_is_of_one_moment(warm: Workspace, tmp_path: Path) -> None:
    bring(warm, tmp_path, "a")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with warm.store.changing():
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            backup(warm, tmp_path / f"{number}.tar")
    finally:
        stop.set()
        writer.join()
    assert restore(warm.settings, tmp_path / "0.tar") == 1


def test_damage_anywhere_is_noticed_and_nothing_is_changed(warm: Workspace, tmp_path: Path) -> None:
    bring(warm, tmp_path, "a")
    file = tmp_path / "b.tar"
    backup(warm, file)
    bring(warm, tmp_path, "b")
    whole, content = file.read_bytes(), warm.store.content
    for place in (*range(100, len(whole) - 12_000, len(whole) // 9), 700):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        try:
            restore(warm.settings, file)
        except NothingUsableError:
            assert warm.store.content == content
        else:
            pytest.fail(f"damage at byte {place} of {len(whole)} was not noticed")
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NothingUsableError):
        restore(warm.settings, file)
    assert warm.store.content == content


def test_a_store_on_postgresql_is_refused_and_left_as_it_is(
    warm: Workspace, with_settings: Callable[..., Workspace], postgres_url: str, tmp_path: Path
) -> None:
    bring(warm, tmp_path, "a")
    file = tmp_path / "a.tar"
    backup(warm, file)
    there = with_settings(home=tmp_path / "there", database=postgres_url)
    bring(there, tmp_path, "b")
    with pytest.raises(NothingUsableError, match=r"postgresql.*copy the folders spool, adapter"):
        backup(there, tmp_path / "b.tar")
    with pytest.raises(NothingUsableError, match="postgresql"):
        restore(there.settings, file)
    assert documents(there) == ["b"]
    assert not (tmp_path / "b.tar").exists()


def test_strange_archives_are_refused(warm: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "x.tar"
    manifest = b'{"format": "kehoach-backup-1", "schema": "0001", "sha256": {"../evil": "0"}}'
    with tarfile.open(file, "w") as archive:
        for name, data in (("manifest.json", manifest), ("../evil", b"")):
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    with pytest.raises(NothingUsableError, match="does not belong"):
        restore(warm.settings, file)
    assert not (warm.settings.home.parent / "evil").exists()
    file.write_text("text")
    assert not is_backup(file)
    assert not is_backup(tmp_path)
    with pytest.raises(NothingUsableError, match="not a backup"):
        restore(warm.settings, file)
    with pytest.raises(NothingUsableError, match=r"none/x\.tar"):
        backup(warm, tmp_path / "none" / "x.tar")
