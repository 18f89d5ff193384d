"""Comparing provinces and plans: who is meant, merged provinces in both views, errors, what is embedded, how it is shown."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from lxml import html
from rich.console import Console

from corpus.store import Filter
from index.align import compare
from index.differences import changes
from index.view import View
from models.embedder import Embedder
from service import show
from service.app import create_app
from service.comparing import Compared, compare_named, titles_of
from service.errors import NothingUsableError, UsageError
from service.forms import comparison_form
from service.ingest import ingest
from service.pages import render_text
from service.report import report_on
from service.schemas import Comparison
from service.settings import Settings
from service.workspace import Workspace

BAGS = "Đến năm {}, {}% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường."
SOLAR = "Lắp đặt điện mặt trời trên mái các trụ sở cơ quan nhà nước trong tỉnh."
FOREST = "Trồng mới 1.000 ha rừng phòng hộ đầu nguồn."
TAKEN = "70% khu công nghiệp, cụm công nghiệp, làng nghề được nâng cao nhận thức về sản xuất và tiêu dùng bền vững."
LONG = f"Trồng cây xanh {'dọc các tuyến đường trung tâm, ' * 8}mỗi năm 500 cây."
PLANS = {
    "cb/2021": ("Cao Bằng", [BAGS.format(2025, 85), SOLAR]),
    "cb/2023": ("Cao Bằng", [BAGS.format(2030, 100), FOREST]),
    "bk/2021": ("Bắc Kạn", [BAGS.format(2025, 70), TAKEN]),
    "tn/2022": ("Thái Nguyên", [SOLAR]),
    "hg/2022": ("Hà Giang", [TAKEN, LONG]),
}
TODAY, THEN = View(), View(as_published=True)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, loaded: Workspace) -> Iterator[Workspace]:
    """Five plans of four provinces, two of which are one today."""
    home = tmp_path_factory.mktemp("comparing")
    rows = [
        {"id": f"{doc}#{n}", "doc": doc, "province": province, "text": text}
        for doc, (province, texts) in PLANS.items()
        for n, text in enumerate(texts)
    ]
    file = home / "plans.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    space = Workspace(Settings(home=home, cache=loaded.settings.cache))
    space.__dict__.update({n: loaded.__dict__[n] for n in ("groups", "embedder", "query_embedder", "default_embedder")})
    space.__dict__.update({n: loaded.__dict__[n] for n in ("tagger", "clause_embedder", "matcher")})
    assert all(report.is_usable for report in ingest([file], space))
    yield space
    space.close()


@pytest.fixture(scope="module")
def client(stored: Workspace) -> Iterator[TestClient]:
    with TestClient(create_app(stored.settings, stored), raise_server_exceptions=False) as opened:
        yield opened


def texts(compared: Compared) -> tuple[set[tuple[str, str]], set[str], set[str]]:
    found = compared.clauses
    paired = {(pair.a.text, pair.b.text) for pair in found.aligned}
    return paired, {side.text for side in found.only_a}, {side.text for side in found.only_b}


def test_two_plans_of_one_province_are_compared(stored: Workspace) -> None:
    compared = compare_named(stored, "cb/2021", "cb/2023", TODAY)
    assert texts(compared) == ({(BAGS.format(2025, 85), BAGS.format(2030, 100))}, {SOLAR}, {FOREST})
    assert (compared.a.documents, compared.b.documents) == (("cb/2021",), ("cb/2023",))
    assert {d.kind for d in compared.clauses.aligned[0].differs} == {"value", "deadline"}


def test_a_plan_is_compared_with_another_province(stored: Workspace) -> None:
    compared = compare_named(stored, "thai nguyen", "cb/2023", TODAY)
    assert (compared.a.name, compared.b.name) == ("Thái Nguyên", "cb/2023")
    assert texts(compared) == ({(BAGS.format(2025, 70), BAGS.format(2030, 100))}, {SOLAR, TAKEN}, {FOREST})


@pytest.mark.parametrize("name", ["Thái Nguyên", "Bắc Kạn"])
def test_today_a_merged_province_has_the_plans_of_both_once(stored: Workspace, name: str) -> None:
    compared = compare_named(stored, "Cao Bằng", name, TODAY)
    assert compared.b.name == "Thái Nguyên"
    assert sorted(compared.b.documents) == ["bk/2021", "tn/2022"]
    # Of the aims of both plans of Cao Bằng one joins the pair of the other; nothing of Thái Nguyên stands twice.
    solar, bags = sorted(compared.clauses.aligned, key=lambda pair: pair.a.text)
    assert (len(bags.also_a), bags.also_b, solar.also_a, solar.also_b) == (1, (), (), ())
    assert texts(compared)[1:] == ({FOREST}, {TAKEN})


def test_as_published_each_province_has_its_own(stored: Workspace) -> None:
    assert compare_named(stored, "Cao Bằng", "Bắc Kạn", THEN).b.documents == ("bk/2021",)
    merged = compare_named(stored, "Bắc Kạn", "Thái Nguyên", THEN)
    assert (merged.a.documents, merged.b.documents) == (("bk/2021",), ("tn/2022",))


@pytest.mark.parametrize(
    ("a", "b", "view", "error", "named"),
    [
        ("Atlantis", "Cao Bằng", TODAY, UsageError, ("'Atlantis'", "63 provinces", "ids of plans")),
        ("cb/2022", "Cao Bằng", TODAY, UsageError, ("'cb/2022'", "cb/2021", "cb/2023")),
        ("Bắc Kạn", "Thái Nguyên", TODAY, UsageError, ("both Thái Nguyên today", "--as-published", "bk/2021, tn/2022")),
        ("Cao Bằng", "tỉnh cao bằng", TODAY, UsageError, ("got Cao Bằng twice", "cb/2021, cb/2023")),
        ("Bắc Kạn", "bac kan", TODAY, UsageError, ("got Thái Nguyên twice", "bk/2021, tn/2022")),
        ("cb/2021", "cb/2021", TODAY, UsageError, ("got cb/2021 twice",)),
        ("Cao Bằng", "cb/2021", TODAY, UsageError, ("cb/2021 is a plan of Cao Bằng", "cb/2023")),
        ("bk/2021", "Thái Nguyên", TODAY, UsageError, ("bk/2021 is a plan of Thái Nguyên",)),
        ("Cao Bằng", "Cà Mau", TODAY, NothingUsableError, ("Cà Mau", "provinces in it: Cao Bằng, Thái Nguyên, Tuyên Quang")),
        ("Cao Bằng", "Cà Mau", THEN, NothingUsableError, ("provinces in it: Bắc Kạn, Cao Bằng, Hà Giang",)),
    ],
)  # fmt: skip
def test_errors_name_what_would_be_accepted(
    stored: Workspace, a: str, b: str, view: View, error: type[Exception], named: Sequence[str]
) -> None:
    with pytest.raises(error) as raised:
        compare_named(stored, a, b, view)
    assert all(part in str(raised.value) for part in named), str(raised.value)


def test_a_task_group_that_a_plan_lacks_is_named(stored: Workspace) -> None:
    with pytest.raises(NothingUsableError, match="tn/2022 has no paragraphs in task group green_distribution"):
        compare_named(stored, "tn/2022", "cb/2021", TODAY, "green_distribution")
    only = compare_named(stored, "cb/2021", "bk/2021", TODAY, "green_distribution")
    assert SOLAR not in {text for part in texts(only)[1:] for text in part}


def test_the_answer_names_the_plans_and_what_one_side_took_over(client: TestClient) -> None:
    body = client.get("/v1/compare", params={"a": "Cao Bằng", "b": "Bắc Kạn", "as_published": True}).json()
    assert Comparison(**body)
    assert (body["documents_a"], body["documents_b"]) == (["cb/2021", "cb/2023"], ["bk/2021"])
    assert [(side["text"], side["national"]) for side in body["only_b"]] == [(TAKEN, "zones_informed")]
    assert {side["national"] for side in body["only_a"]} == {None}
    plans = client.get("/v1/compare", params={"a": "cb/2021", "b": "cb/2023"}).json()
    assert (plans["a"], plans["b"], len(plans["aligned"])) == ("cb/2021", "cb/2023", 1)
    assert client.get("/v1/compare", params={"a": "cb/2021", "b": "cb/1999"}).status_code == 400


def page(client: TestClient, **query: object) -> html.HtmlElement:
    response = client.get("/compare", params=query)
    assert response.status_code == 200
    return html.document_fromstring(response.text)


def test_the_page_offers_plans_of_the_provinces_chosen(client: TestClient) -> None:
    def options(found: html.HtmlElement) -> list[list[str]]:
        groups = found.xpath("//select[@name='a']/optgroup")
        return [[o.get("value", o.text) for o in group.iter("option")] for group in groups]

    assert options(page(client)) == [["Cao Bằng", "Thái Nguyên", "Tuyên Quang"]]
    same = page(client, a="Cao Bằng", b="Cao Bằng")
    assert options(same) == [["Cao Bằng", "Thái Nguyên", "Tuyên Quang"], ["cb/2021", "cb/2023"]]
    assert same.xpath("//*[@role='alert']")
    own = page(client, a="Cao Bằng", b="cb/2021").xpath("string(//*[@role='alert'])")
    assert "hai văn bản của tỉnh này" in own
    then = page(client, a="bk/2021", as_published=True)
    assert options(then) == [["Bắc Kạn", "Cao Bằng", "Hà Giang", "Thái Nguyên"], ["bk/2021"]]
    assert then.xpath("//select[@name='a']//option[@selected]/@value") == ["bk/2021"]
    assert page(client, a="Bắc Kạn").xpath("//select[@name='a']//option[@selected]/text()") == ["Thái Nguyên"]
    # What cannot be meant is neither chosen nor taken for a choice of the same twice.
    assert not page(client, a="Atlantis").xpath("//*[@role='alert'] | //option[@selected]")


def test_the_page_compares_plans_and_says_what_is_taken_over(client: TestClient) -> None:
    found = page(client, a="cb/2021", b="bk/2021", lang="en")
    assert found.xpath("//section[@class='pair']//h3/text()") == ["cb/2021", "bk/2021"]
    flagged = found.xpath("//details[@class='only']//li[.//*[contains(., 'Decision 889')]]/div")
    assert [TAKEN in clause.text_content() for clause in flagged] == [True]
    link = html.document_fromstring(client.get("/documents/cb/2021").text).xpath("//a[starts-with(@href, '/compare?')]")
    assert page(client, a="cb/2021").xpath("//option[@selected]/@value") == ["cb/2021"]
    assert "a=cb%2F2021" in next(a.get("href") for a in link if "a=" in a.get("href"))


def test_the_page_says_whose_a_clause_is_where_the_heading_does_not(client: TestClient) -> None:
    def sources(**query: object) -> set[str]:
        return set(page(client, **query).xpath("//p[@class='path']/text()"))

    assert sources(a="hg/2022", b="Bắc Kạn") == {"Bắc Kạn", "Thái Nguyên"}
    assert sources(a="hg/2022", b="Bắc Kạn", as_published=True) == set()


def test_titles_tell_plans_apart(stored: Workspace) -> None:
    bare = stored.store.documents("Cao Bằng")[0]
    one, other = replace(bare, id="1", number="1/KH-UBND", year=2021), replace(bare, id="2", number="2/KH-UBND")
    same = replace(one, id="3")
    assert titles_of([bare, one, other]) == {
        bare.id: bare.id,
        "1": "Cao Bằng · 1/KH-UBND · 2021",
        "2": "Cao Bằng · 2/KH-UBND",
    }
    assert titles_of([one, same, other]) == {"1": "1", "3": "3", "2": "Cao Bằng · 2/KH-UBND"}


class Counting:
    """An embedder that counts."""

    def __init__(self, embedder: Embedder) -> None:
        self.id, self.dimension, self._embedder = embedder.id, embedder.dimension, embedder
        self.count = 0

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        self.count += len(texts)
        return self._embedder.embed_queries(texts)


def test_what_is_compared_again_is_not_embedded_again(stored: Workspace, loaded: Workspace) -> None:
    space = Workspace(stored.settings)
    counting = Counting(loaded.clause_embedder)
    space.__dict__.update({"default_embedder": loaded.default_embedder, "clause_embedder": counting})
    first = compare_named(space, "Cao Bằng", "Thái Nguyên", TODAY)
    assert counting.count > 0
    counting.count = 0
    again = compare_named(space, "Cao Bằng", "Thái Nguyên", TODAY)
    turned = compare_named(space, "bk/2021", "Cao Bằng", TODAY)
    assert counting.count == 0
    assert comparison_form(again) == comparison_form(first)
    assert turned.clauses.aligned
    report_on(space, stored.families, "Cao Bằng", "Thái Nguyên", TODAY)
    assert counting.count == 0
    space.close()


def test_the_report_says_what_is_taken_over(stored: Workspace) -> None:
    report = report_on(stored, stored.families, "Cao Bằng", "Bắc Kạn", THEN)
    assert [(part.unmatched, part.taken) for part in report.parts] == [(2, 0), (1, 1)]
    # Cao Bằng shares with Thái Nguyên what is their own, Bắc Kạn with Hà Giang what both took over.
    assert [[taken for _, taken in part.only] for part in report.parts] == [[False], [True]]
    page = render_text(stored, "report.html", "en", report=report, style="")
    assert page.count("nearly word for word from Decision 889") == 2
    assert "(2 provinces have it; nearly word" in " ".join(page.split())


def test_what_the_report_cuts_short_is_marked(stored: Workspace) -> None:
    longer = replace(stored.store.paragraphs(Filter(document_id="hg/2022"))[1], key=-1, text=LONG)
    pair = compare("A", "B", [longer], [longer], stored.matcher).aligned[0]
    report = replace(report_on(stored, stored.families, "Cao Bằng", "Bắc Kạn", THEN), aligned=1, pairs=[pair])
    shown = html.document_fromstring(render_text(stored, "report.html", "vi", report=report, style=""))
    clauses = [p.text_content().partition(": ")[2] for p in shown.xpath("//section[@class='pair']/p[@lang='vi']")]
    assert [clause[-4:] for clause in clauses] == [" […]", " […]"]
    assert all(LONG.startswith(clause[:-4]) and len(clause) <= 190 for clause in clauses)


def test_the_terminal_marks_what_differs(stored: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, color_system="standard", width=240, highlight=False)
    monkeypatch.setattr(show, "out", console)
    show.show_comparison(compare_named(stored, "cb/2021", "cb/2023", TODAY), 5)
    shown = written.getvalue()
    changed = "\x1b[1;33m{}\x1b[0m"
    a, b = BAGS.format(2025, 85), BAGS.format(2030, 100)
    for change in changes(a, b):
        assert change.a
        assert change.b
        assert changed.format(a[slice(*change.a)]) in shown
        assert changed.format(b[slice(*change.b)]) in shown
    assert "siêu thị thay túi ni lông" in shown
    assert changed.format("worded otherwise") in shown


def test_words_of_one_clause_alone_are_marked_otherwise() -> None:
    marked = show._differing("một hai ba", [((0, 3), (0, 1)), ((8, 10), None), (None, (4, 5))])
    assert [(s.start, s.end, s.style) for s in marked.spans] == [(0, 3, "bold yellow"), (8, 10, "underline green")]


def test_the_terminal_says_what_one_side_took_over(
    stored: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(show, "out", Console(file=written, width=240, highlight=False))
    show.show_comparison(compare_named(stored, "cb/2021", "bk/2021", TODAY), 5)
    lines = [line for line in written.getvalue().splitlines() if line.startswith("  • ")]
    assert [("Decision 889" in line, TAKEN in line) for line in lines] == [(False, False), (True, True)]
    assert "Marked" not in written.getvalue()
