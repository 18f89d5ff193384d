"""The JSON endpoints: their forms, filters, writing, limits, and one error shape for everything."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.schemas import MAX_ROWS, Problem
from service.workspace import Workspace

pytestmark = pytest.mark.usefixtures("overviews")
KEY = "a key for tests"

ROW = {"id": "1", "text": "Lắp điện mặt trời trên mái trụ sở, tổng công suất 12 MW trước năm 2027."}
PLAN = "ỦY BAN NHÂN DÂN\nTỈNH QUẢNG NINH\nSố: 5/KH-UBND\nKẾ HOẠCH\nTHU GOM RÁC\nI. NHIỆM VỤ\n- Thu gom rác thải nhựa trên vịnh.\n"


def test_search_finds_without_diacritics(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "nang luong mat troi", "k": 3}).json()
    assert found["restored"] == "năng lượng mặt trời"
    assert len(found["hits"]) == 3
    hit = found["hits"][0]
    assert "renewable_energy" in hit["task_groups"]
    assert all(0 <= start < end <= len(hit["snippet"]) for start, end in hit["marks"])
    assert set(hit["reason"]["ranks"]) <= {"lexical", "dense"}


def test_search_filters(client: TestClient) -> None:
    only = {"q": "siêu thị", "province": "thai nguyen", "task_group": "green_distribution", "year": 2021}
    hits = client.get("/v1/search", params=only).json()["hits"]
    assert hits
    assert {(hit["province"], hit["province_today"]) for hit in hits} == {("Bắc Kạn", "Thái Nguyên")}
    assert all("green_distribution" in hit["task_groups"] for hit in hits)
    assert client.get("/v1/search", params=only | {"province_as": "today"}).json()["hits"] == hits
    assert client.get("/v1/search", params=only | {"province_as": "published"}).json()["hits"] == []
    highlands = {"q": "siêu thị", "region": "trung du va mien nui PHIA BAC"}
    found = client.get("/v1/search", params=highlands).json()["hits"]
    assert {"Bắc Kạn", "Cao Bằng"} >= {hit["province"] for hit in found} >= {"Bắc Kạn"}


def test_search_gives_each_document_once(client: TestClient) -> None:
    asked = {"q": "phân loại rác tại nguồn"}
    all_hits = client.get("/v1/search", params=asked | {"k": 100}).json()["hits"]
    best: dict[str, str] = {}
    for hit in all_hits:
        best.setdefault(hit["document_id"], hit["paragraph_id"])
    assert 1 < len(best) < len(all_hits)
    found, cursor = [], ""
    while cursor is not None:
        page = client.get("/v1/search", params=asked | {"k": 1, "by_document": True, "cursor": cursor}).json()
        assert sum(page["facets"]["kind"].values()) == len(best)
        found += [hit["paragraph_id"] for hit in page["hits"]]
        cursor = page["next_cursor"]
    assert found == list(best.values())


def test_tag_targets_and_similar(client: TestClient) -> None:
    tagged = client.post("/v1/tag", json={"paragraphs": [ROW]}).json()
    assert [t["task_group"] for t in tagged["paragraphs"][0]["tags"] if t["assigned"]] == ["renewable_energy"]
    assert tagged["model_id"].startswith("task-groups-")
    tagger = client.app.state.workspace.tagger
    stored = client.get(
        f"/v1/paragraphs/{quote(client.get('/v1/queue').json()['paragraphs'][0]['paragraph_id'])}"
    ).json()
    for tag in (*tagged["paragraphs"][0]["tags"], *stored["tags"]):
        low, high = tagger.bands[tag["task_group"]]
        assert tag["unsure"] is (low < tag["probability"] < high)
    assert any(tag["unsure"] for tag in stored["tags"])
    targets = client.post("/v1/targets", json={"paragraphs": [ROW]}).json()["paragraphs"][0]["targets"]
    assert [(t["values"], t["unit"], t["deadline"]) for t in targets] == [([12.0], "MW", "2027")]
    pairs = client.post("/v1/similar", json={"pairs": [{"id": "1", "a": ROW["text"], "b": ROW["text"]}]}).json()[
        "pairs"
    ]
    assert pairs[0]["same_clause"] is True
    # Never above the similarity, which is made of it and of the probability of the same theme.
    assert 0.5 < pairs[0]["probability"] <= pairs[0]["similarity"]


def test_documents_and_paragraphs_are_linked_by_id(client: TestClient) -> None:
    documents = client.get("/v1/documents").json()["documents"]
    assert len(documents) == 3
    assert [d["number"] for d in client.get("/v1/documents", params={"province": "Cao Bằng"}).json()["documents"]] == [
        "1043/KH-UBND"
    ]
    whole = client.get("/v1/documents/cao-bang/1043-kh-ubnd-2021").json()
    assert len(whole["paragraphs"]) > 25
    one = whole["paragraphs"][5]["paragraph_id"]
    found = client.get(f"/v1/paragraphs/{quote(one)}").json()
    assert found["paragraph_id"] == one
    assert len(found["tags"]) == 4
    assert {t["source"] for t in found["tags"]} == {"model"}


def test_compare_and_coverage(client: TestClient) -> None:
    compared = client.get("/v1/compare", params={"a": "Cao Bằng", "b": "ca mau"}).json()
    assert compared["aligned"]
    assert all(
        pair["a"]["province"] == "Cao Bằng" and pair["b"]["province"] == "Cà Mau" for pair in compared["aligned"]
    )
    coverage = client.get("/v1/coverage").json()["provinces"]
    assert {row["province"] for row in coverage} == {"Cao Bằng", "Cà Mau", "Thái Nguyên"}
    assert all(sum(row["task_groups"].values()) > 0 for row in coverage)


def test_writing_needs_the_key_and_is_found_at_once(client: TestClient) -> None:
    body = PLAN.encode()
    assert client.post("/v1/documents", params={"name": "plan.txt"}, content=body).status_code == 401
    added = client.post("/v1/documents", params={"name": "plan.txt"}, content=body, headers={"X-API-Key": KEY})
    assert (added.status_code, added.json()["outcome"]) == (201, "added")
    hits = client.get("/v1/search", params={"q": "rác thải nhựa trên vịnh", "province": "Quảng Ninh"}).json()["hits"]
    assert hits[0]["document_id"] == added.json()["document_id"]
    again = client.post("/v1/documents", params={"name": "plan.txt"}, content=body, headers={"X-API-Key": KEY})
    assert again.json()["outcome"] == "unchanged"


def test_the_body_is_the_file_whatever_its_content_type(client: TestClient) -> None:
    for number, content_type in enumerate(("application/json", "application/x-www-form-urlencoded", "text/plain")):
        body = PLAN.replace("5/KH", f"{60 + number}/KH").encode()
        headers = {"X-API-Key": KEY, "Content-Type": content_type}
        added = client.post("/v1/documents", params={"name": "thư mục/plan.txt"}, content=body, headers=headers)
        assert (added.status_code, added.json()["file"], added.json()["outcome"]) == (201, "plan.txt", "added")


def test_writing_is_off_without_a_key(space: Workspace) -> None:
    with TestClient(create_app(space.settings, space)) as closed:
        refused = closed.post("/v1/documents?name=a.txt", content=b"x", headers={"X-API-Key": ""})
    assert refused.status_code == 403
    assert "KEHOACH_API_KEY" in refused.json()["detail"]


def test_a_wrong_key_is_told_how_to_authenticate(client: TestClient) -> None:
    assert "www-authenticate" in client.post("/v1/documents?name=a.txt", content=b"x").headers


def test_a_model_that_does_not_load_keeps_the_service_unready(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(space.__dict__, "tagger", None)
    with TestClient(create_app(space.settings, space)) as broken:
        deadline = time.monotonic() + 30
        while "log" not in (answer := broken.get("/health/ready")).text and time.monotonic() < deadline:
            time.sleep(0.1)
    assert answer.status_code == 503
    assert "NoneType" not in answer.text
    assert "NoneType" in caplog.text


def test_readiness_comes_when_models_are_warm(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    deadline = time.monotonic() + 30
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_request_ids_are_kept_when_sane(client: TestClient) -> None:
    assert client.get("/health/live", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    assert client.get("/health/live", headers={"X-Request-ID": "a b<"}).headers["X-Request-ID"] != "a b<"


def chunks() -> Iterator[bytes]:
    for _ in range(30):
        yield b"x" * 10_000


KEYED = {"X-API-Key": KEY}
PROBLEMS = [
    (404, "GET", "/nowhere", {}),
    (404, "GET", "/v1/documents/none", {}),
    (404, "GET", "/v1/paragraphs/none", {}),
    (404, "GET", "/documents/none", {}),
    (405, "DELETE", "/v1/search", {}),
    (422, "GET", "/v1/search", {}),
    (422, "GET", "/v1/search?q=", {}),
    (422, "GET", f"/v1/search?q={'x' * 2001}", {}),
    (422, "GET", "/v1/search?q=x&k=101", {}),
    (422, "GET", "/v1/search?q=x&year=soon", {}),
    (400, "GET", "/v1/search?q=x&task_group=none", {}),
    (400, "GET", "/v1/search?q=x&province=Atlantis", {}),
    (400, "GET", "/v1/search?q=x&region=Atlantis", {}),
    (422, "GET", "/v1/search?q=x&province=Hue&province_as=then", {}),
    (400, "GET", "/v1/documents?province=Atlantis", {}),
    (400, "GET", "/v1/compare?a=Atlantis&b=Hue", {}),
    (400, "GET", "/v1/compare?a=Cao Bằng&b=cao bang", {}),
    (422, "GET", "/v1/compare?a=Cao Bằng", {}),
    (422, "POST", "/v1/tag", {"content": b"{"}),
    (422, "POST", "/v1/tag", {"json": {"paragraphs": []}}),
    (422, "POST", "/v1/tag", {"json": {"paragraphs": [{"id": "1"}]}}),
    (422, "POST", "/v1/tag", {"json": {"paragraphs": [{"id": str(n), "text": "x"} for n in range(MAX_ROWS + 1)]}}),
    (422, "POST", "/v1/targets", {"json": {}}),
    (422, "POST", "/v1/similar", {"json": {"pairs": [{"id": "1", "a": "x"}]}}),
    (413, "POST", "/v1/tag", {"content": b"x" * 100_001}),
    (413, "POST", "/v1/documents?name=a.txt", {"content": chunks(), "headers": KEYED}),
    (401, "POST", "/v1/documents?name=a.txt", {"content": b"x", "headers": {"X-API-Key": "wrong"}}),
    (422, "POST", "/v1/documents?name=a.txt", {"content": b"%PDF-1.7", "headers": KEYED}),
    (422, "POST", "/v1/documents", {"content": b"x", "headers": KEYED}),
    (422, "POST", "/v1/documents?name=a.exe", {"content": b"x", "headers": KEYED}),
    (422, "POST", "/v1/documents?name=a.jsonl", {"content": b'{"id": "1", "text": "x"}', "headers": KEYED}),
    (422, "POST", "/v1/documents?name=a.txt", {"content": b"", "headers": KEYED}),
    (400, "POST", "/v1/tag", {"content": b'{"a": "\xff"}', "headers": {"content-type": "application/json"}}),
    (401, "GET", "/v1/search?q=x", {"headers": {"X-API-Key": "wrong"}}),
    (422, "GET", "/v1/suggest", {}),
    (422, "GET", "/v1/suggest?q=x&k=21", {}),
    (401, "GET", "/v1/suggest?q=x", {"headers": {"X-API-Key": "wrong"}}),
    (401, "GET", "/v1/coverage", {"headers": {"X-API-Key": "wrong"}}),
    (422, "GET", "/v1/families?least=1", {}),
    (401, "GET", "/v1/families", {"headers": {"X-API-Key": "wrong"}}),
    (400, "GET", "/v1/gaps/Atlantis", {}),
    (422, "GET", "/v1/indicators?indicator=" + "x" * 300, {}),
    (400, "GET", "/v1/indicators/none.svg", {}),
    (401, "GET", "/v1/coverage.svg", {"headers": {"X-API-Key": "wrong"}}),
    (400, "GET", "/v1/corrections?cursor=1", {}),
    (400, "GET", "/v1/search?q=x&cursor=zzz", {}),
    (400, "GET", "/v1/documents?cursor=MQ", {}),
    (422, "GET", "/v1/documents?limit=0", {}),
    (401, "POST", "/v1/jobs", {"content": b"x"}),
    (422, "POST", "/v1/jobs", {"content": b"x", "headers": KEYED}),
    (422, "POST", "/v1/jobs", {"json": {"urls": []}, "headers": KEYED}),
    (400, "POST", "/v1/jobs", {"json": {"urls": ["https://example.org/a.pdf"]}, "headers": KEYED}),
    (400, "POST", "/v1/jobs", {"files": {"files": ("a.exe", b"x")}, "headers": KEYED}),
    (400, "POST", "/v1/jobs", {"files": {"files": ("a.txt", b"x" * 100_001)}, "headers": KEYED}),
    (413, "POST", "/v1/jobs", {"files": {"files": ("a.txt", b"x" * 200_001)}, "headers": KEYED}),
    (404, "GET", "/v1/jobs/none", {"headers": KEYED}),
    (404, "POST", "/v1/jobs/none/cancel", {"headers": KEYED}),
    (404, "POST", "/v1/jobs/none/retry", {"headers": KEYED}),
    (400, "GET", "/v1/jobs?cursor=%22", {"headers": KEYED}),
    (401, "GET", "/v1/jobs", {}),
    (404, "GET", "/v1/feed.atom?search=none", {}),
    (400, "GET", "/v1/feed.atom?task_group=none", {}),
    (400, "POST", "/v1/searches", {"json": {"name": "x"}, "headers": KEYED}),
    (400, "POST", "/v1/searches", {"json": {"name": "x", "query": "y", "webhook": "https://a.vn"}, "headers": KEYED}),
    (422, "POST", "/v1/searches", {"json": {}, "headers": KEYED}),
    (401, "GET", "/v1/searches", {}),
    (404, "GET", "/v1/searches/none", {"headers": KEYED}),
    (404, "DELETE", "/v1/searches/none", {"headers": KEYED}),
    (401, "GET", "/v1/audit", {}),
    (401, "POST", "/v1/corrections", {"json": {}}),
    (
        404,
        "POST",
        "/v1/corrections",
        {"json": {"paragraph_id": "none", "task_groups": [], "by": "x"}, "headers": KEYED},
    ),
    (422, "GET", "/v1/queue?k=0", {}),
    (401, "GET", "/metrics", {"headers": {"X-API-Key": "wrong"}}),
    (404, "GET", "/health/none", {}),
    (403, "POST", "/sign-in", {"data": {"key": "x"}}),
    (403, "POST", "/sign-out", {"data": {"token": "x"}}),
    (404, "GET", "/compare/", {}),
    (404, "GET", "/static/none.css", {}),
    (405, "POST", "/", {}),
    (422, "GET", "/?lang=fr", {}),
]


@pytest.mark.parametrize(
    ("status", "method", "path", "more"), PROBLEMS, ids=[f"{s}-{m}-{p[:40]}" for s, m, p, _ in PROBLEMS]
)
def test_every_error_has_one_shape(client: TestClient, status: int, method: str, path: str, more: dict) -> None:
    response = client.request(method, path, **more)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"]
    problem = Problem.model_validate(response.json()).model_dump()
    assert problem["title"]
    assert problem["instance"].isascii()
    assert bool(problem["errors"]) == (status == 422 and not path.startswith(("/v1/documents?name", "/v1/jobs")))
    assert problem["status"] == status
    assert problem["detail"]


def test_no_endpoint_is_left_out_of_the_errors(client: TestClient) -> None:
    """Whoever adds an endpoint adds what can go wrong with it to the list above."""
    tried = {(method, urlsplit(path).path) for _, method, path, _ in PROBLEMS}
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        form = re.compile(re.sub(r"\\\{\w+(:path)?\\\}", ".+", re.escape(path)) + "$")
        for method, operation in operations.items():
            can_fail = [
                status for status in operation["responses"] if status in ("400", "401", "403", "404", "413", "422")
            ]
            was_tried = any(
                tried_method == method.upper() and form.match(tried_path) for tried_method, tried_path in tried
            )
            assert was_tried or not can_fail, (method, path)


def test_a_bug_tells_nothing_of_the_inside(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("service.api.find_targets", fail)
    response = client.post("/v1/targets", json={"paragraphs": [ROW]})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
    assert response.headers["x-request-id"] in response.json()["detail"]


def test_openapi_lists_every_endpoint(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in (
        "/v1/search",
        "/v1/tag",
        "/v1/documents",
        "/v1/compare",
        "/v1/similar",
        "/v1/targets",
        "/v1/coverage",
        "/v1/families",
        "/v1/gaps/{province}",
        "/v1/indicators",
        "/v1/jobs",
        "/v1/jobs/{job_id}",
        "/v1/feed.atom",
        "/metrics",
        "/health/ready",
    ):
        assert path in document["paths"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if path in ("/metrics", "/v1/feed.atom") and status == "200":
                    continue
                if status == "204":
                    assert "content" not in response
                    continue
                content = response["content"]
                if path.endswith(".svg") and status == "200":
                    assert list(content) == ["image/svg+xml"]
                    continue
                assert list(content) == ["application/problem+json" if int(status) >= 400 else "application/json"], path
                name = next(iter(content.values()))["schema"]["$ref"].rpartition("/")[2]
                assert document["components"]["schemas"][name]["additionalProperties"] is False
