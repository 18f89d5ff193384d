"""Watching a folder, for real: files that arrive in pieces, by renaming, again, damaged; restarts and endings."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.errors import UsageError
from service.ingest import FileReport
from service.settings import Settings
from service.watching import watch
from service.workspace import Workspace

SETTLE = 0.4
HEAD = """ỦY BAN NHÂN DÂN
TỈNH CAO BẰNG
Số: {number}/KH-UBND
Cao Bằng, ngày 03 tháng 02 năm 2022

KẾ HOẠCH
THỬ NGHIỆM TIÊU DÙNG BỀN VỮNG

I. MỤC TIÊU
"""


def plan(number: int, *tasks: str) -> str:
    return HEAD.format(number=number) + "".join(f"- {task}\n" for task in tasks or ("Thu gom, tái chế rác thải nhựa.",))


class Watched(Workspace):
    """Counts how often the index is built; takes its models from ``warm``, to start at once."""

    built = 0

    def __init__(self, home: Path, warm: Workspace) -> None:
        super().__init__(warm.settings.model_copy(update={"home": home}))
        self.__dict__ |= {name: getattr(warm, name) for name in ("groups", "embedder", "default_embedder", "tagger")}

    def build_index(self):
        manifest = super().build_index()
        # Counted when it stands: who waits for the count may search at once.
        self.built += 1
        return manifest


class Watching:
    """A thread that watches ``folder``."""

    def __init__(self, folder: Path, space: Watched, settle: float = SETTLE) -> None:
        self.folder, self.space, self.settle, self.reports = folder, space, settle, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for report in watch(self.folder, self.space, stop=self.stop, settle=self.settle):
            self.reports.append(report)

    def until(self, count: int, built: int | None = None) -> list[FileReport]:
        """Wait for ``count`` reports and ``built`` indexes, and that no others follow; return the reports."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (len(self.reports) < count or self.space.built < (built or 0)):
            time.sleep(0.02)
        time.sleep(2.5 * self.settle)
        assert len(self.reports) == count, self.reports
        assert built is None or self.space.built == built
        return self.reports

    def outcomes(self, count: int, built: int | None = None) -> list[tuple[str, str]]:
        return sorted((Path(report.file).name, report.outcome) for report in self.until(count, built))

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Workspace:
    return Workspace(Settings(home=tmp_path_factory.mktemp("home"), cache=cache))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def begin(folder: Path, tmp_path: Path, warm: Workspace) -> Iterator[Callable[[], Watching]]:
    begun: list[Watching] = []

    def start(settle: float = SETTLE) -> Watching:
        for one in begun:
            one.end()
        begun.append(Watching(folder, Watched(tmp_path / "home", warm), settle))
        return begun[-1]

    yield start
    for one in begun:
        one.end()
        one.space.close()


def test_what_is_there_and_what_comes_once_each_with_one_index_a_burst(folder: Path, begin) -> None:
    (folder / "a.txt").write_text(plan(1), encoding="utf-8")
    (folder / "below").mkdir()
    (folder / "below" / "b.md").write_text(plan(2), encoding="utf-8")
    watching = begin()
    assert watching.outcomes(2, built=1) == [("a.txt", "added"), ("b.md", "added")]
    other = folder.parent / "moved"
    other.mkdir()
    for number in (3, 4, 5):
        (other / f"{number}.txt").write_text(plan(number), encoding="utf-8")
    other.rename(folder / "moved")
    assert watching.outcomes(5, built=2)[:3] == [("3.txt", "added"), ("4.txt", "added"), ("5.txt", "added")]
    assert watching.space.searcher.search("rác thải nhựa", 10).hits
    assert watching.space.built == 2


def test_a_file_in_two_halves_is_taken_whole(folder: Path, begin) -> None:
    watching = begin(settle=1.5)
    whole = plan(6, *(f"Mở lớp tập huấn thứ {n} cho nông dân." for n in range(20))).encode()
    with (folder / "slow.txt").open("wb", buffering=0) as file:
        for piece in (whole[: len(whole) // 2], whole[len(whole) // 2 : -200], whole[-200:]):
            file.write(piece)
            time.sleep(0.8)
    (report,) = watching.until(1)
    # The heading and its twenty tasks.
    assert (report.outcome, report.paragraphs) == ("added", 21)


def test_a_stalled_copy_fails_once_and_is_taken_when_it_goes_on(folder: Path, begin) -> None:
    watching = begin()
    whole = plan(7).encode("utf-16")
    (folder / "stalled.txt").write_bytes(whole[:-1])
    (report,) = watching.until(1)
    assert report.outcome == "failed"
    assert "UTF-16" in report.reason
    (folder / "stalled.txt").write_bytes(whole)
    assert watching.outcomes(2) == [("stalled.txt", "added"), ("stalled.txt", "failed")]


def test_temporary_names_wait_for_their_renaming(folder: Path, begin) -> None:
    for name in ("x.txt.part", "x.txt.crdownload", "x.tmp", ".~x.txt", "~$x.txt", ".x.txt", "README.md"):
        (folder / name).write_text(plan(8), encoding="utf-8")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.txt").write_text(plan(8), encoding="utf-8")
    watching = begin()
    watching.until(0)
    (folder / "x.txt.part").rename(folder / "x.txt")
    assert watching.outcomes(1) == [("x.txt", "added")]


def test_bad_files_cost_a_report_each(folder: Path, begin) -> None:
    (folder / "bad.txt").write_bytes(b"\x00\x01\x02" * 100)
    (folder / "empty.html").write_bytes(b"")
    (folder / "deep.jsonl").write_text(
        '{"id":"x","text":"a","z":' + "[" * 200_000 + "]" * 200_000 + "}", encoding="utf-8"
    )
    (folder / "usable.txt").write_text(plan(9), encoding="utf-8")
    (folder / "nowhere.txt").symlink_to(folder / "nothing.txt")
    watching = begin()
    watching.until(4)
    (folder / "good.txt").write_text(plan(10), encoding="utf-8")
    outcomes = dict(watching.outcomes(5))
    assert outcomes == {"bad.txt": "failed", "empty.html": "failed", "deep.jsonl": "failed", "usable.txt": "added",
                        "good.txt": "added"}  # fmt: skip


def test_a_restart_adds_nothing_and_a_change_is_taken(folder: Path, begin, samples: Path) -> None:
    shutil.copy(samples / "ca-mau-174-kh-ubnd-2024.txt", folder)
    (folder / "a.txt").write_text(plan(11), encoding="utf-8")
    watching = begin()
    watching.until(2)
    content = watching.space.store.content
    (folder / "copy.txt").write_text(plan(11), encoding="utf-8")
    (duplicate,) = watching.until(3)[2:]
    assert (duplicate.outcome, duplicate.reason) == ("duplicate", "the same bytes as a.txt")

    again = begin()
    assert {outcome for _, outcome in again.outcomes(3, built=0)} == {"unchanged", "duplicate"}
    assert again.space.store.content == content
    (folder / "a.txt").write_text(plan(11, "Lắp điện mặt trời áp mái."), encoding="utf-8")
    assert again.until(4, built=1)[3].outcome == "updated"
    (folder / "copy.txt").unlink()
    (folder / "a.txt").unlink()
    again.until(4)
    assert len(again.space.store.documents()) == 2


def test_of_two_versions_the_newer_file_stays_also_after_a_restart(folder: Path, begin) -> None:
    for name, text, changed in (("z-old.txt", "Tái chế.", 1_000), ("a-new.txt", "Lắp điện mặt trời áp mái.", 2_000)):
        (folder / name).write_text(plan(12, text), encoding="utf-8")
        os.utime(folder / name, (changed, changed))
    watching = begin()
    assert watching.outcomes(2) == [("a-new.txt", "added"), ("z-old.txt", "duplicate")]
    content = watching.space.store.content
    again = begin()
    assert again.outcomes(2) == [("a-new.txt", "unchanged"), ("z-old.txt", "duplicate")]
    assert again.space.store.content == content
    (folder / "z-old.txt").write_text(plan(12, "Thu gom rác thải nhựa."), encoding="utf-8")
    assert again.until(3)[2].outcome == "updated"


def test_the_home_folder_within_is_passed_over(tmp_path: Path, warm: Workspace) -> None:
    (tmp_path / "a.txt").write_text(plan(13), encoding="utf-8")
    space = Watched(tmp_path / "home", warm)
    watching = Watching(tmp_path, space)
    assert watching.outcomes(1, built=1) == [("a.txt", "added")]
    watching.end()
    space.close()


def test_what_is_no_folder_is_named(tmp_path: Path, space: Workspace) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        next(watch(tmp_path / "none", space))


def test_an_interrupt_ends_it_cleanly(folder: Path, tmp_path: Path, cache: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from service.settings import Settings\n"
        "from service.watching import watch; from service.workspace import Workspace\n"
        "home, cache, folder = map(Path, sys.argv[1:])\n"
        "for report in watch(folder, Workspace(Settings(home=home, cache=cache)), settle=0.3):\n"
        "    print(report.outcome, flush=True)\n"
        "print('ended')\n"
    )
    (folder / "a.txt").write_text(plan(14), encoding="utf-8")
    command = [sys.executable, "-c", script, str(tmp_path / "home"), str(cache), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "added\n"
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_stopping_finishes_the_file_in_hand_and_the_index(folder: Path, tmp_path: Path, warm: Workspace) -> None:
    for number in (15, 16, 17):
        (folder / f"{number}.txt").write_text(plan(number), encoding="utf-8")
    space, stop = Watched(tmp_path / "home", warm), threading.Event()
    reports = []
    for report in watch(folder, space, stop=stop, settle=SETTLE):
        reports.append(report)
        stop.set()
    assert [report.outcome for report in reports] == ["added"]
    assert (space.built, len(space.store.documents())) == (1, 1)
    space.close()
