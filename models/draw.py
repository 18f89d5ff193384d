"""Draw lines, boxes, dots and words as SVG or PNG: all that the diagrams here need.

Measures are pixels from the left upper corner; words stand on their baseline.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Literal, TypeAlias

from PIL import Image, ImageDraw, ImageFont

# PNG files have this many points a pixel, as screens of phones do.
SCALE = 2
_DASH, _SPACE = 4.0, 3.0
# Fonts with all Vietnamese letters: Linux, macOS, Windows. Pillow looks for them in the system's folders.
_FONTS = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
)
_FAMILY = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Line:
    """A line between two points."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Box:
    """A filled rectangle; ``y`` is its upper edge."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True)
class Dot:
    """A filled circle; ``tip`` is what an SVG viewer says of it."""

    x: float
    y: float
    radius: float
    colour: str
    tip: str = ""


@dataclass(frozen=True)
class Words:
    """A line of text."""

    x: float
    y: float
    text: str
    colour: str
    size: int = 12
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


Mark: TypeAlias = Line | Box | Dot | Words


def svg(marks: Sequence[Mark], width: int, height: int, title: str, description: str) -> str:
    """Return an SVG document on white with ``title`` and ``description`` for those who do not see it."""
    body = "\n".join(map(_element, marks))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-labelledby="title description" font-family="{_FAMILY}">\n'
        f'<title id="title">{_escaped(title)}</title>\n<desc id="description">{_escaped(description)}</desc>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _element(mark: Mark) -> str:
    if isinstance(mark, Line):
        dashes = f' stroke-dasharray="{_DASH:g} {_SPACE:g}"' if mark.dashed else ""
        ends = f'x1="{mark.x1:.1f}" y1="{mark.y1:.1f}" x2="{mark.x2:.1f}" y2="{mark.y2:.1f}"'
        return f'<line {ends} stroke="{mark.colour}" stroke-width="{mark.width:g}"{dashes}/>'
    if isinstance(mark, Box):
        size = f'width="{mark.width:.1f}" height="{mark.height:.1f}"'
        return f'<rect x="{mark.x:.1f}" y="{mark.y:.1f}" {size} fill="{mark.colour}"/>'
    if isinstance(mark, Dot):
        tip = f"<title>{_escaped(mark.tip)}</title>" if mark.tip else ""
        return f'<circle cx="{mark.x:.1f}" cy="{mark.y:.1f}" r="{mark.radius:g}" fill="{mark.colour}">{tip}</circle>'
    weight = ' font-weight="700"' if mark.bold else ""
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    place = f'x="{mark.x:.1f}" y="{mark.y:.1f}" font-size="{mark.size}" fill="{mark.colour}"'
    return f"<text {place}{weight}{anchor}>{_escaped(mark.text)}</text>"


def _escaped(text: str) -> str:
    """Return ``text`` without what XML cannot hold, each run of white space as a space."""
    return escape("".join(c for c in " ".join(text.split()) if c.isprintable()))


def png(marks: Sequence[Mark], width: int, height: int) -> bytes:
    """Return a PNG file on white, SCALE points a pixel. Without a font of Vietnamese letters words lose their diacritics."""
    image = Image.new("RGB", (width * SCALE, height * SCALE), "#ffffff")
    canvas = ImageDraw.Draw(image)
    for mark in marks:
        _paint(canvas, mark)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _paint(canvas: ImageDraw.ImageDraw, mark: Mark) -> None:
    if isinstance(mark, Line):
        for x1, y1, x2, y2 in _dashes(mark) if mark.dashed else [(mark.x1, mark.y1, mark.x2, mark.y2)]:
            ends = (x1 * SCALE, y1 * SCALE, x2 * SCALE, y2 * SCALE)
            canvas.line(ends, mark.colour, max(1, round(mark.width * SCALE)))
    elif isinstance(mark, Box):
        corners = (mark.x, mark.y, mark.x + mark.width, mark.y + mark.height)
        canvas.rectangle([round(c * SCALE) for c in corners], mark.colour)
    elif isinstance(mark, Dot):
        corners = (mark.x - mark.radius, mark.y - mark.radius, mark.x + mark.radius, mark.y + mark.radius)
        canvas.ellipse([c * SCALE for c in corners], mark.colour)
    else:
        font, has_all = _font(mark.size, mark.bold)
        text = "".join(c for c in " ".join(mark.text.split()) if c.isprintable())
        text = text if has_all else _plain(text)
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[mark.anchor]
        canvas.text((mark.x * SCALE, mark.y * SCALE), text, mark.colour, font, anchor)


def _dashes(line: Line) -> list[tuple[float, float, float, float]]:
    length = ((line.x2 - line.x1) ** 2 + (line.y2 - line.y1) ** 2) ** 0.5
    pieces, at = [], 0.0
    while at < length:
        near, far = at / length, min(1.0, (at + _DASH) / length)
        dx, dy = line.x2 - line.x1, line.y2 - line.y1
        pieces.append((line.x1 + near * dx, line.y1 + near * dy, line.x1 + far * dx, line.y1 + far * dy))
        at += _DASH + _SPACE
    return pieces


@cache
def _font(size: int, bold: bool) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, bool]:
    """Return a font, and whether it has the letters of Vietnamese."""
    for names in _FONTS:
        try:
            return ImageFont.truetype(names[bold], size * SCALE), True
        except OSError:
            continue
    return ImageFont.load_default(size * SCALE), False


def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D").replace("·", "-"))
    return bare.encode("ascii", "ignore").decode()
