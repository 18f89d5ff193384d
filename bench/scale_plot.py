"""Draw how search and its index grow with the number of paragraphs: results/scale.svg from the reports of bench/scale.py.

python bench/scale_plot.py FOLDER
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from models import draw
from models.draw import Dot, Line, Mark, Words

TARGET = Path(__file__).parents[1] / "results" / "scale.svg"
WIDTH, HEIGHT = 820, 330
INK, SOFT, RULE = "#1c2321", "#55615d", "#dde5e2"
TOP, BOTTOM = 60, 270
Report = dict[str, Any]
Series = tuple[str, str, Callable[[Report], float]]
TIMES: Sequence[Series] = (
    ("p95, ms", "#a04a00", lambda r: r["no filter"]["clock"]["p95"]),
    ("p50, ms", "#0b5d4b", lambda r: r["no filter"]["clock"]["p50"]),
    ("p50, a province, ms", "#4a7bd0", lambda r: r["a province, 1 in 63"]["clock"]["p50"]),
)
SIZES: Sequence[Series] = (
    ("store, MB", "#a04a00", lambda r: r["store_mb"]),
    ("index, MB", "#0b5d4b", lambda r: r["index_mb"]),
    ("memory, MB", "#4a7bd0", lambda r: r["memory"]["resident"]),
)


def panel(left: int, title: str, series: Sequence[Series], reports: Sequence[Report]) -> list[Mark]:
    """Return one diagram, both axes logarithmic, ``left`` pixels from the edge."""
    values = [[value(report) for report in reports] for _, _, value in series]
    low = 10 ** math.floor(math.log10(min(map(min, values))))
    high = 10 ** math.ceil(math.log10(max(map(max, values))))
    sizes = [math.log10(report["size"]) for report in reports]
    begin, end = left + 52, left + 230

    def x(size: float) -> float:
        return begin + (size - sizes[0]) / ((sizes[-1] - sizes[0]) or 1) * (end - begin)

    def y(value: float) -> float:
        return BOTTOM - math.log(value / low) / math.log(high / low) * (BOTTOM - TOP)

    marks: list[Mark] = [Words(left + 8, 34, title, INK, 14, bold=True)]
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        marks += [Line(begin, y(10**power), end, y(10**power), RULE)]
        marks += [Words(begin - 6, y(10**power) + 4, f"{10**power:,}", SOFT, 11, anchor="end")]
    marks += [Words(x(size), BOTTOM + 20, f"{report['size']:,}", SOFT, 11, anchor="middle") for size, report in zip(sizes, reports, strict=True)]  # fmt: skip
    # Labels stand at the ends of their lines, those of near ends under one another.
    heights: dict[str, float] = {}
    for (name, _, _), of in sorted(zip(series, values, strict=True), key=lambda line: -line[1][-1]):
        heights[name] = max(y(of[-1]) + 4, max(heights.values(), default=0) + 14)
    for (name, colour, _), of in zip(series, values, strict=True):
        points = [(x(size), y(value)) for size, value in zip(sizes, of, strict=True)]
        marks += [Line(*a, *b, colour, 2) for a, b in pairwise(points)]
        marks += [Dot(px, py, 3.5, colour, f"{name}: {value:g}") for (px, py), value in zip(points, of, strict=True)]
        marks += [Words(end + 10, heights[name], f"{name} {of[-1]:,.4g}", colour, 11)]
    return marks


def main(folder: Path) -> None:
    """Read every SIZE.json of ``folder`` and write the picture."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("[0-9]*.json")]
    reports = sorted(found, key=lambda report: report["size"])
    marks = panel(0, "A search", TIMES, reports) + panel(410, "What it takes", SIZES, reports)
    marks.append(Words(8, HEIGHT - 12, "paragraphs; both axes logarithmic", SOFT, 11))
    told = "Times of a search and sizes of store, index and memory by the number of paragraphs, from bench/scale.py."
    TARGET.write_text(draw.svg(marks, WIDTH, HEIGHT, "Growth with the number of paragraphs", told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
