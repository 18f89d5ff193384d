"""Recognise the text of scanned pages with tesseract through ocrmypdf, where both are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

SECONDS = 600.0
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
        command = [sys.executable, "-m", "ocrmypdf", "--language", "vie", "--skip-text", "--output-type", "pdf",
                   "--optimize", "0", "--quiet", str(source), str(result)]  # fmt: skip
        try:
            run = subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise OcrError(f"recognition took over {seconds:g} seconds") from error
        if run.returncode or not result.exists():
            said = run.stderr.decode("utf-8", errors="replace").strip().splitlines()
            raise OcrError(f"recognition failed: {said[-1] if said else f'exit status {run.returncode}'}")
        return result.read_bytes()


def missing() -> str | None:
    """Return what of the needed programs and data is not installed, or None."""
    if find_spec("ocrmypdf") is None:
        return "ocrmypdf"
    program = shutil.which("tesseract")
    if program is None:
        return "tesseract"
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False)  # noqa: S603
    return None if "vie" in listed.stdout.split() else "the Vietnamese data of tesseract"
