"""Draw reliability diagrams, one panel a task group, one column wide so that a phone shows it whole."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models import draw
from models.draw import Box, Dot, Line, Mark, Words
from models.evaluate import BINS, Bins, wilson

WIDTH = 360
# Pixels. The plot's left edge leaves room for its numbers.
_MARGIN, _LEFT, _RIGHT = 16, 46, 338
_PLOT, _GAP, _HISTOGRAM, _HEADER = 232, 30, 54, 226
_INK, _SOFT, _RULE, _HUE, _PALE, _WARM = "#1c2321", "#55615d", "#dde5e2", "#0b5d4b", "#d5e8e2", "#a04a00"
_TITLE = "Xác suất có đáng tin không? · Reliability of the probabilities"
_DESCRIPTION = (
    "For each task group: by predicted probability in ten bins, the share of paragraphs that have the label with its 95 % "
    "Wilson interval, and how many paragraphs there are. ECE is the expected calibration error: the distance between share "
    "and mean probability of a bin, averaged over paragraphs."
)


@dataclass(frozen=True)
class Panel:
    """What one panel shows: a task group's names, its bins (``models.evaluate.reliability``) and its threshold."""

    name_vi: str
    name_en: str
    bins: Bins
    threshold: float


def reliability_svg(panels: Sequence[Panel]) -> str:
    """Return an SVG document: a legend, and the panels under each other."""
    marks, height = _all(panels)
    return draw.svg(marks, WIDTH, height, _TITLE, _DESCRIPTION)


def reliability_png(panels: Sequence[Panel]) -> bytes:
    """Return the same as a PNG file."""
    marks, height = _all(panels)
    return draw.png(marks, WIDTH, height)


def _all(panels: Sequence[Panel]) -> tuple[list[Mark], int]:
    """Return all marks and the height they need."""
    marks, y = list(_header()), _HEADER
    for panel in panels:
        drawn, y = _panel(panel, y)
        marks += drawn
    return marks, y


def _header() -> Iterator[Mark]:
    title, _, subtitle = _TITLE.partition(" · ")
    yield Words(_MARGIN, 32, title, _INK, 18, bold=True)
    yield Words(_MARGIN, 51, subtitle, _SOFT, 13)
    yield Line(26, 72, 26, 98, _HUE, 2)
    yield Dot(26, 85, 4, _HUE)
    yield Line(16, 129, 36, 115, _SOFT, dashed=True)
    yield Line(26, 149, 26, 171, _WARM, 1.5)
    legend = (
        ("Tỷ lệ đoạn thực có nhãn, khoảng tin cậy 95 %", "Share that has the label, 95 % interval"),
        ("Lý tưởng: tỷ lệ đúng bằng xác suất", "Ideal: the share equals the probability"),
        ("Ngưỡng: từ đây thì gán nhãn", "Threshold: given the label from here on"),
    )
    for number, (vietnamese, english) in enumerate(legend):
        yield Words(48, 82 + 38 * number, vietnamese, _INK)
        yield Words(48, 97 + 38 * number, english, _SOFT)
    yield Words(_MARGIN, 201, "ECE: sai số hiệu chỉnh, càng nhỏ càng tốt · lower is better", _SOFT, 11)
    yield Line(_MARGIN, 217, WIDTH - 14, 217, _RULE)


def _panel(panel: Panel, top: int) -> tuple[list[Mark], int]:
    """Return the marks of one panel and where the next one begins."""
    marks: list[Mark] = []
    y = top + 32
    for name, colour, size, width in ((panel.name_vi, _INK, 16, 36), (panel.name_en, _SOFT, 13, 46)):
        for line in textwrap.wrap(name, width):
            marks.append(Words(_MARGIN, y, line, colour, size, bold=size == 16))
            y += size + 4
    wanted, paragraphs = panel.bins.wanted.sum(), panel.bins.paragraphs.sum()
    error = f"{panel.bins.error:.3f}" if paragraphs else "-"
    counted = f"ECE {error} · {wanted:.0f} / {paragraphs:.0f} đoạn có nhãn · have the label"
    marks.append(Words(_MARGIN, y + 1, counted, _SOFT))
    upper = y + 34
    lower = upper + _PLOT
    foot = lower + _GAP + _HISTOGRAM
    marks += [*_grid(upper, lower), *_shares(panel.bins, lower), *_threshold(panel.threshold, upper, lower)]
    marks += _counts(panel.bins, foot)
    return marks, foot + 64


def _grid(upper: int, lower: int) -> Iterator[Mark]:
    yield Words(_MARGIN, upper - 12, "Tỷ lệ · Share", _SOFT, 11)
    for tick in range(0, 101, 20):
        y = lower - _PLOT * tick / 100
        yield Line(_LEFT, y, _RIGHT, y, _RULE)
        yield Words(_LEFT - 6, y + 4, f"{tick}%", _SOFT, 11, anchor="end")


def _shares(bins: Bins, lower: int) -> Iterator[Mark]:
    """Yield a pale bar as high as each bin's share, and a dot at its mean probability with its interval."""
    filled = np.flatnonzero(bins.paragraphs).tolist()
    for number in filled:
        height = _PLOT * float(bins.share[number])
        yield Box(*_bar(number, lower, height), _PALE)
    yield Line(_LEFT, lower, _RIGHT, lower - _PLOT, _SOFT, dashed=True)
    for number in filled:
        share, mean, paragraphs = (float(part[number]) for part in (bins.share, bins.mean, bins.paragraphs))
        low, high = (lower - _PLOT * bound for bound in wilson(float(bins.wanted[number]), paragraphs))
        yield Line(_x(mean), high, _x(mean), low, _HUE, 2)
        yield Dot(_x(mean), lower - _PLOT * share, 4, _HUE, f"{mean:.3f} → {share:.3f}, n = {paragraphs:.0f}")


def _threshold(threshold: float, upper: int, lower: int) -> Iterator[Mark]:
    x = _x(min(1.0, max(0.0, threshold)))
    yield Line(x, upper - 4, x, lower, _WARM, 1.5)
    yield Words(_RIGHT, upper - 12, f"ngưỡng · threshold {threshold:.2f}", _WARM, 11, anchor="end")


def _counts(bins: Bins, foot: int) -> Iterator[Mark]:
    """Yield the histogram standing on ``foot``, its axis, and what the axes are."""
    most = max(1.0, float(bins.paragraphs.max()))
    for number in np.flatnonzero(bins.paragraphs).tolist():
        count = float(bins.paragraphs[number])
        height = max(1.0, _HISTOGRAM * (count / most) ** 0.5)
        yield Box(*_bar(number, foot, height), _HUE)
        short = f"{count:.0f}" if count < 10_000 else f"{count / 1000:.0f}k"
        yield Words(_x((number + 0.5) / BINS), foot - height - 4, short, _INK, 10, anchor="middle")
    yield Line(_LEFT, foot, _RIGHT, foot, _SOFT)
    for tick in range(0, 101, 20):
        yield Words(_x(tick / 100), foot + 15, f"{tick}%", _SOFT, 11, anchor="middle")
    middle = (_LEFT + _RIGHT) / 2
    yield Words(middle, foot + 33, "Xác suất dự đoán · Predicted probability", _SOFT, anchor="middle")
    yield Words(
        middle, foot + 49, "Cột dưới: số đoạn (căn bậc hai) · paragraphs (square root)", _SOFT, 11, anchor="middle"
    )


def _x(probability: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * probability


def _bar(number: int, lower: float, height: float) -> tuple[float, float, float, float]:
    """Return the x, y, width and height of a bar that stands on ``lower`` in a bin."""
    return _x(number / BINS) + 2, lower - height, (_RIGHT - _LEFT) / BINS - 4, height
