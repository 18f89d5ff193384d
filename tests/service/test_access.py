"""Who may read and write: keys and their scopes, sessions, forms of other sites, this machine; what is noted of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from corpus.schema import api_keys
from corpus.schema import audit as audit_table
from service import audit, keys
from service.app import create_app
from service.cli import app as commands
from service.keys import SCOPES, allows
from service.sessions import COOKIE
from service.settings import settings
from service.signing import _inside
from service.workspace import Workspace

CORRECTION = {"paragraph_id": "none", "task_groups": [], "by": "x"}


pytestmark = pytest.mark.usefixtures("either_database")
Make = Callable[..., Workspace]


def app_of(workspace: Workspace) -> TestClient:
    app = create_app(workspace.settings, workspace)
    return TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 5000))


@pytest.fixture
def closed(with_settings: Make) -> Iterator[TestClient]:
    with app_of(with_settings(open_reads=False)) as client:
        yield client


def header(secret: str) -> dict[str, str]:
    return {"X-API-Key": secret}


def test_only_a_hash_is_kept_and_the_last_use_is_shown(space: Workspace, closed: TestClient) -> None:
    key, secret = keys.create(space.store, "phòng kế hoạch", "reader")
    with space.store.engine.connect() as connection:
        row = connection.execute(sa.select(api_keys)).one()
    assert secret not in str(row)
    assert keys.keys(space.store)[0].last_used_at is None
    assert closed.get("/v1/coverage", headers=header(secret)).status_code == 200
    assert keys.keys(space.store)[0].last_used_at is not None
    assert keys.key_of(space.store, secret) == replace(key, last_used_at=keys.keys(space.store)[0].last_used_at)
    for wrong in (secret[:-1], secret + "x", key.id, f"kh_{key.id}_", "", "kh_", "\ud800"):
        assert keys.key_of(space.store, wrong) is None


def test_scopes_include_the_ones_before(space: Workspace, closed: TestClient) -> None:
    secrets = {scope: keys.create(space.store, scope, scope)[1] for scope in SCOPES}
    expected = {"reader": (200, 403, 403), "editor": (200, 404, 403), "admin": (200, 404, 200)}
    for scope, secret in secrets.items():
        answers = (
            closed.get("/v1/coverage", headers=header(secret)).status_code,
            closed.post("/v1/corrections", json=CORRECTION, headers=header(secret)).status_code,
            closed.get("/v1/audit", headers=header(secret)).status_code,
        )
        assert answers == expected[scope], scope
    assert not any(allows(None, scope) for scope in SCOPES)


def test_a_revoked_key_is_out_at_once(space: Workspace, closed: TestClient) -> None:
    key, secret = keys.create(space.store, "a", "admin")
    assert closed.get("/v1/coverage", headers=header(secret)).status_code == 200
    assert keys.revoke(space.store, key.id)
    assert not keys.revoke(space.store, key.id)
    assert closed.get("/v1/coverage", headers=header(secret)).status_code == 401


@pytest.mark.parametrize(
    "path", ["/v1/coverage", "/v1/search?q=x", "/v1/feed.atom", "/metrics", "/", "/compare", "/docs"]
)
def test_closed_reads_need_a_key_everywhere(space: Workspace, closed: TestClient, path: str) -> None:
    assert closed.get(path).status_code == 401
    secret = keys.create(space.store, "a", "reader")[1]
    assert closed.get(path, headers=header(secret)).status_code == 200


def test_feed_readers_send_the_key_as_a_password(space: Workspace, closed: TestClient) -> None:
    secret = keys.create(space.store, "a", "reader")[1]
    for user, expected in ((f"any:{secret}", 200), ("any:wrong", 401), (secret, 401)):
        basic = {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
        assert closed.get("/v1/feed.atom", headers=basic).status_code == expected
    assert closed.get("/v1/feed.atom", headers={"Authorization": "Basic %%"}).status_code == 401


def sign_in(client: TestClient, secret: str, **form: str) -> int:
    token = re.search(r'name="token" value="([^"]+)"', client.get("/sign-in").text)
    assert token
    data = {"key": secret, "token": token.group(1), **form}
    return client.post("/sign-in", data=data, follow_redirects=False).status_code


def test_a_person_signs_in_with_a_key_and_out(space: Workspace, closed: TestClient) -> None:
    key, secret = keys.create(space.store, "An", "editor")
    assert sign_in(closed, "wrong") == 401
    assert sign_in(closed, secret, token="x.y") == 403
    assert COOKIE not in closed.cookies
    assert sign_in(closed, secret) == 303
    cookie = closed.cookies[COOKIE]
    assert secret not in cookie
    assert closed.get("/").status_code == 200
    assert closed.post("/v1/corrections", json=CORRECTION).status_code == 404
    assert closed.post("/v1/corrections", json=CORRECTION, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert (
        closed.post("/v1/corrections", json=CORRECTION, headers={"Origin": "https://evil.example"}).status_code == 403
    )
    for changed in (cookie[:-1], cookie.replace(key.id, "00000000"), cookie.replace(".", ".9", 1)):
        assert closed.get("/", headers={"Cookie": f"{COOKIE}={changed}"}).status_code in (
            {401} if changed != cookie else {200}
        )
    keys.revoke(space.store, key.id)
    assert closed.get("/").status_code == 401


def test_signing_out_needs_the_form_of_the_session(space: Workspace, closed: TestClient) -> None:
    sign_in(closed, keys.create(space.store, "An", "reader")[1])
    assert closed.post("/sign-out", data={"token": ""}).status_code == 403
    token = re.search(r'name="token" value="([^"]+)"', closed.get("/sign-in").text).group(1)
    assert (
        closed.post("/sign-out", data={"token": token}, headers={"Origin": "https://evil.example"}).status_code == 403
    )
    assert closed.post("/sign-out", data={"token": token}, follow_redirects=False).status_code == 303
    assert COOKIE not in closed.cookies
    second = re.search(r'name="token" value="([^"]+)"', closed.get("/sign-in").text).group(1)
    assert second != token


@given(
    st.text(max_size=30)
    | st.sampled_from(["//evil.example", "/\\evil.example", "https://evil.example", "/a?b=/c", "\t//e"])
)
def test_signing_in_leads_nowhere_else(address: str) -> None:
    inside = _inside(address)
    assert inside.startswith("/")
    assert not inside.startswith(("//", "/\\"))
    assert inside.isprintable()


def test_this_machine_may_write_where_it_was_allowed(with_settings: Make) -> None:
    with app_of(with_settings()) as client:
        assert client.post("/v1/corrections", json=CORRECTION).status_code == 403
    with app_of(with_settings(local_writes=True)) as client:
        assert client.post("/v1/corrections", json=CORRECTION).status_code == 404
        assert client.get("/v1/audit").status_code in (401, 403)
        for refused in (
            {"Host": "rebound.example:8000"},
            {"X-Forwarded-For": "10.0.0.1"},
            {"Forwarded": "for=10.0.0.1"},
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert client.post("/v1/corrections", json=CORRECTION, headers=refused).status_code == 403, refused
    changed = with_settings(local_writes=True)
    with TestClient(
        create_app(changed.settings, changed), base_url="http://localhost", client=("10.0.0.9", 5000)
    ) as far:
        assert far.post("/v1/corrections", json=CORRECTION).status_code == 403


def test_writes_are_noted_with_who_and_what_came_of_it(space: Workspace, warm: Workspace) -> None:
    secret = keys.create(space.store, "An", "editor")[1]
    admin = keys.create(space.store, "Bình", "admin")[1]
    with app_of(warm) as client:
        client.post("/v1/corrections", json=CORRECTION, headers=header(secret) | {"X-Request-ID": "r1"})
        client.post("/v1/documents?name=a.txt", content=b"", headers=header(secret))
        client.get("/v1/jobs", headers=header(secret))
        client.post("/v1/corrections", json=CORRECTION)
        entries = client.get("/v1/audit", headers=header(admin)).json()["entries"]
        assert [(e["actor"], e["action"], e["target"], e["status"]) for e in entries] == [
            ("An", "POST /v1/documents", "a.txt", 422),
            ("An", "POST /v1/corrections", "", 404),
        ]
        assert entries[1]["request_id"] == "r1"
        first = client.get("/v1/audit?limit=1", headers=header(admin)).json()
        rest = client.get("/v1/audit", params={"cursor": first["next_cursor"]}, headers=header(admin)).json()
        assert [*first["entries"], *rest["entries"]] == entries
    number = audit.begin(space.store, "An", "POST /x", "")
    assert audit.entries(space.store)[0].status is None
    audit.end(space.store, number, 201)
    assert audit.entries(space.store)[0].status == 201


def test_keys_by_command(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEHOACH_HOME", str(space.settings.home))
    settings.cache_clear()
    run = CliRunner().invoke
    secret = run(commands, ["keys", "create", "An", "--scope", "reader"]).stdout.strip()
    key = keys.key_of(space.store, secret)
    assert key
    assert (key.name, key.scope) == ("An", "reader")
    assert secret not in run(commands, ["keys", "list"]).stdout
    assert run(commands, ["keys", "create", "An", "--scope", "owner"]).exit_code == 2
    assert run(commands, ["keys", "revoke", key.id]).exit_code == 0
    assert keys.key_of(space.store, secret) is None
    assert [e.action for e in audit.entries(space.store)] == ["keys revoke", "keys create"]
    assert "revoked" in run(commands, ["keys", "list"]).stdout
    assert secret not in run(commands, ["audit"]).stdout
    settings.cache_clear()


def test_the_audit_log_keeps_what_is_young_enough(warm: Workspace) -> None:
    numbers = [audit.begin(warm.store, "An", f"POST /{n}", "") for n in range(2)]
    old = sa.update(audit_table).where(audit_table.c.number == numbers[0])
    with warm.store.engine.begin() as connection:
        connection.execute(old.values(at=datetime.now(UTC) - timedelta(days=31)))
    assert audit.prune(warm.store, 0) == 0
    assert audit.prune(warm.store, 30) == 1
    assert [entry.number for entry in audit.entries(warm.store)] == [numbers[1]]
