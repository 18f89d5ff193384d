"""The web pages: what they show, in both languages, safely and without a script."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient
from lxml import html

from corpus.types import Target
from index.differences import Change
from service import pages, pages_search
from service.app import create_app
from service.ingest import ingest
from service.pages import differing, endpoints, figure, marked, spans, strings
from service.workspace import Workspace
from tests.markup import inline

KEY = "a key for tests"


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
    chosen = "//option[@selected][not(ancestor::details)]"
    assert [option.text for option in found.xpath(chosen)] == ["Cà Mau"]
    assert found.xpath("//input[@type='radio'][@checked]/@value") == ["green_distribution"]
    assert found.xpath("count(//option[(@selected or @value='') and not(ancestor::details)])") == 3
    assert all("Cà Mau" in title for title in found.xpath("//ol[@class='hits']//h2//text()") if title.strip())


@pytest.mark.parametrize("query", ["", "siêu thị"])
@pytest.mark.parametrize(("lang", "chip"), [("vi", "Tên khi ban hành ×"), ("en", "Name when published ×")])
def test_a_province_by_the_name_it_published_under(client: TestClient, query: str, lang: str, chip: str) -> None:
    """Bắc Kạn is part of Thái Nguyên today; the form offers both names."""
    start = page(client, f"/?lang={lang}")
    assert {"Bắc Kạn", "Thái Nguyên"} <= {option.text for option in start.xpath("//select[@name='province']/option")}
    assert start.xpath("//select[@name='province_as']//option[@selected]/@value") == ["either"]
    assert not start.xpath("//form//details[@open]")

    def total(**given: str) -> str:
        asked = urlencode({"q": query, "lang": lang, **given})
        return page(client, f"/?{asked}").xpath("string(//p[@role='status']/strong)")

    published = total(province="Bắc Kạn", province_as="published")
    assert published not in ("", "0")
    assert total(province="Thái Nguyên", province_as="today") == total(province="Thái Nguyên") == published
    assert total(province="Thái Nguyên", province_as="published") in ("", "0")
    assert total(province="Bắc Kạn", province_as="today") in ("", "0")

    found = page(client, f"/?lang={lang}&q={query}&province=Bắc+Kạn&province_as=published")
    assert found.xpath("//form//details[@open]//option[@selected]/@value") == ["published"]
    chips = {
        " ".join(a.text_content().split()).split(": ")[-1]: a.get("href")
        for a in found.xpath("//ul[@class='filters']//a")
    }
    kept = dict(parse_qsl(urlsplit(chips[chip]).query))
    assert kept == {"lang": lang, "province": "Bắc Kạn"} | ({"q": query} if query else {})
    assert "province" not in chips["Bắc Kạn ×"]


def test_which_name_is_meant_says_nothing_without_a_province(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_search, "LIMIT", 4)
    found = page(client, "/?q=rác+thải&province_as=today")
    assert not found.xpath("//ul[@class='filters']")
    following = found.xpath("//nav[@class='pager']/a[@rel='next']/@href")
    assert page(client, following[0]).xpath("//ol[@class='hits']/li")


def facet_links(found: html.HtmlElement) -> dict[str, str]:
    links = found.xpath("//nav[@class='facets']//li/a")
    return {" ".join(link.text_content().split()): link.get("href") for link in links}


def test_each_facet_leads_to_hits_that_have_it_and_its_chip_back(client: TestClient) -> None:
    start = "/?q=phân+loại+rác+tại+nguồn"
    found = page(client, start)
    counted = client.get("/v1/search", params={"q": "phân loại rác tại nguồn"}).json()["facets"]
    links = facet_links(found)
    assert links.keys() >= {
        f"Nhiệm vụ, giải pháp {counted['kind']['task']}", f"Cà Mau {counted['province_today']['Cà Mau']}",
        f"Bắc Kạn {counted['province']['Bắc Kạn']}", f"2024 {counted['year']['2024']}",
        f"Kế hoạch {counted['type']['Kế hoạch']}", f"Có chỉ tiêu {counted['has_target']['true']}",
    }  # fmt: skip
    fields = set()
    for name, href in links.items():
        asked = dict(parse_qsl(urlsplit(href).query))
        (field,) = set(asked) - {"q", "lang"}
        fields.add(field)
        narrowed = page(client, href)
        told = client.get("/v1/search", params={"k": 20, **asked}).json()
        total, hits = sum(told["facets"]["has_target"].values()), told["hits"]
        assert narrowed.xpath("string(//*[@role='status']/strong)") == str(total), name
        assert len(narrowed.xpath("//ol[@class='hits']/li")) == len(hits)
        chip = narrowed.xpath("//ul[@class='filters']//a")
        assert [" ".join(link.text_content().split()).split(": ")[-1] for link in chip] == [
            f"{name.rpartition(' ')[0]} ×"
        ]
        assert dict(parse_qsl(urlsplit(chip[0].get("href")).query)) == {"q": asked["q"], "lang": "vi"}
        chosen = narrowed.xpath("//nav[@class='facets']//a[@aria-current='true']/@href")
        assert chosen == ([chip[0].get("href")] if hits else [])
    assert fields == {"task_group", "kind", "province", "region", "year", "type", "has_target"}


def test_pages_of_hits_go_on_until_all_were_shown(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_search, "LIMIT", 4)
    path, hits = "/?q=rác+thải&lang=en", []
    last = 0
    while path:
        found = page(client, path)
        last += 1
        links = found.xpath("//ol[@class='hits']//h2/a/@href")
        assert 0 < len(links) <= 4
        assert found.xpath("//ol[@class='hits']/@start") == [str(len(hits) + 1)]
        total = int(found.xpath("string(//*[@role='status']/strong)"))
        hits += links
        back = found.xpath("//nav[@class='pager']/a[not(@rel)]/@href")
        assert back == ([] if last == 1 else ["/?lang=en&q=r%C3%A1c+th%E1%BA%A3i"])
        path = next(iter(found.xpath("//nav[@class='pager']/a[@rel='next']/@href")), "")
    # Later pages look deeper, so the last one knows how many there are.
    assert (len(hits), len(set(hits)), last > 1) == (total, total, True)


def test_a_new_query_keeps_filters_that_the_form_does_not_show(client: TestClient) -> None:
    address = "/?q=rác&kind=task&type=Kế+hoạch&has_target=false&province=ca+mau"
    found = page(client, address)
    hidden = found.xpath("//form[@role='search']//input[@type='hidden']")
    sent = {field.get("name"): field.get("value") for field in hidden}
    assert sent == {"lang": "vi", "kind": "task", "type": "Kế hoạch", "has_target": "false"}
    assert [option.text for option in found.xpath("//option[@selected][not(ancestor::details)]")] == ["Cà Mau"]
    assert len(found.xpath("//ul[@class='filters']/li")) == 5
    cleared = page(client, found.xpath("//ul[@class='filters']//a[@class='all']/@href")[0])
    assert not cleared.xpath("//ul[@class='filters']")


def test_filters_without_a_query_list_what_passes_all_of_them(client: TestClient) -> None:
    found = page(client, "/?kind=objective&province=Cà+Mau&has_target=true")
    document = client.get("/v1/documents", params={"province": "Cà Mau"}).json()["documents"][0]["document_id"]
    paragraphs = [
        client.get(f"/v1/paragraphs/{paragraph['paragraph_id'].replace('#', '%23')}").json()
        for paragraph in client.get(f"/v1/documents/{document}").json()["paragraphs"]
        if paragraph["kind"] == "objective"
    ]
    wanted = sum(bool(paragraph["targets"]) for paragraph in paragraphs)
    assert found.xpath("string(//*[@role='status']/strong)") == str(wanted) != "0"
    assert len(found.xpath("//ol[@class='hits']/li")) == wanted


def test_the_largest_page_of_hits_is_small(client: TestClient) -> None:
    for path in ("/?q=rác+thải", "/?q=" + "phân+loại+rác+tại+nguồn+" * 80):
        response = client.get(path)
        assert 'nav class="facets"' in response.text
        sizes = [int(response.headers["content-length"])]
        sizes += [len(gzip.compress(client.get(f"/static/{name}").content)) for name in ("style.css", "suggest.js")]
        assert sum(sizes) < 60_000


def test_the_language_switch_keeps_the_query(client: TestClient) -> None:
    link = page(client, "/?q=điện+gió&province=Cà+Mau").xpath("//a[@hreflang='en']/@href")[0]
    english = page(client, link)
    assert english.get("lang") == "en"
    assert english.xpath("//input[@name='q']/@value") == ["điện gió"]
    assert "Renewable energy" in english.text_content()


def test_both_languages_have_all_texts() -> None:
    vietnamese, english = strings()["vi"], strings()["en"]
    assert list(vietnamese) == list(english)
    assert all(vietnamese.values())
    assert all(english.values())


def test_every_text_is_used() -> None:
    folder = Path(pages.__file__).parent
    sources = "".join(
        path.read_text(encoding="utf-8") for path in [*folder.glob("templates/*.html"), *folder.glob("pages*.py")]
    )
    kinds_of_difference = {"value", "deadline", "agency", "scope"}
    used = (
        set(re.findall(r"\bt\.(\w+)", sources)) | set(re.findall(r'\[lang\]\["(\w+)"\]', sources)) | kinds_of_difference
    )
    assert set(strings()["vi"]) == used


def test_the_first_page_offers_examples(client: TestClient) -> None:
    assert len(page(client, "/").xpath("//p[@class='examples']/a")) == 3


def test_a_document_shows_metadata_outline_and_targets(client: TestClient) -> None:
    found = page(client, "/documents/cao-bang/1043-kh-ubnd-2021")
    text = " ".join(found.text_content().split())
    for part in ("1043/KH-UBND", "07/05/2021", "Nguyễn Bích Ngọc", "889/QĐ-TTg"):
        assert part in text
    assert found.xpath("//details[@class='outline']//a")
    assert any("5 – 8 %" in " ".join(t.text_content().split()) for t in found.xpath("//*[@class='target']"))
    assert "5-8%" in " ".join(mark.text for mark in found.xpath("//div[@class='paragraph']//mark"))


def test_a_merged_province_says_where_it_is_today(client: TestClient) -> None:
    document = client.get("/v1/documents", params={"province": "Bắc Kạn"}).json()["documents"][0]["document_id"]
    assert "nay thuộc Thái Nguyên" in page(client, f"/documents/{document}").text_content()


def test_comparison_shows_both_sides(client: TestClient) -> None:
    found = page(client, "/compare?a=Cao+Bằng&b=Cà+Mau")
    assert found.xpath("//section[@class='pair']")
    assert len(found.xpath("//details[@class='only']")) == 2
    assert "Khác nhau" in found.text_content()
    assert len(found.xpath("//a[@class='anchor']")) > 2 * len(found.xpath("//section[@class='pair']"))
    assert "khác nhau" in page(client, "/compare?a=Cà+Mau&b=Cà+Mau").xpath("string(//*[@role='alert'])")
    assert "Atlantis" in page(client, "/compare?a=Atlantis&b=Cà+Mau").xpath("string(//*[@role='alert'])")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?q=siêu+thị",
        "/compare?a=Cao+Bằng&b=Cà+Mau",
        "/documents/cao-bang/1043-kh-ubnd-2021",
        "/docs",
        "/?lang=en",
    ],
)
def test_pages_need_no_script_and_are_labelled(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe-inline" not in response.headers["content-security-policy"]
    assert inline(response.text) == []
    found = html.document_fromstring(response.text)
    ids = found.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert found.get("lang") in ("vi", "en")
    assert found.xpath("//body/a[@class='skip']/@href") == [f"#{found.xpath('//main/@id')[0]}"]
    assert not found.xpath("//link[starts-with(@href, 'http')] | //img | //iframe")
    named = {label.get("for") for label in found.xpath("//label")}
    fields = found.xpath("//input[not(@type='hidden')] | //select")
    assert all(field.getparent().tag == "label" or field.get("id") in named for field in fields)
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


@pytest.mark.parametrize(
    ("target", "vietnamese", "english"),
    [
        (Target("x", ">=", (85.0,), "%"), "≥ 85 %", "≥ 85 %"),
        (Target("x", "=", (100.05,), "MW"), "100,05 MW", "100.05 MW"),
        (Target("x", "<=", (1250000.0,), "tấn"), "≤ 1.250.000 tấn", "≤ 1,250,000 tấn"),
        (Target("x", "range", (0.5, 2.0), ""), "0,5 – 2", "0.5 – 2"),
    ],
)
def test_figures_are_written_as_in_the_language(target: Target, vietnamese: str, english: str) -> None:
    assert (figure(target, "vi"), figure(target, "en")) == (vietnamese, english)


def test_spans_of_targets_do_not_overlap() -> None:
    found = spans(Target("x", "=", (1,), "", span=span) for span in [(8, 9), (0, 5), (3, 6), (0, 0), (6, 8)])
    assert found == [(0, 5), (6, 8), (8, 9)]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_browser_is_told_of_an_error_in_a_page(client: TestClient, lang: str) -> None:
    for path, status in (
        ("/documents/none", 404),
        ("/nowhere", 404),
        ("/?year=soon", 422),
        ("/?q=x&task_group=none", 400),
        ("/?q=x&cursor=none", 400),
        ("/?kind=none", 422),
    ):
        address = f"{path}{'&' if '?' in path else '?'}lang={lang}"
        response = client.get(address, headers={"accept": "text/html,*/*"})
        assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=utf-8")
        found = html.document_fromstring(response.text)
        assert found.get("lang") == lang
        # In the language of the page what to do, then in English what was wrong.
        said, detail = found.xpath("//*[@role='alert']/p")
        assert said.text == strings()[lang]["problem_404" if status == 404 else "problem_value"]
        assert (detail.get("lang"), str(status) in detail.text) == ("en", True)
        assert client.get(address).headers["content-type"] == "application/problem+json"
    assert client.get("/v1/none", headers={"accept": "text/html"}).headers["content-type"] == "application/problem+json"


def test_examples_of_the_api_page_run(client: TestClient, seeded: None) -> None:
    shown = list(endpoints(client.get("/openapi.json").json()))
    assert len(shown) == 33
    for endpoint in shown:
        sent = {"headers": {"x-api-key": KEY}}
        if endpoint["form"]:
            sent["files"] = {"files": ("plan.txt", "KẾ HOẠCH\nTHU GOM RÁC\nI. NHIỆM VỤ\n- Thu gom rác.\n")}
        elif endpoint["body"]:
            sent["content"] = endpoint["body"].encode()
            sent["headers"]["content-type"] = endpoint["media_type"]
        response = client.request(endpoint["method"], endpoint["address"], **sent)
        expected = (503, 200) if endpoint["path"] == "/health/ready" else (200, 201, 202, 204)
        assert response.status_code in expected, (endpoint, response.text)


READY = [
    {"id": "a 1#x y", "doc": "D #1? 50%", "province": "Atlantis", "text": "Lắp điện mặt trời áp mái."},
    {"id": "_main", "doc": "E", "text": "Thu gom rác thải nhựa."},
    *({"id": f"long-{n}", "doc": "L", "text": f"Trồng cây đợt {n}."} for n in range(1, 502)),
]


def test_ids_of_ready_paragraphs_may_be_anything(space: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "ready.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in READY), encoding="utf-8")
    assert all(report.is_usable for report in ingest([file], space))
    with TestClient(create_app(space.settings, space)) as client:
        for query, part in (("điện mặt trời", "x%20y"), ("rác thải nhựa", "_main"), ("trồng cây đợt 501", "long-501")):
            link = page(client, f"/?q={query}").xpath("//ol[@class='hits']//a/@href")[0]
            assert link.endswith(f"#{part}")
            assert len(page(client, link).xpath(f"//div[@class='text']//*[@id='{part}']")) == 1
        assert page(client, "/?q=điện&province=Atlantis").xpath("//ol[@class='hits']/li")


def test_an_empty_store_says_how_to_fill_it(space: Workspace) -> None:
    with TestClient(create_app(space.settings, space)) as empty:
        assert "kehoach ingest" in empty.get("/").text


def test_the_comparison_marks_the_words_that_differ(client: TestClient) -> None:
    body = client.get("/v1/compare", params={"a": "Cao Bằng", "b": "Cà Mau"}).json()
    found = page(client, "/compare?a=Cao+Bằng&b=Cà+Mau&lang=en")
    sections = found.xpath("//section[@class='pair']")
    assert len(sections) == len(body["aligned"]) > 0
    for section, pair in zip(sections, body["aligned"], strict=True):
        for side, shown in zip("ab", section.xpath("./div[@lang='vi']"), strict=True):
            wanted = [pair[side]["text"][slice(*c[side])] for c in pair["changes"] if c[side]]
            marks = shown.xpath(".//mark")
            assert [mark.text_content().partition(": ")[2][:-1] for mark in marks] == wanted
            heard = {"changed": "[worded otherwise: ", "added": "[only here: "}
            assert [mark.xpath("string(span[1])") for mark in marks] == [heard[mark.get("class")] for mark in marks]
    assert any(c["a"] and c["b"] for pair in body["aligned"] for c in pair["changes"])


def test_marks_of_a_comparison_are_escaped() -> None:
    told = {"worded_otherwise": "khác", "only_here": "chỉ ở đây"}
    made = differing("a <b> & c", [Change((2, 5), (0, 1)), Change(None, (3, 4)), Change((8, 9), None)], "a", told)
    assert str(made) == (
        'a <mark class="changed"><span class="unseen">[khác: </span>&lt;b&gt;<span class="unseen">]</span></mark> &amp; '
        '<mark class="added"><span class="unseen">[chỉ ở đây: </span>c<span class="unseen">]</span></mark>'
    )
