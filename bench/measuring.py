"""What the load generators measure with: percentiles of times by the clock and of processor time, memory, size on disk.

It imports nothing of the project, so that the memory of another engine's process is its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np


def measured(action: Callable[[Any], object], asked: Iterable[Any]) -> dict[str, dict[str, float]]:
    """Return percentiles over ``asked`` in ms: of the clock, and of the processor time that all threads took."""
    clock, processor = [], []
    asked = list(asked)
    warming = asked[:20]
    for query in (*warming, *asked):
        began, worked = time.perf_counter(), time.process_time()
        action(query)
        clock.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (time.process_time() - worked))
    return {"clock": percentiles(clock[len(warming) :]), "processor": percentiles(processor[len(warming) :])}


def percentiles(times: list[float]) -> dict[str, float]:
    return {f"p{p}": round(float(np.percentile(times, p)), 1) for p in (50, 95, 99)}


def timed(action: Callable[[], object]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = action()
    return time.perf_counter() - began, result


def memory() -> dict[str, int]:
    """Return MB of this process: all that is resident, what of it is not a mapped file, and the most there ever was."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    rows = dict(line.split(":", 1) for line in lines)
    return {
        name: int(rows[field].split()[0]) // 1024
        for name, field in (("resident", "VmRSS"), ("anonymous", "RssAnon"), ("peak", "VmHWM"))
    }


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1_000_000


def wait_for(is_so: Callable[[], object], seconds: float) -> None:
    """Return once ``is_so``; end the program where that takes longer than ``seconds``."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit(f"waited {seconds} seconds in vain")
        time.sleep(0.02)
