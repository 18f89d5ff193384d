"""What happens around every request: ids, times, tags of content, compression, limits, metrics, log lines."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from service import keys
from service.app import create_app
from service.logs import configure, without_secrets
from service.middleware import HEADERS
from service.settings import Settings
from service.workspace import Workspace


@pytest.mark.parametrize(
    "path", ["/v1/search?q=dien+mat+troi", "/v1/documents", "/v1/coverage", "/v1/compare?a=Cao Bằng&b=Cà Mau"]
)
def test_an_answer_that_is_known_is_not_made_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["x-request-id"]
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.get("/v1/search?q=nuoc").headers["etag"] != tag


def test_the_tag_follows_the_content(with_settings: Callable[..., Workspace]) -> None:
    space = with_settings(api_key="k")
    with TestClient(create_app(space.settings, space)) as client:
        before = client.get("/v1/documents").headers["etag"]
        body = "KẾ HOẠCH\nTHU GOM RÁC\nI. NHIỆM VỤ\n- Thu gom rác thải nhựa.\n"
        assert client.post("/v1/documents?name=a.txt", content=body, headers={"X-API-Key": "k"}).status_code == 201
        assert client.get("/v1/documents", headers={"If-None-Match": before}).status_code == 200


def test_pages_of_lists_and_hits_are_whole_and_disjoint(client: TestClient) -> None:
    for path, name, key in (
        ("/v1/documents?limit=2", "documents", "document_id"),
        ("/v1/search?q=rác&k=7", "hits", "paragraph_id"),
    ):
        seen: list[str] = []
        answer = client.get(path).json()
        while True:
            seen += [row[key] for row in answer[name]]
            if answer["next_cursor"] is None:
                break
            answer = client.get(
                path,
                params={"cursor": answer["next_cursor"]} | dict(p.split("=") for p in path.split("?")[1].split("&")),
            ).json()
        whole = client.get(path.split("?")[0], params={"q": "rác", "k": 100}).json()
        assert len(set(seen)) == len(seen)
        assert seen[: len(whole[name])] == [row[key] for row in whole[name]]


def test_large_answers_are_compressed_for_who_can_read_them(client: TestClient) -> None:
    packed = client.get("/v1/documents/cao-bang/1043-kh-ubnd-2021")
    assert packed.headers["content-encoding"] == "gzip"
    plain = client.get("/v1/documents/cao-bang/1043-kh-ubnd-2021", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == packed.json()
    assert "Accept-Encoding" in packed.headers["vary"]


def test_every_answer_tells_its_times_and_carries_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/v1/search?q=pin+mat+troi", "/nowhere", "/static/style.css", "/metrics", "/v1/search"):
        headers = client.get(path).headers
        assert headers["server-timing"].startswith("total;dur=")
        for name, value in HEADERS.items():
            assert headers[name] == value
        assert "unsafe" not in headers["content-security-policy"]
    stages = client.get("/v1/search?q=pin+mat+troi").headers["server-timing"]
    assert all(stage in stages for stage in ("embed;dur=", "search_lexical;dur=", "search_dense;dur="))


def test_scripts_of_other_origins_read_only_where_allowed(
    client: TestClient, with_settings: Callable[..., Workspace]
) -> None:
    origin = {"Origin": "https://portal.example"}
    assert "access-control-allow-origin" not in client.get("/v1/coverage", headers=origin).headers
    space = with_settings(cors_origins="https://portal.example")
    with TestClient(create_app(space.settings, space)) as opened:
        assert (
            opened.get("/v1/coverage", headers=origin).headers["access-control-allow-origin"]
            == "https://portal.example"
        )
        asked = opened.options("/v1/tag", headers=origin | {"Access-Control-Request-Method": "POST"})
        assert asked.status_code == 200
        other = opened.get("/v1/coverage", headers={"Origin": "https://evil.example"}).headers
        assert "access-control-allow-origin" not in other


def test_who_asks_too_often_waits(with_settings: Callable[..., Workspace]) -> None:
    space = with_settings(rate=0.2)
    with TestClient(create_app(space.settings, space)) as client:
        answers = [client.get("/v1/coverage") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert answers[2].json()["status"] == 429
        assert 1 <= int(answers[2].headers["retry-after"]) <= 6
        assert answers[2].headers["x-request-id"]
        assert client.get("/health/live").status_code == 200


def test_metrics_count_requests_and_every_stage(client: TestClient) -> None:
    body = "KẾ HOẠCH\nTHU GOM RÁC\nI. NHIỆM VỤ\n- Thu gom rác thải nhựa trên biển.\n"
    client.post("/v1/documents?name=m.txt", content=body, headers={"X-API-Key": "a key for tests"})
    client.get("/v1/search?q=rác trên biển")
    client.get("/v1/nowhere")
    text = client.get("/metrics").text
    for stage in ("read", "tag", "embed", "store", "index", "search_lexical", "search_dense"):
        count = next(
            line for line in text.splitlines() if line.startswith(f'kehoach_stage_seconds_count{{stage="{stage}"}}')
        )
        assert float(count.split()[-1]) >= 1
    assert 'kehoach_requests_total{method="GET",route="/v1/search",status="200"}' in text
    assert 'kehoach_requests_total{method="any",route="other",status="404"}' in text
    assert "nowhere" not in text
    assert "kehoach_documents " in text


def test_log_lines_are_json_with_the_request_and_without_secrets(
    with_settings: Callable[..., Workspace], capsys: pytest.CaptureFixture[str]
) -> None:
    space = with_settings(api_key="a very secret key")
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        configure(space.settings)
        secret = keys.create(space.store, "An", "editor")[1]
        with TestClient(create_app(space.settings, space)) as client:
            client.get("/v1/search?q=riêng+tư", headers={"X-API-Key": secret, "X-Request-ID": "r-9"})
            client.get("/v1/coverage", headers={"X-API-Key": "a very secret key"})
            client.get("/v1/coverage", headers={"X-API-Key": f"wrong {secret}"})
        logging.getLogger("kehoach").warning(
            "somebody sent %s", secret, extra={"authorization": "Basic x", "headers": {"cookie": "c=1"}}
        )
        logging.getLogger("uvicorn.error").info("from the server")
    finally:
        root.handlers, root.level = before, level
    printed = capsys.readouterr().err
    lines = [json.loads(line) for line in printed.splitlines()]
    request = next(line for line in lines if line.get("request_id") == "r-9")
    assert (request["path"], request["status"], request["method"]) == ("/v1/search", 200, "GET")
    assert {"ms", "timestamp", "level"} <= request.keys()
    assert any(line["event"] == "from the server" for line in lines)
    for hidden in (secret, "very secret", "riêng", "Basic x", "c=1"):
        assert hidden not in printed


def test_plain_lines_are_for_people(space: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        configure(Settings(home=space.settings.home, log_format="plain", log_level="warning"))
        logging.getLogger("kehoach").info("not this")
        logging.getLogger("kehoach").warning("but this")
    finally:
        root.handlers, root.level = before, level
    printed = capsys.readouterr().err
    assert "but this" in printed
    assert "not this" not in printed
    assert not printed.startswith("{")


def test_the_server_writes_no_lines_of_requests_whatever_else_configures_logging(
    space: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        configure(space.settings)
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        logging.getLogger("uvicorn.access").info("GET /v1/search?q=riêng+tư")
        # What uvicorn asks before it makes such lines at all.
        assert not logging.getLogger("uvicorn.access").hasHandlers()
    finally:
        root.handlers, root.level = before, level
    assert capsys.readouterr().err == ""


@given(
    st.recursive(
        st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    )
)
def test_secrets_are_cut_at_any_depth(value: object) -> None:
    secret = "kh_0a1b2c3d_abcdefghij-_K"
    assert secret not in str(without_secrets(None, "", {"event": [value, {"x": f"<{secret}>"}], "token": "t"}))
