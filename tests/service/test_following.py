"""A model trained while a service runs is in use soon after, without a restart, and one that is damaged never."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from models import sealed
from models.errors import TaggerError
from service import following
from service.app import create_app
from service.ingest import ingest
from service.kept_overviews import FAMILIES, Kept, Maker
from service.workspace import Workspace

ROWS = {"paragraphs": [{"id": "1", "text": "Lắp điện mặt trời trên mái trụ sở."}]}
# Loading a tagger takes a second, on a busy machine a minute.
_LONGEST = 300
SAMPLE = Path(__file__).parents[2] / "corpus/samples/cao-bang-1043-kh-ubnd-2021.html"


def train(folder: Path, identifier: str) -> None:
    """Leave what a training leaves: the shipped model of that name under another id, swapped in."""
    work = folder.with_name("work")
    shutil.copytree(sealed.shipped(folder.name), work)
    manifest = work / sealed.MANIFEST_FILE
    manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | {"id": identifier}), "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)


def take_up(space: Workspace) -> bool:
    space.take_up_models()
    return space.take_up_models()


def test_a_new_tagger_is_in_use_with_other_etags(warm: Workspace) -> None:
    before = warm.tagger
    # Not started: no thread takes models up here.
    client = TestClient(create_app(warm.settings, warm))
    first = client.get("/v1/queue")
    assert client.get("/v1/queue", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    train(warm.settings.own_tagger, "trained meanwhile")
    assert not warm.take_up_models()
    assert warm.tagger is before
    assert warm.take_up_models()
    assert client.post("/v1/tag", json=ROWS).json()["model_id"] == "trained meanwhile"
    again = client.get("/v1/queue", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["etag"] == first.headers["etag"]) == (200, False)
    assert not take_up(warm)
    shutil.rmtree(warm.settings.own_tagger)
    assert take_up(warm)
    assert client.get("/v1/queue").headers["etag"] == first.headers["etag"]
    assert client.post("/v1/tag", json=ROWS).json()["model_id"] == before.id


def test_a_damaged_model_leaves_the_one_in_use_and_takes_up_the_others(warm: Workspace) -> None:
    before, models = warm.tagger, warm.models
    train(warm.settings.own_tagger, "damaged")
    (warm.settings.own_tagger / "tagger.skops").write_bytes(b"cut off")
    train(warm.settings.own_matcher, "another matcher")
    warm.take_up_models()
    with pytest.raises(TaggerError, match="damaged or foreign"):
        warm.take_up_models()
    assert warm.tagger is before
    assert warm.matcher.id == "another matcher"
    assert warm.models != models
    train(warm.settings.own_tagger, "whole")
    assert take_up(warm)
    assert warm.tagger.id == "whole"


def test_what_nobody_has_used_is_loaded_when_it_is(space: Workspace) -> None:
    train(space.settings.own_tagger, "first")
    assert take_up(space)
    assert "tagger" not in space.__dict__


def test_families_are_made_again_by_another_matcher(warm: Workspace) -> None:
    assert all(report.is_usable for report in ingest([SAMPLE], warm))
    kept = Kept()
    maker = Maker(warm, kept)
    assert (maker.refresh(), maker.refresh()) == (True, False)
    first, contents = kept.made(FAMILIES), kept.contents()
    train(warm.settings.own_matcher, "another matcher")
    assert take_up(warm)
    assert (maker.refresh(), maker.refresh()) == (True, False)
    assert kept.made(FAMILIES) is not first
    assert {name for name, made_from in kept.contents().items() if made_from != contents[name]} == {FAMILIES}
    assert kept.families().content == warm.store.content


def test_a_thread_follows_and_threads_that_tag_are_not_disturbed(
    warm: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_PAUSE", 0.05)
    seen: set[str] = set()
    stop = threading.Event()

    def tag() -> None:
        while not stop.is_set():
            tagger = warm.tagger
            assert {t.model_id for t in tagger.tag(["thu gom rác"])[0]} == {tagger.id}
            seen.add(tagger.id)
            time.sleep(0.02)

    threads = [threading.Thread(target=tag) for _ in range(2)]
    with following.following(warm):
        for thread in threads:
            thread.start()
        train(warm.settings.own_tagger, "by the thread")
        deadline = time.monotonic() + _LONGEST
        while "by the thread" not in seen and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
    for thread in threads:
        thread.join()
    assert "by the thread" in seen


def test_a_first_use_does_not_undo_a_change(
    with_settings: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    space = with_settings()
    del space.__dict__["tagger"]
    loading, go_on = threading.Event(), threading.Event()
    from models import tagger

    load = tagger.load_tagger

    def slowly(*given: object) -> object:
        found = load(*given)
        loading.set()
        go_on.wait(_LONGEST)
        return found

    monkeypatch.setattr(tagger, "load_tagger", slowly)
    first = threading.Thread(target=lambda: space.tagger)
    first.start()
    assert loading.wait(_LONGEST)
    train(space.settings.own_tagger, "later")
    space.take_up_models()
    second = threading.Thread(target=space.take_up_models)
    second.start()
    go_on.set()
    first.join()
    second.join()
    assert space.tagger.id == "later"
