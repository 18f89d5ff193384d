"""10,000 damaged documents of every kind: each is read or refused in a line; see fuzz.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CASES = 5_000


def test_damaged_documents_are_read_or_refused() -> None:
    script, root = Path(__file__).with_name("fuzz.py"), Path(__file__).parents[2]
    runs = [
        subprocess.Popen([sys.executable, str(script), str(seed), str(CASES)], cwd=root, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for seed in (1, 2)
    ]  # fmt: skip
    for run in runs:
        out, err = run.communicate(timeout=600)
        assert run.returncode == 0, f"{out}\n{err[-3000:]}"
        summary = json.loads(out)
        assert summary["cases"] == CASES
        # Neither all refused nor all read: the damage reaches the readers and what comes after them.
        assert min(summary["document"], summary["refused"]) > CASES / 10
