"""Explanations point to what people of the store said too, and come with tags over HTTP where they are asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from corpus import labelled
from corpus.labelled import LabelledParagraph
from models import sealed
from models.explain import embed_examples, rows_of, write_rows
from service import explaining
from service.app import create_app
from service.correcting import correct
from service.explaining import reasons
from service.ingest import ingest
from service.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "corpus/samples/cao-bang-1043-kh-ubnd-2021.html"
TEXT = "Lắp điện mặt trời trên mái trụ sở."


@pytest.fixture(autouse=True)
def few_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embedding all labelled paragraphs, where the file of their vectors is of others, takes longer than a test may."""
    rows = [row for row in labelled.paragraphs() if "renewable_energy" in row.labels][:20]
    monkeypatch.setattr(explaining, "own_examples", lambda embedder: embed_examples(embedder, rows))


def nearest(space: Workspace, text: str) -> str:
    return next(e for e in reasons(space, text, ["renewable_energy"])).neighbours[0].id


def test_corrections_and_own_rows_are_among_the_nearest(warm: Workspace) -> None:
    assert all(report.is_usable for report in ingest([SAMPLE], warm))
    paragraph = next(p for p in warm.store.paragraphs() if not p.groups and len(p.text) > 60 and not p.is_heading)
    assert nearest(warm, paragraph.text) != paragraph.id
    correct(warm, paragraph.id, ["renewable_energy"], "An")
    assert nearest(warm, paragraph.text) == paragraph.id
    rows = [LabelledParagraph("own", "d", "", TEXT, frozenset({"renewable_energy"}))]
    shutil.copytree(sealed.shipped("tagger"), warm.settings.own_tagger)
    assert rows_of(warm.settings.own_tagger, warm.tagger.embedder).rows == ()
    write_rows(warm.settings.own_tagger, warm.tagger.embedder, rows)
    read = rows_of(warm.settings.own_tagger, warm.tagger.embedder)
    assert read.rows == tuple(rows)
    assert np.allclose(np.linalg.norm(read.vectors, axis=1), 1, atol=0.01)
    assert nearest(warm, TEXT) == "own"


def test_tags_are_explained_over_http_where_it_is_asked_for(warm: Workspace) -> None:
    client = TestClient(create_app(warm.settings, warm))
    row = {"id": "1", "text": TEXT}
    plain = client.post("/v1/tag", json={"paragraphs": [row]}).json()["paragraphs"][0]
    assert set(plain) == {"id", "tags"}
    explained = client.post("/v1/tag", json={"paragraphs": [row, {"id": "2", "text": "Họp."}], "explain": True})
    first, second = explained.json()["paragraphs"]
    assert first["tags"] == plain["tags"]
    assert [e["task_group"] for e in first["explanations"]] == [t["task_group"] for t in plain["tags"] if t["assigned"]]
    why = next(e for e in first["explanations"] if e["task_group"] == "renewable_energy")
    start, end = why["clause"]["span"]
    assert TEXT[start:end] == why["clause"]["text"]
    assert why["examples"]
    assert second["explanations"] == []
    many = client.post("/v1/tag", json={"paragraphs": [row] * 17, "explain": True})
    assert (many.status_code, "accepted are 16 at most" in many.json()["detail"]) == (400, True)
