"""News of a search by meaning and by task group, as Atom and by webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from lxml import etree

from corpus.schema import deliveries, documents
from corpus.store import Filter
from service import searches, webhooks
from service.app import create_app
from service.feeds import atom
from service.fetching import PublicBackend
from service.ingest import ingest
from service.news import News, news, news_between
from service.workspace import Workspace

HEAD = "ỦY BAN NHÂN DÂN\nTỈNH {}\nSố: {}/KH-UBND\nKẾ HOẠCH\nTIÊU DÙNG BỀN VỮNG\nI. NHIỆM VỤ\n{}"
pytestmark = pytest.mark.usefixtures("either_database")
FILLER = """1. Tổ chức tập huấn cho cán bộ xã về phân loại rác.
2. Hỗ trợ siêu thị thay túi ni lông bằng túi giấy.
3. Tuyên truyền trên đài truyền thanh về tiêu dùng xanh.
4. Thu gom, tái chế bao bì nhựa ở chợ.
5. Báo cáo kết quả về Sở Công Thương trước ngày 15 tháng 12.
6. Kiểm tra việc dán nhãn hàng hóa ở cửa hàng.
"""
SUN = "7. Lắp điện mặt trời trên mái trụ sở và trường học, ít nhất 5 MW.\n"
ATOM = {"a": "http://www.w3.org/2005/Atom"}
# What RFC 4287 demands of a feed and its entries, of the elements that are written here.
GRAMMAR = """
<element name="feed" ns="http://www.w3.org/2005/Atom" xmlns="http://relaxng.org/ns/structure/1.0"
         datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <interleave>
    <ref name="common"/>
    <oneOrMore><element name="author"><element name="name"><data type="string"><param name="minLength">1</param></data></element></element></oneOrMore>
    <zeroOrMore><element name="entry"><interleave>
      <ref name="common"/>
      <element name="content"><attribute name="type"><value>html</value></attribute><text/></element>
    </interleave></element></zeroOrMore>
  </interleave>
</element>
"""
COMMON = """
<grammar xmlns="http://relaxng.org/ns/structure/1.0" ns="http://www.w3.org/2005/Atom" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <start>%s</start>
  <define name="common"><interleave>
    <element name="id"><data type="anyURI"><param name="pattern">urn:uuid:[0-9a-f-]{36}</param></data></element>
    <element name="title"><text/></element>
    <element name="updated"><data type="dateTime"><param name="pattern">.+(Z|[+-]\\d\\d:\\d\\d)</param></data></element>
    <oneOrMore><element name="link">
      <attribute name="href"><data type="anyURI"><param name="pattern">https?://.+</param></data></attribute>
      <attribute name="rel"><choice><value>self</value><value>alternate</value></choice></attribute>
      <attribute name="type"/><empty/>
    </element></oneOrMore>
  </interleave></define>
</grammar>
"""


def bring(space: Workspace, folder: Path, province: str, number: int, body: str) -> None:
    file = folder / f"{number}.txt"
    file.write_text(HEAD.format(province, number, body), encoding="utf-8")
    assert [report.outcome for report in ingest([file], space)] == ["added"]


@pytest.fixture
def filled(with_settings: Callable[..., Workspace], tmp_path: Path) -> Workspace:
    space = with_settings(api_key="k", webhook_hosts="hooks.example", public_url="https://plans.example")
    bring(space, tmp_path, "LÀO CAI", 1, FILLER)
    bring(space, tmp_path, "CÀ MAU", 2, FILLER.replace("xã", "huyện") + SUN)
    return space


@pytest.fixture
def client(filled: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(filled.settings, filled), headers={"X-API-Key": "k"}) as opened:
        yield opened


def ids(found: list[News]) -> list[str | None]:
    return [item.document.number for item in found]


def parsed(text: bytes) -> etree._Element:
    feed = etree.fromstring(text)
    etree.RelaxNG(etree.fromstring(COMMON % GRAMMAR)).assertValid(feed)
    return feed


def test_news_by_meaning_group_and_province(filled: Workspace, tmp_path: Path) -> None:
    assert ids(news(filled, "tấm pin quang điện áp mái", Filter())) == ["2/KH-UBND"]
    assert ids(news(filled, "", Filter(task_group="renewable_energy"))) == ["2/KH-UBND"]
    assert ids(news(filled, "", Filter(province="Lào Cai"))) == ["1/KH-UBND"]
    assert ids(news(filled, "điện mặt trời", Filter(province="Lào Cai"))) == []
    assert ids(news(filled, "", Filter())) == ["2/KH-UBND", "1/KH-UBND"]
    assert ids(news(filled, "", Filter(), limit=1)) == ["2/KH-UBND"]
    best = news(filled, "dien mat troi", Filter())[0].passages[0]
    assert "mặt trời" in best.text
    last = max(filled.store.keys(Filter()).tolist())
    assert ids([*news_between(filled, "", Filter(), 0, last)]) == ["2/KH-UBND", "1/KH-UBND"]
    bring(filled, tmp_path, "HÀ GIANG", 3, SUN.replace("7.", "1."))
    now = max(filled.store.keys(Filter()).tolist())
    assert ids([*news_between(filled, "điện mặt trời", Filter(), last, now)]) == ["3/KH-UBND"]
    assert [*news_between(filled, "", Filter(), now, now + 9)] == []


def test_the_feed_is_valid_and_follows_the_store(client: TestClient, filled: Workspace, tmp_path: Path) -> None:
    first = client.get("/v1/feed.atom", params={"q": "điện mặt trời"})
    assert first.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = parsed(first.content)
    assert feed.xpath("a:entry/a:link/@href", namespaces=ATOM)[0].startswith("https://plans.example/documents/")
    assert feed.xpath("string(a:link/@href)", namespaces=ATOM).startswith("https://plans.example/v1/feed.atom?q=")
    known = client.get("/v1/feed.atom", params={"q": "điện mặt trời"}, headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    bring(filled, tmp_path, "HÀ GIANG", 3, SUN.replace("7.", "1."))
    again = client.get("/v1/feed.atom", params={"q": "điện mặt trời"}, headers={"If-None-Match": first.headers["etag"]})
    entries = parsed(again.content).xpath("a:entry/a:id/text()", namespaces=ATOM)
    assert len(set(entries)) == len(entries) == 2
    assert feed.xpath("a:entry/a:id/text()", namespaces=ATOM)[0] in entries
    assert feed.xpath("string(a:id)", namespaces=ATOM) == parsed(again.content).xpath("string(a:id)", namespaces=ATOM)
    assert len(parsed(client.get("/v1/feed.atom?task_group=circular_economy").content)) > 4
    assert not parsed(client.get("/v1/feed.atom?q=x&province=Cao+Bằng").content).xpath("a:entry", namespaces=ATOM)


def test_hostile_texts_stay_texts(filled: Workspace) -> None:
    from dataclasses import replace

    item = news(filled, "", Filter())[0]
    passage = replace(item.passages[0], text="<script>x</script> \x00\x0b\ud800]]> &amp;", heading_path=("<b>",))
    document = replace(item.document, title="<i>\ufffe")
    feed = parsed(
        atom("a\x01<b>", "https://p/v1/feed.atom", "https://p", [News(document, item.added_at, (passage,), 9)], "s")
    )
    content = feed.xpath("string(a:entry/a:content)", namespaces=ATOM)
    assert "&lt;script&gt;" in content
    assert "<script>" not in content
    assert "+ 8" in content
    assert (
        parsed(atom("n", "https://p/v1/feed.atom", "https://p", [], "s"))
        .xpath("string(a:updated)", namespaces=ATOM)
        .startswith("1970")
    )


def test_searches_are_saved_listed_fed_and_forgotten(client: TestClient) -> None:
    made = client.post("/v1/searches", json={"name": "Mặt trời", "query": "điện mặt trời", "province": "ca mau"})
    assert made.status_code == 201
    assert (made.json()["province"], made.json()["secret"]) == ("Cà Mau", None)
    search_id = made.json()["search_id"]
    feed = parsed(client.get(f"/v1/feed.atom?search={search_id}").content)
    assert feed.xpath("string(a:title)", namespaces=ATOM) == "Mặt trời"
    assert len(feed.xpath("a:entry", namespaces=ATOM)) == 1
    assert [s["search_id"] for s in client.get("/v1/searches").json()["searches"]] == [search_id]
    assert client.delete(f"/v1/searches/{search_id}").status_code == 204
    assert client.get(f"/v1/feed.atom?search={search_id}").status_code == 404


class Receiver(httpcore.NetworkBackend):
    """Takes webhooks and answers each with the next status."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.sent: list[bytearray] = []

    def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.NetworkStream:
        received = bytearray()
        self.sent.append(received)
        stream = httpcore.MockStream([f"HTTP/1.1 {self.statuses.pop(0)} X\r\nContent-Length: 0\r\n\r\n".encode()])
        stream.write = lambda buffer, timeout=None: received.extend(buffer)  # type: ignore[method-assign]
        return stream


def now_due(space: Workspace) -> None:
    with space.store.engine.begin() as connection:
        connection.execute(sa.update(deliveries).values(next_at=datetime.now(UTC) - timedelta(seconds=1)))


def test_the_secret_of_a_webhook_is_shown_once(client: TestClient) -> None:
    wanted = {"name": "Mặt trời", "query": "điện mặt trời", "webhook": "http://hooks.example/in"}
    made = client.post("/v1/searches", json=wanted).json()
    assert made["secret"].startswith("whsec_")
    assert "secret" not in client.get(f"/v1/searches/{made['search_id']}").json()


def test_a_webhook_is_told_once_signed_and_again_until_it_takes_it(filled: Workspace, tmp_path: Path) -> None:
    hosts = filled.settings.webhook_hosts
    made = searches.add(filled.store, "Mặt trời", "điện mặt trời", None, None, "An", "http://hooks.example/in")
    assert webhooks.enqueue(filled) == 0
    bring(filled, tmp_path, "HÀ GIANG", 3, SUN.replace("7.", "1."))
    bring(filled, tmp_path, "HÀ GIANG", 4, "1. Báo cáo kết quả về Sở.\n")
    assert (webhooks.enqueue(filled), webhooks.enqueue(filled)) == (1, 0)
    receiver = Receiver(503, 200)
    net = PublicBackend(receiver, lambda host, port: ["8.8.8.8"])
    assert webhooks.deliver(filled.store, hosts, net) == 0
    assert webhooks.deliver(filled.store, hosts, net) == 0
    assert len(receiver.sent) == 1
    now_due(filled)
    assert webhooks.deliver(filled.store, hosts, net) == 1
    head, _, body = bytes(receiver.sent[1]).partition(b"\r\n\r\n")
    told = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in head.decode().split("\r\n")[1:]}
    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + body
    assert told["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert [d["number"] for d in json.loads(body)["data"]["documents"]] == ["3/KH-UBND"]
    assert webhooks.deliver(filled.store, hosts, net) == 0


def bring_many(space: Workspace, folder: Path, count: int) -> set[str]:
    """Import ready paragraphs of ``count`` documents at once; return their ids."""
    rows = [
        {"id": f"n{n}", "doc": f"d{n}", "province": "Hà Giang", "text": f"Lắp điện mặt trời mái nhà ở {n} trường."}
        for n in range(count)
    ]
    file = folder / "many.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    reports = list(ingest([file], space))
    assert [report.outcome for report in reports] == ["added"] * count
    return {report.document_id for report in reports}


def test_a_webhook_is_told_of_all_that_one_import_brings(filled: Workspace, tmp_path: Path) -> None:
    searches.add(filled.store, "n", "", "renewable_energy", None, "An", "http://hooks.example/in")
    brought = bring_many(filled, tmp_path, 45)
    assert (webhooks.enqueue(filled), webhooks.enqueue(filled)) == (3, 0)
    with filled.store.engine.connect() as connection:
        bodies = [json.loads(body) for body in connection.scalars(sa.select(deliveries.c.body))]
    told = [document["document_id"] for body in bodies for document in body["data"]["documents"]]
    assert len(told) == 45
    assert set(told) == brought


def test_the_feed_has_all_of_the_last_week(client: TestClient, filled: Workspace, tmp_path: Path) -> None:
    brought = bring_many(filled, tmp_path, 25)
    shown = "/v1/feed.atom?task_group=renewable_energy"
    assert len(parsed(client.get(shown).content).xpath("a:entry", namespaces=ATOM)) == 26
    with filled.store.engine.begin() as connection:
        old = sa.update(documents).where(documents.c.id.in_(brought))
        connection.execute(old.values(added_at=datetime.now(UTC) - timedelta(days=8)))
    assert len(parsed(client.get(shown).content).xpath("a:entry", namespaces=ATOM)) == 20


def test_a_webhook_that_never_answers_is_given_up(filled: Workspace, tmp_path: Path) -> None:
    searches.add(filled.store, "n", "", "renewable_energy", None, "An", "http://hooks.example/in")
    bring(filled, tmp_path, "HÀ GIANG", 3, SUN.replace("7.", "1."))
    webhooks.enqueue(filled)
    private = PublicBackend(Receiver(), lambda host, port: ["127.0.0.1"])
    for _ in range(9):
        now_due(filled)
        assert webhooks.deliver(filled.store, filled.settings.webhook_hosts, private) == 0
    with filled.store.engine.connect() as connection:
        row = connection.execute(sa.select(deliveries)).one()
    assert (row.state, row.attempts) == ("failed", 7)
    assert "not a public address" in row.answer
