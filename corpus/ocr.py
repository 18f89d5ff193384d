"""Recognise the text of scanned pages with tesseract through ocrmypdf, where both are installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

SECONDS = 600.0
_PATIENCE = 5.0
# Threads of one tesseract wait for each other busily: five times slower where other programs run too.
_ENVIRONMENT = {"OMP_THREAD_LIMIT": "1"}
NEEDS = (
    "it needs the Debian packages tesseract-ocr and tesseract-ocr-vie and the Python package ocrmypdf "
    "(pip install 'kehoach[ocr]')"
)


class OcrError(ValueError):
    """Pages could not be recognised; the message says why."""


def recognise(data: bytes, seconds: float = SECONDS) -> bytes:
    """Return the PDF with a text layer on the pages that have none. Raises OcrError where that is not possible."""
    if lacking := missing():
        raise OcrError(f"{lacking} is not installed; {NEEDS}")
    with tempfile.TemporaryDirectory(prefix="kehoach-ocr-") as folder:
        source, result = Path(folder, "in.pdf"), Path(folder, "out.pdf")
        source.write_bytes(data)
        # -P: nothing in the current folder may stand in for a module.
        command = [sys.executable, "-P", "-m", "ocrmypdf", "--language", "vie", "--skip-text", "--output-type", "pdf",
                   "--optimize", "0", "--quiet", str(source), str(result)]  # fmt: skip
        status, said = _run(command, folder, seconds)
        if status or not result.exists():
            raise OcrError(f"recognition failed: {said[-1][:200] if said else f'exit status {status}'}")
        return result.read_bytes()


def _run(command: list[str], folder: str, seconds: float) -> tuple[int, list[str]]:
    """Return the exit status and what was said. Raises OcrError, and ends all it started, where it takes too long."""
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **_ENVIRONMENT, "TMPDIR": folder}
    ) as process:
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            # An interrupt lets it end its tesseracts, which a kill would leave running.
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_PATIENCE)
            process.kill()
            raise OcrError(f"recognition took over {seconds:g} seconds") from error
    return process.returncode, said.decode("utf-8", errors="replace").strip().splitlines()


def missing() -> str | None:
    """Return what of the needed programs and data is not installed, or None."""
    if find_spec("ocrmypdf") is None:
        return "ocrmypdf"
    program = shutil.which("tesseract")
    if program is None:
        return "tesseract"
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False)  # noqa: S603
    return None if "vie" in listed.stdout.split() else "the Vietnamese data of tesseract"
