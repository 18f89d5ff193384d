"""The web pages: what they show, in both languages, safely and without a script."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from lxml import html

from service.pages import marked, strings


def page(client: TestClient, path: str) -> html.HtmlElement:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return html.document_fromstring(response.text)


def test_hits_are_marked_and_linked_to_their_paragraph(client: TestClient) -> None:
    found = page(client, "/?q=nang+luong+mat+troi")
    assert "mặt trời" in {mark.text for mark in found.iter("mark")}
    assert "Hiểu là: năng lượng mặt trời" in " ".join(found.text_content().split())
    assert found.xpath("//*[contains(@class, 'chip renewable_energy')]")
    link = found.xpath("//ol[@class='hits']//a/@href")[0]
    target = page(client, link)
    assert target.get_element_by_id(link.partition("#")[2]) is not None


def test_filters_stay_chosen_and_hold(client: TestClient) -> None:
    found = page(client, "/?q=siêu+thị&province=Cà+Mau&task_group=green_distribution")
    assert [option.text for option in found.xpath("//option[@selected]")] == ["Cà Mau", "Phân phối xanh"]
    assert all("Cà Mau" in title for title in found.xpath("//ol[@class='hits']//h2//text()") if title.strip())


def test_the_language_switch_keeps_the_query(client: TestClient) -> None:
    link = page(client, "/?q=điện+gió&province=Cà+Mau").xpath("//a[@hreflang='en']/@href")[0]
    english = page(client, link)
    assert english.get("lang") == "en"
    assert english.xpath("//input[@name='q']/@value") == ["điện gió"]
    assert "Renewable energy" in english.text_content()


def test_both_languages_have_all_texts() -> None:
    vietnamese, english = strings()["vi"], strings()["en"]
    assert set(vietnamese) == set(english)
    assert all(vietnamese.values())
    assert all(english.values())


def test_the_first_page_offers_examples(client: TestClient) -> None:
    assert len(page(client, "/").xpath("//p[@class='examples']/a")) == 3


def test_a_document_shows_metadata_outline_and_targets(client: TestClient) -> None:
    found = page(client, "/documents/cao-bang/1043-kh-ubnd-2021")
    text = " ".join(found.text_content().split())
    for part in ("1043/KH-UBND", "07/05/2021", "Nguyễn Bích Ngọc", "889/QĐ-TTg"):
        assert part in text
    assert found.xpath("//details[@class='outline']//a")
    assert any("5 – 8 %" in " ".join(t.text_content().split()) for t in found.xpath("//*[@class='target']"))


def test_a_merged_province_says_where_it_is_today(client: TestClient) -> None:
    document = client.get("/v1/documents", params={"province": "Bắc Kạn"}).json()["documents"][0]["document_id"]
    assert "nay thuộc Thái Nguyên" in page(client, f"/documents/{document}").text_content()


def test_comparison_shows_both_sides(client: TestClient) -> None:
    found = page(client, "/compare?a=Cao+Bằng&b=Cà+Mau")
    assert found.xpath("//section[@class='pair']")
    assert len(found.xpath("//details[@class='only']")) == 2
    assert "Khác nhau" in found.text_content()
    assert "Atlantis" in page(client, "/compare?a=Atlantis&b=Cà+Mau").xpath("string(//*[@role='alert'])")


@pytest.mark.parametrize(
    "path", ["/", "/?q=siêu+thị", "/compare?a=Cao+Bằng&b=Cà+Mau", "/documents/cao-bang/1043-kh-ubnd-2021"]
)
def test_pages_need_no_script_and_are_labelled(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"<script|\son\w+=|style=", response.text)
    found = html.document_fromstring(response.text)
    ids = found.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert all(field.getparent().tag == "label" for field in found.xpath("//input[not(@type='hidden')] | //select"))
    assert len(found.xpath("//h1")) == 1
    assert len(response.content) < 200_000


@pytest.mark.parametrize("query", ["<script>alert(1)</script>", "\"'><img src=x>", "{{ 7*7 }}", "&lt;b&gt;"])
def test_what_is_typed_stays_text(client: TestClient, query: str) -> None:
    response = client.get("/", params={"q": query})
    assert html.document_fromstring(response.text).xpath("//input[@name='q']/@value") == [query]
    assert "<script>alert" not in response.text
    assert "<img" not in response.text


def test_marks_escape_what_they_enclose() -> None:
    assert marked("a<b>c", [(1, 4)]) == "a<mark>&lt;b&gt;</mark>c"


def test_an_empty_store_says_how_to_fill_it(space) -> None:
    from service.app import create_app

    with TestClient(create_app(space.settings, space)) as empty:
        assert "kehoach ingest" in empty.get("/").text
