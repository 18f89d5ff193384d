"""Bulk work over Dask: real scheduler and workers as processes on loopback, with the real models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corpus.content import content_hash
from service.ingest import FileReport, ingest, ingest_file
from service.workspace import Workspace
from tests.dask_cluster import Cluster

pytest.importorskip("distributed")

PLAN = """ỦY BAN NHÂN DÂN
TỈNH {upper}
Số: {number}/KH-UBND
{name}, ngày 03 tháng 02 năm 2022

KẾ HOẠCH
SẢN XUẤT VÀ TIÊU DÙNG BỀN VỮNG TRÊN ĐỊA BÀN TỈNH {upper}

I. MỤC TIÊU
- Đến năm 2025 có ít nhất {share}% siêu thị thay túi ni lông bằng túi giấy.
II. NHIỆM VỤ
1. Tuyên truyền
- Mở {number} lớp tập huấn về lối sống bền vững cho hội viên nông dân.
"""
# Ends the process that tags this word: no file does so by itself, since files are read in a process of their own.
FATAL = "cổng diệt tiến trình"
PRELOAD = f"""
import os, signal
from models.tagger import Tagger
def dask_setup(worker):
    whole = Tagger.probabilities
    def probabilities(self, texts):
        if any({FATAL!r} in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(self, texts)
    Tagger.probabilities = probabilities
"""
NEWER = "46-newer.txt"
PLACES = ("Cao Bằng", "Cà Mau", "Hà Giang", "An Giang", "Lai Châu", "Phú Yên", "Long An", "Gia Lai")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("dask")
    preload = folder / "fatal.py"
    preload.write_text(PRELOAD, encoding="utf-8")
    started = Cluster(
        folder, tmp_path_factory.mktemp("workers"), cache, ("a", "b"), ("--preload", str(preload)),
        {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"},
    )  # fmt: skip
    yield started
    started.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Plans of which two have the same bytes and two are versions of the same document: what order can decide."""
    made = tmp_path / "plans"
    made.mkdir()
    for number, name in enumerate(PLACES, 40):
        text = PLAN.format(upper=name.upper(), name=name, number=number, share=number + 5)
        (made / f"{number}.txt").write_text(text, encoding="utf-8")
    first = (made / "40.txt").read_text(encoding="utf-8")
    (made / "45-again.txt").write_text(first, encoding="utf-8")
    (made / NEWER).write_text(first.replace("45%", "75%"), encoding="utf-8")
    (made / "bad.pdf").write_bytes(b"%PDF-1.4 broken")
    return made


@pytest.fixture
def alone(folder: Path, with_settings: Callable[..., Workspace], tmp_path: Path) -> tuple[str, list[FileReport]]:
    """The content hash and the reports of a run on this machine alone."""
    space = with_settings(home=tmp_path / "alone")
    list(ingest_file(folder / NEWER, space))
    reports = list(ingest([folder], space))
    return content_hash(space.store), reports


def test_what_workers_prepare_is_what_one_machine_does_also_when_they_die(
    cluster: Cluster, folder: Path, alone: tuple[str, list[FileReport]], with_settings: Callable[..., Workspace]
) -> None:
    space = with_settings(scheduler=cluster.address, scheduler_seconds=300)
    list(ingest_file(folder / NEWER, space))
    reports = []
    for report in ingest([folder], space):
        reports.append(report)
        if len(reports) == 1:
            cluster.kill("a")
        if len(reports) == 3:
            cluster.kill("scheduler")
    assert reports == alone[1]
    assert content_hash(space.store) == alone[0]
    assert [report.outcome for report in reports].count("duplicate") == 1
    # The newer version was stored first, then replaced by the older file before it, then brought back.
    assert len(space.store.versions("cao-bang/40-kh-ubnd-2022")) == 2


def test_a_file_that_kills_workers_is_set_aside_and_the_rest_goes_on(
    cluster: Cluster, folder: Path, alone: tuple[str, list[FileReport]], with_settings: Callable[..., Workspace]
) -> None:
    poison = folder / "41-poison.txt"
    poison.write_text(PLAN.format(upper="LÀO CAI", name=FATAL, number=9, share=9) + f"- {FATAL}.\n", encoding="utf-8")
    space = with_settings(scheduler=cluster.address, scheduler_seconds=300)
    list(ingest_file(folder / NEWER, space))
    reports = list(ingest([folder], space))
    (failed,) = [report for report in reports if report.file == str(poison)]
    assert failed.outcome == "failed"
    assert failed.reason == "2 Dask workers died while they prepared it; it is set aside"
    assert [report for report in reports if report is not failed] == alone[1]
    assert content_hash(space.store) == alone[0]


def test_a_run_that_was_stopped_goes_on_where_it_was(
    cluster: Cluster, folder: Path, alone: tuple[str, list[FileReport]], with_settings: Callable[..., Workspace]
) -> None:
    space = with_settings(scheduler=cluster.address, scheduler_seconds=300)
    run = ingest([folder], space)
    first = [next(run) for _ in range(4)]
    run.close()
    rest = list(ingest([folder], space))
    assert [report.outcome for report in rest[:4]] == ["unchanged"] * len(first)
    assert content_hash(space.store) == alone[0]
    # Nor is what is stored replaced by an older version that lies beside it.
    mark = space.store.content
    assert {report.outcome for report in ingest([folder], space)} == {"unchanged", "duplicate", "failed"}
    assert space.store.content == mark


def test_without_scheduler_or_with_other_models_it_ends_with_a_reason(
    cluster: Cluster, folder: Path, with_settings: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.errors import NothingUsableError

    space = with_settings(scheduler="tcp://127.0.0.1:9", scheduler_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(NothingUsableError, match=r"no Dask scheduler answered in 0.5 seconds"):
        list(ingest([folder], space))
    assert time.monotonic() - began < 60
    other = with_settings(scheduler=cluster.address, scheduler_seconds=300)
    monkeypatch.setattr(other.tagger, "id", "another")
    with pytest.raises(NothingUsableError, match="another"):
        list(ingest([folder], other))
