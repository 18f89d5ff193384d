"""The process that reads: what it answers is what reading here gives, and a bad file, child or answer costs one file."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from corpus import word
from corpus import worker as worker_module
from corpus.files import UnreadableError
from corpus.parse import parse
from corpus.read import read_bytes
from corpus.types import Metadata
from corpus.worker import Limits, Worker

FILES = Path(__file__).parent / "files"
PLAN = (FILES / "binh-duong.txt").read_bytes()
SLOW = ("<table>" + "<tr><td>chữ<td>b" * 200_000).encode()
SENTENCE = "Sở Công Thương chủ trì."


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    opened = Worker()
    yield opened
    opened.close()


@pytest.fixture
def own() -> Iterator[Worker]:
    """A worker for a test that breaks it."""
    opened = Worker(Limits(seconds=20))
    yield opened
    opened.close()


def reads_on(worker: Worker) -> bool:
    return [p.text for p in worker.parse(SENTENCE.encode(), "next.txt").paragraphs] == [SENTENCE]


def process_of(worker: Worker) -> subprocess.Popen[bytes]:
    assert worker._process
    return worker._process


def without_evidence(metadata: Metadata) -> Metadata:
    return replace(metadata, evidence={})


@pytest.mark.parametrize("suffix", ["txt", "html", "docx", "doc", "pdf"])
def test_the_process_gives_what_reading_here_gives(worker: Worker, suffix: str) -> None:
    if suffix == "doc" and word.shutil.which("antiword") is None:
        pytest.skip("antiword is not installed")
    name = f"binh-duong.{suffix}"
    data = (FILES / name).read_bytes()
    document = worker.parse(data, name)
    assert document == parse(read_bytes(data, name))
    plain = parse(read_bytes(PLAN, "binh-duong.txt"))
    assert [p.text for p in document.paragraphs] == [p.text for p in plain.paragraphs]
    assert without_evidence(document.metadata) == without_evidence(plain.metadata)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [(b"", "a.txt", "^it is empty$"), (b"%PDF-1.7", "a.pdf", "damaged"), (b"PK\x03\x04", "a.docx", "damaged archive"),
     (b"\x00", "a\nb.txt", "binary")],
)  # fmt: skip
def test_what_cannot_be_read_keeps_its_reason_and_the_process(
    worker: Worker, data: bytes, name: str, reason: str
) -> None:
    assert reads_on(worker)
    process = process_of(worker)
    with pytest.raises(UnreadableError, match=reason):
        worker.parse(data, name)
    assert reads_on(worker)
    assert process_of(worker) is process


def test_a_file_that_takes_too_long_is_given_up(own: Worker) -> None:
    own._limits = Limits(seconds=0.6)
    began = time.monotonic()
    with pytest.raises(UnreadableError, match=r"^reading it took over 0\.6 seconds$"):
        own.parse(SLOW, "a.html")
    assert time.monotonic() - began < 3
    own._limits = Limits()
    assert reads_on(own)


def test_a_process_that_takes_nothing_in_is_given_up(own: Worker) -> None:
    assert reads_on(own)
    own._limits = Limits(seconds=0.5)
    os.kill(process_of(own).pid, signal.SIGSTOP)
    with pytest.raises(UnreadableError, match="took over"):
        own.parse(b"a" * 10_000_000, "a.txt")
    own._limits = Limits()
    assert reads_on(own)


def test_a_greedy_file_is_told_the_limit() -> None:
    small = Worker(Limits(memory=500 * 2**20))
    with pytest.raises(UnreadableError, match=r"^it needs over 500 MB$"):
        small.parse("từ ".encode() * 8_000_000, "a.txt")
    assert reads_on(small)
    small.close()


def test_a_process_killed_between_files_costs_none(own: Worker) -> None:
    for _ in range(3):
        assert reads_on(own)
        process_of(own).kill()


def test_a_process_killed_before_it_has_the_file_costs_none(own: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reads_on(own)
    process = process_of(own)
    process.kill()
    process.wait()
    # As if it died between the look whether it lives and the request.
    monkeypatch.setattr(process, "poll", lambda: None)
    assert reads_on(own)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_killed_over_a_file_costs_that_file(
    own: Worker, end: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = own._line

    def line_then_end(clock: worker_module._Clock) -> dict[str, object]:
        answer = line(clock)
        if "received" in answer:
            os.kill(process_of(own).pid, end)
        return answer

    monkeypatch.setattr(own, "_line", line_then_end)
    with pytest.raises(UnreadableError, match=r"killed while reading|broke the reader \(Segm"):
        own.parse(SLOW, "a.html")
    monkeypatch.undo()
    assert reads_on(own)


GARBAGE = {
    "no JSON": "import time; print('Warning: \\x1b[31mred'); sys.stdout.flush(); time.sleep(60)",
    "no object": "print(5)",
    "no line": "sys.stdout.write('{')",
    "no field": "print('{}')",
    "another form": 'print(\'{"document": {"id": []}}\')',
    "no text as a reason": 'print(\'{"error": [1, "\\\\n\\\\n"]}\')',
    "a long reason": 'print(\'{"error": "\' + "a\\\\n" * 100000 + \'"}\')',
    "nested": 'print("[" * 100000)',
    "without end": "while True: sys.stdout.write('x' * 65536)",
    "nothing": "import time; time.sleep(60)",
    "only recognising": "import time\nwhile True: print('{\"recognising\": 1}', flush=True); time.sleep(0.1)",
}


@pytest.mark.parametrize("program", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_for_an_answer_costs_one_file(
    program: str, own: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "fake"
    fake.write_text(
        f"#!{sys.executable} -S\nimport sys\nsys.stdin.readline()\nprint('{{}}', flush=True)\n{program}\n",
        encoding="utf-8",
    )
    fake.chmod(0o755)
    monkeypatch.setattr(worker_module, "_MOST_ANSWER", 10_000_000)
    monkeypatch.setattr(sys, "executable", str(fake))
    own._limits = Limits(seconds=1.5, ocr_seconds=1)
    with pytest.raises(UnreadableError) as refused:
        own.parse(b"a", "a.txt")
    assert 0 < len(str(refused.value)) < 500
    assert str(refused.value).isprintable()
    monkeypatch.undo()
    own.close()
    own._limits = Limits()
    assert reads_on(own)


def test_two_lines_at_once_are_two_answers(own: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "fake"
    lines = '{}\\n{"recognising": 2}\\n{"error": "it is a test"}\\n'
    fake.write_text(
        f"#!{sys.executable} -S\nimport sys\nfor _ in range(2):\n sys.stdin.readline()\n sys.stdin.read(1)\n"
        f" sys.stdout.write({lines!r}.replace('\\\\n', chr(10)))\n sys.stdout.flush()\n",
        encoding="utf-8",
    )
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    for _ in range(2):
        with pytest.raises(UnreadableError, match=r"^it is a test$"):
            own.parse(b"a", "a.txt")


def test_modules_in_the_current_folder_are_not_run(
    own: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "lxml.py", "corpus.py", "ocrmypdf.py"):
        (tmp_path / name).write_text("raise SystemExit('wrong module')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert reads_on(own)


def test_closed_it_may_be_used_again_and_leaves_no_process(own: Worker) -> None:
    own.close()
    assert reads_on(own)
    process = process_of(own)
    own.close()
    own.close()
    assert process.returncode is not None
    assert reads_on(own)


def test_closing_does_not_wait_for_a_file(own: Worker) -> None:
    assert reads_on(own)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(own.parse, SLOW, "a.html")
        time.sleep(0.5)
        began = time.monotonic()
        own.close()
        assert time.monotonic() - began < 2
        with pytest.raises(UnreadableError, match="killed"):
            reading.result()


def test_callers_beside_each_other_get_their_own_documents(worker: Worker) -> None:
    texts = [f"Sở Công Thương chủ trì việc {n}.\n" * (1 + 50 * (n % 3)) for n in range(40)]

    def read(text: str) -> str | None:
        try:
            return worker.parse(text.encode() + (b"\x00" if "9." in text else b""), "a.txt").sha256
        except UnreadableError:
            return None

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(read, texts))
    assert got == [None if "9." in text else hashlib.sha256(text.encode()).hexdigest() for text in texts]
