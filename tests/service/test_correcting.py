"""What people say of tags: it stays, it is asked for where models doubt, and models learn from it only when not worse."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from corpus.labelled import LabelledParagraph
from corpus.store import Filter, Store
from models.embedder import Vectors
from service import correcting, keys, training
from service.app import create_app
from service.correcting import all_corrections, correct, queue, retag
from service.errors import NothingUsableError, UsageError
from service.ingest import ingest
from service.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "corpus/samples/cao-bang-1043-kh-ubnd-2021.html"


@pytest.fixture
def filled(space: Workspace) -> Workspace:
    assert all(report.is_usable for report in ingest([SAMPLE], space))
    return space


def groups_of(space: Workspace, paragraph_id: str) -> tuple[str, ...]:
    found = space.store.paragraph(paragraph_id)
    assert found
    return found.groups


@pytest.mark.usefixtures("either_database")
def test_a_correction_is_recorded_and_stays(filled: Workspace, tmp_path: Path) -> None:
    paragraph = next(p for p in filled.store.paragraphs() if p.groups)
    made = correct(filled, paragraph.id, [], "An", "chỉ nhắc tên")
    assert (made.before, made.after, made.by, made.text) == (paragraph.groups, (), "An", paragraph.text)
    assert all_corrections(filled) == [made]
    assert {tag.source for tag in filled.store.tags_of(paragraph.key)} == {"person"}
    assert retag(filled).paragraphs == 0
    assert all(report.outcome == "updated" for report in ingest([SAMPLE], filled, again=True))
    longer = tmp_path / SAMPLE.name
    longer.write_text(
        SAMPLE.read_text(encoding="utf-8").replace("</body>", "<p>Điều khoản thêm.</p></body>"), encoding="utf-8"
    )
    assert all(report.outcome == "updated" for report in ingest([longer], filled))
    assert groups_of(filled, paragraph.id) == ()
    second = correct(filled, paragraph.id, ["awareness"], "Bình")
    assert second.before == ()
    assert all_corrections(filled, limit=1) == [made]
    assert all_corrections(filled, after=made.number, limit=5) == [second]


def test_wrong_corrections_change_nothing(filled: Workspace) -> None:
    paragraph = filled.store.paragraphs()[0]
    content = filled.store.content
    with pytest.raises(UsageError, match="unknown task group nonsense; known are awareness"):
        correct(filled, paragraph.id, ["nonsense"], "An")
    with pytest.raises(UsageError, match="named"):
        correct(filled, paragraph.id, [], " ")
    with pytest.raises(NothingUsableError, match="no paragraph 'none'"):
        correct(filled, "none", [], "An")
    assert all_corrections(filled) == []
    assert filled.store.content == content


def test_the_queue_asks_for_unsure_ones_and_not_twice(filled: Workspace) -> None:
    asked = queue(filled, 5)
    assert asked
    for item in asked:
        tags = {tag.task_group: tag.probability for tag in filled.store.tags_of(item.paragraph.key)}
        assert all(filled.tagger.doubt(group, tags[group]) > 0 for group in item.unsure)
    assert [item.score for item in asked] == sorted((item.score for item in asked), reverse=True)
    correct(filled, asked[0].paragraph.id, [], "An")
    assert asked[0].paragraph.id not in [item.paragraph.id for item in queue(filled, 50)]


def test_names_are_those_of_keys_and_not_for_the_public(with_settings: Callable[..., Workspace]) -> None:
    space = with_settings(api_key="k", local_writes=True)
    assert all(report.is_usable for report in ingest([SAMPLE], space))
    _, secret = keys.create(space.store, "Phòng kế hoạch", "editor")
    paragraph = space.store.paragraphs()[3]
    one = f"/v1/paragraphs/{quote(paragraph.id)}"
    app = create_app(space.settings, space)
    here = TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5000))
    with TestClient(app) as client:
        for by, headers in (("Giám đốc", {"X-API-Key": secret}), ("Phòng kế hoạch", {"X-API-Key": secret})):
            judgement = {"paragraph_id": paragraph.id, "task_groups": [], "by": by, "note": "riêng"}
            assert client.post("/v1/corrections", json=judgement, headers=headers).status_code == 201
        assert here.post("/v1/corrections", json=judgement | {"by": "An"}).status_code == 201
        names = ["Giám đốc (Phòng kế hoạch)", "Phòng kế hoạch", "An"]
        public = client.get("/v1/corrections")
        assert {(item["by"], item["note"]) for item in public.json()["corrections"]} == {("", "")}
        assert {tag["model_id"] for tag in client.get(one).json()["tags"]} == {""}
        for known, headers in ((client, {"X-API-Key": secret}), (here, {})):
            # The answer to others is not taken for this one.
            headers |= {"If-None-Match": public.headers["etag"]}
            found = known.get("/v1/corrections", headers=headers).json()["corrections"]
            assert [(item["by"], item["note"]) for item in found] == [(name, "riêng") for name in names]
            assert {tag["model_id"] for tag in known.get(one, headers=headers).json()["tags"]} == {"An"}


@pytest.mark.usefixtures("either_database")
def test_the_queue_weighs_only_the_most_unsure(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, store = queue(filled, 500), filled.store
    doubt = {
        p.key: max(filled.tagger.doubt(tag.task_group, tag.probability) for tag in store.tags_of(p.key))
        for p in store.paragraphs()
        if not p.is_heading and p.kind != "boilerplate"
    }
    assert {item.paragraph.key for item in asked} == {key for key, unsure in doubt.items() if unsure > 0}
    correct(filled, asked[-1].paragraph.id, [], "An")
    left = sorted((item.paragraph.key for item in asked[:-1]), key=lambda key: -doubt[key])
    read: list[int] = []
    original = type(store).vectors_of

    def counted(self: Store, keys: Sequence[int], embedder_id: str) -> dict[int, Vectors]:
        read.extend(keys)
        return original(self, keys, embedder_id)

    monkeypatch.setattr(Store, "vectors_of", counted)
    monkeypatch.setattr(Store, "vectors", None)
    monkeypatch.setattr(Store, "paragraphs", None)
    monkeypatch.setattr(correcting, "_WEIGHED", 3)
    assert len(left) > 3
    assert {item.paragraph.key for item in queue(filled, 3)} == set(left[:3])
    assert sorted(read) == sorted([*left[:3], asked[-1].paragraph.key])
    elsewhere = Filter(province="Cà Mau")
    assert queue(filled, 3, elsewhere) == []


@pytest.mark.usefixtures("either_database")
def test_tagging_anew_reports_what_moved(filled: Workspace) -> None:
    first = filled.tagger
    assert retag(filled).paragraphs == 0
    strict = dict.fromkeys(first.thresholds, 1.1)
    other = type(first)("other", first.groups, strict, dict.fromkeys(strict, (0.9, 1.0)), first._clause_models,
                        first._paragraph_models, first._embedder)  # fmt: skip
    had = sum("awareness" in p.groups for p in filled.store.paragraphs())
    filled.__dict__["tagger"] = other
    moved = retag(filled)
    assert (moved.model_id, moved.gained, moved.lost["awareness"]) == ("other", {}, had)
    assert moved.paragraphs == len(filled.store.paragraphs())
    assert not any(p.groups for p in filled.store.paragraphs())
    assert retag(filled).paragraphs == 0


@pytest.mark.parametrize("is_better", [True, False])
def test_a_candidate_is_used_only_when_not_worse(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, is_better: bool
) -> None:
    with pytest.raises(NothingUsableError, match="no corrections yet"):
        training.train_with_corrections(filled)
    paragraph = filled.store.paragraphs()[5]
    correct(filled, paragraph.id, ["renewable_energy"], "An")
    learnt: list[LabelledParagraph] = []
    shipped = filled.tagger_folder

    def copy_of_shipped(
        space: Workspace, rows: Sequence[LabelledParagraph], folder: Path, extra: Sequence[LabelledParagraph]
    ) -> Path:
        learnt.extend(rows)
        shutil.copytree(shipped, folder)
        return folder

    monkeypatch.setattr(training, "_train", copy_of_shipped)
    monkeypatch.setattr(
        training, "_macro_f1", lambda tagger, rows: 0.9 if is_better or tagger is filled.tagger else 0.8
    )
    folder, figures, promoted = training.train_with_corrections(filled)
    assert promoted is is_better
    assert figures["current"] == 0.9
    assert [row.labels for row in learnt if row.text == paragraph.text] == [frozenset({"renewable_energy"})]
    assert not {row.document for row in learnt} & {row.document for row in training.labelled.frozen()}
    fresh = Workspace(filled.settings)
    assert (fresh.tagger_folder == shipped) is not is_better
    if is_better:
        assert folder == fresh.tagger_folder
        assert "comes with kehoach" in training.rollback(filled)
        assert fresh.tagger_folder == shipped
        assert training.rollback(filled) == str(folder) == str(fresh.tagger_folder)
    else:
        with pytest.raises(NothingUsableError, match="no trained tagger"):
            training.rollback(filled)


def test_training_keeps_the_tagger_before_for_a_rollback(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    current = space.settings.own_tagger

    def train(name: str, output: Path | None = None) -> Path:
        def write(_space: Workspace, _rows: object, folder: Path, _extra: object) -> Path:
            def save(work: Path) -> str:
                (work / "manifest.json").write_text(name)
                return "card"

            return training.swap_in(folder, save)

        monkeypatch.setattr(training, "_train", write)
        return training.train_tagger(space, [], output, use_own=False)

    def in_use() -> str:
        return (space.tagger_folder / "manifest.json").read_text()

    assert [train("first"), train("second")] == [current, current]
    elsewhere = train("elsewhere", current.with_name("other"))
    assert (elsewhere.name, in_use()) == ("other", "second")
    assert (training.rollback(space), in_use()) == (str(current), "first")
    assert (training.rollback(space), in_use()) == (str(current), "second")
    assert train("third", current) == current
    training.rollback(space)
    assert in_use() == "second"


def test_frozen_rows_are_whole_documents() -> None:
    frozen, learnt = training.labelled.frozen(), training.labelled.for_training()
    assert len(frozen) > 200
    assert not {row.document for row in frozen} & {row.document for row in learnt}
    assert replace(frozen[0], id="x") not in learnt
