"""Pictures as SVG text, without scripts or styles, so that they show in a page, in a file and on paper alike."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from html import escape

from corpus.national import Indicator, middle
from corpus.taxonomy import TaskGroup
from index.ambition import Aim
from index.coverage import Row

_TEXT = "#1c2321"
_SOFT = "#55615d"
_LINE = "#d3dcd9"
_HEAT = (11, 93, 75)
_DUE = ("#0a5a86", "#8a4b00", "#7a2a86", "#2f6b12", "#55615d")
_ROW = 24
_NAMES = 190


def coverage_chart(rows: Sequence[Row], groups: Sequence[TaskGroup], lang: str = "vi") -> str:
    """Return a heat map of provinces by task groups: each cell has its count, and is the darker the larger its share."""
    vi = lang == "vi"
    title = "Số đoạn theo tỉnh và nhóm nhiệm vụ" if vi else "Paragraphs by province and task group"
    cell, top = 110, 92
    parts = []
    for column, group in enumerate(groups):
        for line, words in enumerate(textwrap.wrap(group.name_vi if vi else group.name_en, 16)[:3]):
            parts.append(_text(_NAMES + column * cell + cell / 2, 48 + 14 * line, words, anchor="middle", size=12))
    parts.append(_text(_NAMES + len(groups) * cell + 40, 48, "Tổng" if vi else "All", anchor="middle", size=12))
    most = max((row.share(group.key) for row in rows for group in groups), default=0.0) or 1.0
    for number, row in enumerate(rows):
        y = top + number * _ROW
        name = row.province or ("(toàn quốc)" if vi else "(national)")
        parts.append(_text(_NAMES - 10, y + 16, name, anchor="end"))
        for column, group in enumerate(groups):
            share = row.share(group.key)
            strength = share / most
            said = f"{name}, {group.name_vi if vi else group.name_en}: {row.groups[group.key]} ({_percent(share, vi)})"
            parts.append(
                f'<g><title>{escape(said)}</title><rect x="{_NAMES + column * cell}" y="{y}" width="{cell - 2}" '
                f'height="{_ROW - 2}" fill="{_mixed(strength)}"/>'
                + _text(
                    _NAMES + column * cell + cell / 2,
                    y + 16,
                    f"{row.groups[group.key]} · {_percent(share, vi)}",
                    anchor="middle",
                    size=12,
                    fill="#ffffff" if strength > 0.72 else _TEXT,
                )
                + "</g>"
            )
        parts.append(_text(_NAMES + len(groups) * cell + 40, y + 16, str(row.paragraphs), anchor="middle", size=12))
    return _svg(_NAMES + len(groups) * cell + 80, top + len(rows) * _ROW + 12, title, parts)


def indicator_chart(indicator: Indicator, aims: Sequence[Aim], lang: str = "vi") -> str:
    """Return the targets of one indicator, a line for each province in the order given, beside the national ones.

    A dot is a target, a bar a range; its colour tells the year due, as do the dashed lines of the national targets.
    """
    vi = lang == "vi"
    places = list(dict.fromkeys(aim.place for aim in aims if aim.place is not None))
    years = sorted({*indicator.national, *(aim.due for aim in aims if aim.due)})
    hue = {year: _DUE[min(number, len(_DUE) - 1)] for number, year in enumerate(years)}
    width, top = 460, 70 + 16 * (len(years) > 6)
    low, high = _scale([*indicator.national.values(), *(aim.values for aim in aims)])

    def at(value: float) -> float:
        return round(_NAMES + width * (value - low) / (high - low), 1)

    bottom = top + max(1, len(places)) * _ROW
    parts = [_text(_NAMES, 44, indicator.unit, fill=_SOFT, size=12)]
    for step in range(5):
        value = low + step * (high - low) / 4
        parts.append(f'<line x1="{at(value)}" y1="{top}" x2="{at(value)}" y2="{bottom}" stroke="{_LINE}"/>')
        parts.append(_text(at(value), bottom + 16, _number(value, vi), anchor="middle", size=11, fill=_SOFT))
    for year, values in indicator.national.items():
        said = f"{indicator.source or ''} {year}: {_values(values, vi)} {indicator.unit}".strip()
        parts.append(
            f'<line x1="{at(middle(values))}" y1="{top - 6}" x2="{at(middle(values))}" y2="{bottom}" stroke="{hue[year]}" '
            f'stroke-width="2" stroke-dasharray="5 3"><title>{escape(said)}</title></line>'
        )
    for number, place in enumerate(places):
        y = top + number * _ROW + _ROW / 2
        parts.append(_text(_NAMES - 10, y + 4, place, anchor="end"))
        parts += [_mark(aim, y, at, hue.get(aim.due or 0, _SOFT), vi) for aim in aims if aim.place == place]
    for number, year in enumerate(years):
        x = _NAMES + 60 + (number % 6) * 66
        parts.append(f'<circle cx="{x}" cy="{40 + 16 * (number // 6)}" r="5" fill="{hue[year]}"/>')
        parts.append(_text(x + 9, 44 + 16 * (number // 6), str(year), size=12))
    if indicator.national:
        note = f"- - -  {indicator.source}: " + "; ".join(
            f"{year}: {_values(values, vi)}" for year, values in indicator.national.items()
        )
        parts.append(_text(_NAMES, bottom + 36, note, size=12, fill=_SOFT))
    return _svg(_NAMES + width + 40, bottom + 48, indicator.name_vi if vi else indicator.name_en, parts)


def _mark(aim: Aim, y: float, at: Callable[[float], float], hue: str, vi: bool) -> str:
    said = f"{aim.place}, {aim.document.year or '?'}: {_values(aim.values, vi)} {aim.indicator.unit} ({aim.due or '?'})"
    left, right = at(aim.values[0]), at(aim.values[-1])
    bar = f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="{hue}" stroke-width="4"/>' if right > left else ""
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="5" fill="{hue}"/>' for x in sorted({left, right}))
    return f"<g><title>{escape(said)}</title>{bar}{dots}</g>"


def _scale(values: Iterable[tuple[float, ...]]) -> tuple[float, float]:
    """Return the ends of an axis from 0 (or a lower value) to a round number not below the highest."""
    known = [value for pair in values for value in pair] or [1.0]
    low, high = min(0.0, *known), max(known)
    step = 10.0 ** math.floor(math.log10(high - low)) if high > low else 1.0
    return low, low + math.ceil(round((high - low) / step * 2, 6)) * step / 2


def _values(values: tuple[float, ...], vi: bool) -> str:
    return "–".join(_number(value, vi) for value in values)


def _number(value: float, vi: bool) -> str:
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", ".,")) if vi else text


def _percent(share: float, vi: bool) -> str:
    return f"{_number(round(100 * share, 1), vi)} %"


def _mixed(strength: float) -> str:
    """Return a colour between white and the full one."""
    return "#" + "".join(f"{round(255 + (part - 255) * min(1.0, strength)):02x}" for part in _HEAT)


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 13, fill: str = _TEXT) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{fill}">{escape(words)}</text>'


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f"role=\"img\" font-family=\"system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif\">"
        f"<title>{escape(title)}</title>"
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>'
        f"{_text(12, 22, title, size=15)}{''.join(parts)}</svg>\n"
    )
