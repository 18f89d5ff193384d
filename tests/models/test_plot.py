"""Reliability diagrams: whole as SVG and as PNG, everything inside, hostile names harmless."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from models import draw
from models.draw import Box, Dot, Line, Words
from models.evaluate import reliability
from models.plot import WIDTH, Panel, reliability_png, reliability_svg

SVG = "{http://www.w3.org/2000/svg}"


def panel(name: str = "Nâng cao nhận thức", count: int = 400) -> Panel:
    random = np.random.default_rng(1)
    probabilities = random.random(count)
    return Panel(name, "Awareness", reliability(random.random(count) < probabilities, probabilities), 0.4)


def test_a_dot_stands_at_each_bin_with_its_figures() -> None:
    made = panel()
    root = ElementTree.fromstring(reliability_svg([made]))
    tips = [dot.findtext(f"{SVG}title") for dot in root.iter(f"{SVG}circle") if dot.find(f"{SVG}title") is not None]
    assert len(tips) == 10
    assert tips[0] == f"{made.bins.mean[0]:.3f} → {made.bins.share[0]:.3f}, n = {made.bins.paragraphs[0]:.0f}"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "Nâng cao nhận thức" in texts
    assert any(f"ECE {made.bins.error:.3f}" in text for text in texts)


def test_a_higher_share_stands_higher() -> None:
    labels = np.array([False] * 10 + [True] * 10)
    probabilities = np.array([0.05] * 10 + [0.95] * 10)
    root = ElementTree.fromstring(reliability_svg([Panel("a", "a", reliability(labels, probabilities), 0.5)]))
    low, high = [dot for dot in root.iter(f"{SVG}circle") if dot.find(f"{SVG}title") is not None]
    assert float(high.get("cy")) < float(low.get("cy"))
    assert float(high.get("cx")) > float(low.get("cx"))


def test_all_marks_lie_inside() -> None:
    root = ElementTree.fromstring(reliability_svg([panel(), panel("Rất dài " * 30)]))
    height = float(root.get("height"))
    for mark in root.iter():
        for name, bound in (("x", WIDTH), ("x1", WIDTH), ("x2", WIDTH), ("cx", WIDTH), ("y", height), ("cy", height)):
            assert 0 <= float(mark.get(name, 0)) <= bound


@pytest.mark.parametrize("name", ["<script>&\"'", "a\x00\x1b\ud800b", "", " ", "\n".join("ab")])
def test_hostile_names_leave_whole_files(name: str) -> None:
    root = ElementTree.fromstring(reliability_svg([panel(name)]).encode())
    assert root.find(f".//{SVG}script") is None
    assert Image.open(io.BytesIO(reliability_png([panel(name)]))).format == "PNG"


def test_no_paragraphs_are_drawn_as_an_empty_panel() -> None:
    assert "ECE - · 0 / 0" in reliability_svg([panel(count=0)])


@pytest.mark.parametrize("fonts", [draw._FONTS, ()])
def test_png_shows_what_svg_shows(monkeypatch: pytest.MonkeyPatch, fonts: tuple[tuple[str, str], ...]) -> None:
    monkeypatch.setattr(draw, "_FONTS", fonts)
    draw._font.cache_clear()
    image = Image.open(io.BytesIO(reliability_png([panel(), panel()]))).convert("RGB")
    draw._font.cache_clear()
    height = float(ElementTree.fromstring(reliability_svg([panel(), panel()])).get("height"))
    assert image.size == (WIDTH * draw.SCALE, height * draw.SCALE)
    colours = {colour for _, colour in image.getcolors(1 << 20)}
    assert {(255, 255, 255), (11, 93, 75), (213, 232, 226), (160, 74, 0)} <= colours


def test_png_marks_stand_where_they_should() -> None:
    marks = [
        Box(10, 10, 10, 10, "#ff0000"),
        Dot(40, 40, 5, "#00ff00"),
        Line(60, 0, 60, 50, "#0000ff", 2),
        Line(80, 0, 80, 50, "#00ffff", 2, dashed=True),
        Words(5, 90, "đ", "#000000", 20),
    ]
    image = Image.open(io.BytesIO(draw.png(marks, 100, 100))).convert("RGB")
    at = {
        point: image.getpixel((point[0] * draw.SCALE, point[1] * draw.SCALE))
        for point in [(15, 15), (40, 40), (60, 25)]
    }
    assert list(at.values()) == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    dashed = [image.getpixel((80 * draw.SCALE, y)) for y in range(100)]
    assert {(0, 255, 255), (255, 255, 255)} <= set(dashed)
    assert image.crop((0, 120, 60, 200)).getextrema()[0][0] < 100
