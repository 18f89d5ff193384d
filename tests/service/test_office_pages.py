"""The pages of daily work: every one in both languages, forms of other sites, corrections, tagging, imports, downloads."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path

import html5lib
import openpyxl
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from lxml import html

from models.explain import Carrier, Explanation, Word
from service import (
    overview_api,
    pages,
    pages_document,
    pages_files,
    pages_overview,
    pages_queue,
    pages_search,
    pages_tagging,
    pages_work,
    report,
    signing,
)
from service.access import may_read
from service.pages_tagging import carried, paragraphs_of
from tests.markup import inline

pytestmark = pytest.mark.usefixtures("overviews")
KEYED = {"X-API-Key": "a key for tests"}
DOCUMENT = "/documents/cao-bang/1043-kh-ubnd-2021"
PLAN = """ỦY BAN NHÂN DÂN
TỈNH QUẢNG NINH
Số: 77/KH-UBND
KẾ HOẠCH
Thực hiện Chương trình sản xuất và tiêu dùng bền vững năm 2025
I. NHIỆM VỤ
1. Đặt tủ khóa gom pin hỏng ở mọi bến phà trên vịnh.
"""
PAGES = [
    "/", "/?q=siêu+thị", "/?province=Cao+Bằng&task_group=renewable_energy", "/?province=Cà+Mau&page=2", "/tag",
    "/compare", "/coverage", "/coverage?as_published=true", "/families", "/families?q=siêu+thị&least=3", "/gaps",
    "/gaps?province=Cao+Bằng&region=true", "/targets", "/targets?indicator=supermarkets_green_packaging", DOCUMENT,
    f"{DOCUMENT}?edit=12", "/queue", "/queue?province=Cà+Mau&skip=1", "/upload", "/jobs", "/feeds",
    "/feeds?q=điện+gió&task_group=renewable_energy", "/help", "/sign-in",
]  # fmt: skip


def page(client: TestClient, path: str) -> html.HtmlElement:
    response = client.get(path, headers=KEYED)
    assert response.status_code == 200, response.text
    return html.document_fromstring(response.text)


def token_of(client: TestClient, path: str) -> str:
    return page(client, path).xpath("//main//input[@name='token']/@value")[0]


def send(client: TestClient, path: str, data: dict, **more: object) -> object:
    return client.post(path, data=data, headers=KEYED, follow_redirects=False, **more)


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_page_answers_with_sound_html(client: TestClient, lang: str) -> None:
    for path in PAGES:
        response = client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}", headers=KEYED)
        assert response.status_code == 200, (path, response.text)
        html5lib.HTMLParser(strict=True).parse(response.text)
        found = html.document_fromstring(response.text)
        assert found.get("lang") == lang
        ids = found.xpath("//@id")
        assert len(ids) == len(set(ids)), path
        assert len(found.xpath("//h1")) == 1, path
        assert inline(response.text) == [], path
        fields = found.xpath("//input[not(@type='hidden')] | //select | //textarea")
        assert all(f.xpath("ancestor::label") or f.get("id") in found.xpath("//label/@for") for f in fields), path
        assert all(form.xpath(".//input[@name='token']") for form in found.xpath("//form[@method='post']")), path
        assert all(table.xpath(".//th[@scope]") for table in found.xpath("//table")), path


FORMS = {
    "/corrections": {"paragraph_id": "x", "groups": ""},
    "/queue": {"paragraph_id": "x"},
    "/tag": {"text": "Trồng cây."},
    "/upload": {},
    "/jobs/none": {"action": "retry"},
    "/feeds": {"q": "điện gió"},
    "/feeds/none/remove": {},
}


@pytest.mark.parametrize("path", FORMS)
def test_forms_of_other_sites_are_refused(client: TestClient, path: str) -> None:
    files = {"files": ("a.txt", PLAN)} if path == "/upload" else {}
    for token in ({}, {"token": "x.y"}):
        assert send(client, path, FORMS[path] | token, files=files or None).status_code in (403, 422)
    token = {"token": token_of(client, "/upload")}
    evil = KEYED | {"Origin": "https://evil.example"}
    refused = client.post(path, data=FORMS[path] | token, headers=evil, files=files or None)
    assert refused.status_code == 403
    if path != "/tag":
        assert client.post(path, data=FORMS[path] | token, files=files or None).status_code == 401


def test_a_tag_is_corrected_in_two_clicks_and_kept(client: TestClient) -> None:
    before = page(client, DOCUMENT)
    first = before.xpath("//div[@class='paragraph'][not(.//*[contains(@class, 'chip ')])]//a[@class='edit']/@href")[0]
    editing = page(client, first)
    part = first.partition("#")[2]
    form = editing.get_element_by_id(part).xpath(".//form")[0]
    button = form.xpath(".//button[contains(@class, 'renewable_energy')]")[0]
    assert "Năng lượng tái tạo" in words(button)
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    saved = send(client, form.get("action"), fields | {"groups": button.get("value")})
    assert saved.status_code == 303
    after = page(client, saved.headers["location"]).get_element_by_id(part)
    assert after.xpath(".//*[contains(@class, 'chip renewable_energy')]")
    assert after.xpath("string(.//*[@role='status'])") == "Đã lưu"
    assert "người duyệt" in words(after)
    made = client.get("/v1/corrections", headers=KEYED).json()["corrections"][-1]
    assert (made["after"], made["by"]) == (["renewable_energy"], "KEHOACH_API_KEY")
    again = page(client, first).get_element_by_id(part).xpath(".//button[contains(@class, 'renewable_energy')]/@value")
    assert again == [""]


def test_readers_are_offered_to_sign_in_and_not_to_correct(client: TestClient) -> None:
    found = html.document_fromstring(client.get(f"{DOCUMENT}?edit=12").text)
    assert not found.xpath("//form[@action] | //a[@class='edit']")
    assert found.xpath("//a[starts-with(@href, '/sign-in')]")
    refused = client.get("/queue", headers={"accept": "text/html"})
    assert refused.status_code == 401
    assert "/sign-in?" in html.document_fromstring(refused.text).xpath("//main//a/@href")[0]


def test_the_queue_goes_on_by_saving_and_by_skipping(client: TestClient) -> None:
    first = page(client, "/queue")
    asked = first.xpath("//input[@name='paragraph_id']/@value")[0]
    skipped = page(client, first.xpath("//a[@class='button']/@href")[0])
    second = skipped.xpath("//input[@name='paragraph_id']/@value")[0]
    assert second != asked
    form = skipped.xpath("//article//form")[0]
    saved = send(client, form.get("action"), {
        "token": form.xpath(".//input[@name='token']/@value")[0], "paragraph_id": second,
        "groups": ["awareness", "circular_economy"],
    })  # fmt: skip
    assert saved.status_code == 303
    third = page(client, saved.headers["location"])
    assert "Đã lưu" in words(third.xpath("//*[@role='status']")[0])
    assert asked not in (shown := third.xpath("//input[@name='paragraph_id']/@value"))
    assert second not in shown
    listed = client.get(f"/v1/paragraphs/{second.replace('#', '%23')}").json()
    assert listed["task_groups"] == ["awareness", "circular_economy"]
    unknown = {"token": token_of(client, "/upload"), "paragraph_id": "none"}
    assert send(client, "/queue", unknown).status_code == 404


def test_pasted_text_shows_what_carried_its_tags(client: TestClient) -> None:
    text = "Lắp đặt điện mặt trời áp mái tại trụ sở; giữ nguyên <b>lịch họp</b>.\n\nNgày mai họp lúc tám giờ."
    response = send(client, "/tag", {"token": token_of(client, "/tag"), "text": text})
    found = html.document_fromstring(response.text)
    rows = found.xpath("//article[@class='tagged']")
    assert len(rows) == 2
    why = rows[0].xpath(".//section[@class='why renewable_energy']")[0]
    assert "điện" in why.xpath("string(.//span[@class='clause'])")
    assert why.xpath(".//mark")
    assert len(why.xpath(".//details//li")) == 2
    assert "<b>lịch họp</b>" in words(why)
    assert not rows[1].xpath(".//section")
    assert len(rows[0].xpath(".//meter")) == 4
    assert send(client, "/tag", {"token": token_of(client, "/tag"), "text": " \n"}).status_code == 422
    assert send(client, "/tag", {"token": token_of(client, "/tag"), "text": "a " * 10_001}).status_code == 413


def test_an_unsure_tag_is_said_in_words(client: TestClient) -> None:
    text = client.get("/v1/queue").json()["paragraphs"][0]["text"]
    sent = send(client, "/tag", {"text": text, "token": token_of(client, "/tag")})
    found = html.document_fromstring(sent.text)
    assert "phân vân" in words(found.xpath("//table[@class='odds']//span[@class='unsure']")[0])
    assert "nên có người xem lại" in words(found.xpath("//main")[0])


def test_a_file_is_tagged_and_not_kept(client: TestClient) -> None:
    before = client.get("/v1/documents").json()
    token = {"token": token_of(client, "/tag")}
    found = send(client, "/tag", token, files={"file": ("plan.txt", PLAN)})
    assert "pin hỏng ở mọi bến phà" in html.document_fromstring(found.text).text_content()
    for name, content in (("plan.exe", b"MZ"), ("plan.pdf", b"%PDF-1.7 no"), ("plan.txt", b"")):
        assert send(client, "/tag", token, files={"file": (name, content)}).status_code == 422, name
    assert client.get("/v1/documents").json() == before


def test_marks_lie_inside_and_outside_of_the_clause() -> None:
    found = carried(
        "x<y; gió gió", Explanation("g", 0.9, True, Carrier((5, 12), "gió gió", 0.9),
                                    (Word("gió", ((5, 8), (9, 12)), 0.5), Word("x", ((0, 1),), 0.1)), ()),
    )  # fmt: skip
    assert found == ('<mark>x</mark>&lt;y; <span class="clause"><mark>gió</mark> <mark>gió</mark></span>')


def test_paragraphs_are_cut_at_blank_lines_else_at_lines() -> None:
    assert paragraphs_of("a\nb\r\n\r\nc\n \nd") == ["a b", "c", "d"]
    assert paragraphs_of("a\n b \n") == ["a", "b"]
    assert paragraphs_of(" \n") == []


def test_an_upload_is_followed_to_its_end_and_found(client: TestClient) -> None:
    token = {"token": token_of(client, "/upload")}
    files = [("files", ("pin.txt", PLAN)), ("files", ("bad.pdf", b"%PDF-1.7 no"))]
    started = send(client, "/upload?lang=en", token, files=files)
    assert started.status_code == 303
    address = started.headers["location"]
    deadline = time.monotonic() + 60
    while (found := page(client, address)).xpath("//meta[@http-equiv='refresh']"):
        assert not page(client, f"{address}&still=true").xpath("//meta[@http-equiv='refresh']")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found.xpath("//progress/@value") == found.xpath("//progress/@max") == ["2"]
    assert found.xpath("//tbody//span[contains(@class, 'state')]/text()") == ["done", "failed"]
    link = found.xpath("//tbody//a/@href")[0]
    assert "pin hỏng" in words(page(client, link))
    hits = page(client, "/?q=tu+khoa+gom+pin+hong").xpath("//ol[@class='hits']//h2//a/text()")
    assert "77/KH-UBND" in hits[0]
    assert found.xpath("//button[@name='action']/@value") == ["retry"]
    assert address.partition("?")[0] in str(page(client, "/jobs").xpath("//tbody//a/@href"))
    assert send(client, address, token | {"action": "cancel"}).status_code == 303
    assert send(client, address, token | {"action": "burn"}).status_code == 422
    refused = send(client, "/upload", token, files={"files": ("x.exe", b"MZ")})
    assert refused.status_code == 422
    assert "x.exe" in html.document_fromstring(refused.text).xpath("string(//*[@role='alert'])")


@pytest.mark.parametrize("view", ["", "?as_published=true"])
def test_a_cell_of_the_coverage_leads_to_its_paragraphs(client: TestClient, view: str) -> None:
    current_overviews(client)
    found = page(client, f"/coverage{view}")
    rows = client.get(f"/v1/coverage{view}").json()["provinces"]
    assert [link.text for link in found.xpath("//tbody/tr/th/a")] == [row["province"] for row in rows]
    cell = found.xpath("//tbody/tr[1]/td[2]/a")[0]
    count = cell.xpath("string(b)")
    assert int(count) == rows[0]["task_groups"]["circular_economy"]
    assert ("province_as=published" in cell.get("href")) == bool(view)
    listed = page(client, cell.get("href"))
    assert listed.xpath("string(//p[@role='status']/strong)") == count
    assert len(listed.xpath("//ol[@class='hits']/li")) == int(count)
    assert "heat7" in found.xpath("//tbody//td/@class")


def test_filtered_lists_are_cut_into_pages(client: TestClient) -> None:
    first = page(client, "/?year=2021")
    following = page(client, first.xpath("//a[@rel='next']/@href")[0])
    total = int(first.xpath("string(//p[@role='status']/strong)"))
    assert len(first.xpath("//ol[@class='hits']/li")) + len(following.xpath("//ol[@class='hits']/li")) == total
    assert following.xpath("//ol[@class='hits']/@start") == ["51"]
    assert not following.xpath("//a[@rel='next']")


def current_overviews(client: TestClient) -> None:
    """Wait until what is made behind requests knows all that other tests have sent."""
    deadline = time.monotonic() + 240
    while not client.get("/v1/families").json()["is_current"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_families_gaps_and_targets_lead_to_the_texts(client: TestClient) -> None:
    current_overviews(client)
    shared = page(client, "/families").xpath("//ol[@class='hits']//h2/a/@href")[0]
    found = page(client, shared)
    assert len(found.xpath("//section[@class='place']")) >= 2
    assert page(client, found.xpath("//section[@class='place']//a/@href")[0]).xpath("//h1")
    gaps = page(client, "/gaps?province=Cà+Mau&lang=en")
    assert "does not mention" in words(gaps.xpath("//p[@role='status']")[0])
    assert "Atlantis" in page(client, "/gaps?province=Atlantis").xpath("string(//*[@role='alert'])")
    indicator = page(client, "/targets").xpath("//tbody//a/@href")[0]
    of = page(client, indicator)
    assert of.xpath("//*[local-name()='svg']")
    assert of.xpath("//tbody//a")
    for path in ("/families/none", "/targets?indicator=none"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/families?least=2&lang=en", "/gaps?province=Cà+Mau&as_published=true"])
def test_long_overviews_go_on(client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    current_overviews(client)
    whole = page(client, path).xpath("//ol[@class='hits']//h2/a/@href")
    monkeypatch.setattr(pages_overview, "SHOWN", 1)
    after, shown, before = path, [], []
    while after:
        found = page(client, after)
        shown += found.xpath("//ol[@class='hits']//h2/a/@href")
        assert f"{len(shown)}/{len(whole)}" in found.xpath("string(//*[@role='status'])")
        before = found.xpath("//a[@rel='prev']/@href")
        after = next(iter(found.xpath("//a[@rel='next']/@href")), "")
    assert len(whole) > 1
    assert shown == whole
    assert page(client, before[0]).xpath("//ol[@class='hits']//h2/a/@href") == whole[-2:-1]


def test_tables_are_downloaded_as_shown(client: TestClient) -> None:
    current_overviews(client)
    read = client.get("/coverage.csv")
    rows = list(csv.DictReader(io.StringIO(read.content.decode("utf-8-sig"))))
    assert [row["province"] for row in rows] == [r["province"] for r in client.get("/v1/coverage").json()["provinces"]]
    assert 'filename="coverage.csv"' in read.headers["content-disposition"]
    for path in ("/coverage.xlsx", "/families.xlsx", "/gaps.xlsx?province=Cà+Mau", "/targets.xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(client.get(path).content), read_only=True)
        assert len(list(book.active.rows)) > 1, path
    gaps = list(csv.DictReader(io.StringIO(client.get("/gaps.csv?province=Cà+Mau").content.decode("utf-8-sig"))))
    assert [row["family_id"] for row in gaps] == [g["family_id"] for g in client.get("/v1/gaps/Cà Mau").json()["gaps"]]
    for path, status in (("/coverage.pdf", 422), ("/gaps.csv", 422), ("/gaps.csv?province=Hà+Giang", 404)):
        assert client.get(path).status_code == status, path


def test_searches_are_followed_saved_and_removed(client: TestClient) -> None:
    made = page(client, "/feeds?q=điện+gió&lang=en")
    assert made.xpath("//a[@type='application/atom+xml']/@href") == ["/v1/feed.atom?q=%C4%91i%E1%BB%87n+gi%C3%B3"]
    form = made.xpath("//form[@method='post' and contains(@action, '/feeds?')]")[0]
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert send(client, form.get("action"), fields | {"name": "Gió"}).status_code == 303
    listed = page(client, "/feeds")
    assert listed.xpath("//ul[@class='plain']/li/b/text()") == ["Gió"]
    assert client.get(listed.xpath("//ul//a[@type='application/atom+xml']/@href")[0]).status_code == 200
    assert not html.document_fromstring(client.get("/feeds").text).xpath("//ul[@class='plain']")
    remove = listed.xpath("//ul//form")[0]
    assert send(client, remove.get("action"), {"token": fields["token"]}).status_code == 303
    assert not page(client, "/feeds").xpath("//ul[@class='plain']")
    assert send(client, "/feeds", {"token": fields["token"], "q": " "}).status_code == 422


def test_closed_reads_close_these_pages_too() -> None:
    for module in (
        overview_api,
        report,
        pages_document,
        pages_files,
        pages_overview,
        pages_queue,
        pages_search,
        pages_tagging,
        pages_work,
    ):
        assert may_read in [dependency.dependency for dependency in module.router.dependencies], module


def test_help_is_there_in_each_language() -> None:
    folder = Path(__file__).resolve().parents[2] / "service" / "templates"
    vietnamese, english = ((folder / f"help-{lang}.html").read_text(encoding="utf-8") for lang in ("vi", "en"))
    assert re.findall(r'href="(/\w+)', vietnamese) == re.findall(r'href="(/\w+)', english)
    assert vietnamese.count("<h2>") == english.count("<h2>")


def test_every_page_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    table = text.split("## Pages")[1].split("\n## ")[0]
    told = {word.partition("?")[0] for word in re.findall(r"[ `](/[^` ,]*)", table)}
    told |= {f"/{name}.{{form}}" for name in ("coverage", "families", "gaps", "targets")}
    modules = (
        pages,
        pages_document,
        pages_files,
        pages_overview,
        pages_queue,
        pages_search,
        pages_tagging,
        pages_work,
        report,
        signing,
    )
    routes = [route for module in modules for route in module.router.routes if isinstance(route, APIRoute)]
    found = {re.sub(r"\{\w*id(:path)?\}", "{id}", route.path) for route in routes}
    assert len(found) > 20
    assert found - told == set()
