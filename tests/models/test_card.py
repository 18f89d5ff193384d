"""Cards say what the run measured, and the shipped card is that of the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from models.card import tagger_card
from models.evaluate import Judged, report

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "trained" / "tagger"
MANIFEST = {
    "id": "task-groups-0123456789",
    "groups": ["a", "b"],
    "scikit-learn": "9.9",
    "embedder": "some-embedder",
    "adapter": "adapter-0123456789",
    "thresholds": {"a": 0.5, "b": 0.25},
    "data": {"paragraphs": 4, "documents": 2, "sha256": "f" * 64, "composed": 3},
}


def card(genres: tuple[str, ...] = ()) -> str:
    labels = np.array([[True, False], [True, False], [False, False], [False, False]])
    probabilities = np.array([[0.9, 0.1], [0.2, 0.1], [0.7, 0.0], [0.1, 0.2]])
    held_out = report(Judged(["a", "b"], labels, probabilities, np.array([0.5, 0.25]), ["1", "1", "2", "2"], genres))
    return tagger_card(MANIFEST, held_out, 5)


def test_a_card_has_the_run_and_its_figures() -> None:
    text = card()
    for part in (
        "task-groups-0123456789",
        "4 paragraphs of 2 documents",
        "9.9",
        "some-embedder",
        "5-fold",
        "3 composed",
        "adapter-0",
    ):
        assert part in text
    assert "| a | 0.500 | 0.500 | 0.500 |" in text
    assert "Of 2 paragraphs without a task group 1 were given one;\n1 with one were given none." in text


def test_what_is_not_defined_is_a_dash() -> None:
    assert "| b | – | – | – | – | – |" in card()


def test_genres_have_a_table_where_rows_have_genres() -> None:
    assert "by genre" not in card()
    assert "| law | 2 | 0.667 | 0.667 | – | 0 of 0 |" in card(("law", "law", "news", "news"))


def test_the_shipped_card_is_of_the_shipped_model() -> None:
    manifest = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    data = manifest["data"]
    assert text.startswith(f"# Tagger {manifest['id']}\n")
    assert f"{data['paragraphs']} paragraphs of {data['documents']} documents" in text
    assert data["sha256"][:16] in text
    for key, threshold in manifest["thresholds"].items():
        assert any(
            line.startswith(f"| {key} |") and line.endswith(f"| {threshold:.3f} |") for line in text.splitlines()
        )
