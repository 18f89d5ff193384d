"""What looks over all plans, over HTTP and on the command line: forms, views, pictures, tables, the report, errors."""

from __future__ import annotations

import csv
import json
import shutil
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from typer.testing import CliRunner

from corpus.national import indicators
from service.charts import coverage_chart, indicator_chart
from service.schemas import Problem
from service.workspace import Workspace

pytestmark = pytest.mark.usefixtures("overviews")
PACKAGING = "supermarkets_green_packaging"


def test_families_and_their_views(client: TestClient) -> None:
    today = client.get("/v1/families").json()["families"]
    assert today
    for family in today:
        assert len(family["provinces"]) >= 2
        assert sum(family["provinces"].values()) == len(family["members"])
        assert {m["counts_for"] for m in family["members"]} == set(family["provinces"])
    assert any("Thái Nguyên" in family["provinces"] for family in today)
    then = client.get("/v1/families", params={"as_published": True}).json()["families"]
    assert not any("Thái Nguyên" in family["provinces"] for family in then)
    assert {family["family_id"] for family in then} == {family["family_id"] for family in today}
    packaging = [f for f in then if {"Bắc Kạn", "Cao Bằng"} <= set(f["provinces"]) and "siêu thị" in f["title"].lower()]
    assert packaging[0]["strongest"]["values"] == [100.0]


def test_gaps_say_who_has_what(client: TestClient) -> None:
    body = client.get("/v1/gaps/ca mau").json()
    assert (body["province"], body["region"]) == ("Cà Mau", None)
    assert body["gaps"]
    for gap in body["gaps"]:
        assert gap["of"] == 3
        assert "Cà Mau" not in gap["having"]
        assert len(gap["having"]) == 2
    assert client.get("/v1/gaps/Cà Mau", params={"region": True}).json()["gaps"] == []


@pytest.mark.parametrize(("address", "name"), [("/v1/families", "families"), ("/v1/gaps/Cà Mau", "gaps")])
def test_pages_of_a_list_are_the_list(client: TestClient, address: str, name: str) -> None:
    """Each page is the whole list's own part, in its order; the last one leads nowhere."""
    whole = client.get(address).json()
    assert whole["next_cursor"] is None
    assert len(whole[name]) > 2
    limit, cursor, pages = len(whole[name]) // 2, None, []
    for _ in range(3):
        page = client.get(address, params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page[name]) <= limit
        pages, cursor = pages + page[name], page["next_cursor"]
        if cursor is None:
            break
    assert cursor is None
    assert pages == whole[name]


def test_a_former_province_has_the_gaps_of_today(client: TestClient) -> None:
    assert client.get("/v1/gaps/Bắc Kạn").json()["province"] == "Thái Nguyên"
    assert client.get("/v1/gaps/Bắc Kạn", params={"as_published": True}).json()["province"] == "Bắc Kạn"


@pytest.mark.parametrize(
    ("address", "status", "named"),
    [
        ("/v1/gaps/Atlantis", 400, "63 provinces"),
        ("/v1/gaps/Lào Cai", 404, "Cao Bằng"),
        ("/v1/indicators?indicator=happiness", 400, PACKAGING),
        ("/v1/indicators/happiness.svg", 400, PACKAGING),
        ("/v1/indicators/thương mại.svg", 404, PACKAGING),
        ("/v1/families?least=1", 422, "least"),
        ("/v1/families?limit=0", 422, "limit"),
        ("/v1/families?cursor=MQ", 400, "next_cursor"),
        ("/v1/gaps/Cà Mau?cursor=WyJhIl0", 400, "next_cursor"),
        ("/v1/coverage.svg?lang=fr", 422, "lang"),
    ],
)
def test_errors_say_what_would_be_accepted(client: TestClient, address: str, status: int, named: str) -> None:
    response = client.get(address)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert named in Problem(**response.json()).detail


def test_coverage_counts_each_province_once(client: TestClient) -> None:
    today = client.get("/v1/coverage").json()["provinces"]
    assert [(row["province"], row["published_as"]) for row in today] == [
        ("Cà Mau", ["Cà Mau"]),
        ("Cao Bằng", ["Cao Bằng"]),
        ("Thái Nguyên", ["Bắc Kạn"]),
    ]
    then = client.get("/v1/coverage", params={"as_published": True}).json()["provinces"]
    assert sum(row["paragraphs"] for row in then) == sum(row["paragraphs"] for row in today)
    for row in today:
        assert sum(row["kinds"].values()) == row["paragraphs"]
        assert sum(year["paragraphs"] for year in row["years"]) == row["paragraphs"]
        assert row["shares"]["awareness"] == round(row["task_groups"]["awareness"] / row["paragraphs"], 4)


def test_indicators_rank_beside_the_national_line(client: TestClient) -> None:
    (packaging,) = client.get("/v1/indicators", params={"indicator": PACKAGING}).json()["indicators"]
    assert packaging["national"] == [{"year": 2025, "values": [85.0]}, {"year": 2030, "values": [100.0]}]
    ranked = [(aim["rank"], aim["province"], aim["values"], aim["lead"]) for aim in packaging["aims"] if aim["rank"]]
    assert ranked == [(1, "Cao Bằng", [100.0], 15.0), (2, "Thái Nguyên", [85.0], 0.0)]
    one = client.get("/v1/indicators", params={"indicator": PACKAGING, "province": "bac kan"}).json()["indicators"]
    assert [(aim["rank"], aim["published_as"]) for aim in one[0]["aims"]] == [(2, "Bắc Kạn")]


@pytest.mark.parametrize("address", ["/v1/coverage.svg", f"/v1/indicators/{PACKAGING}.svg"])
def test_pictures_are_whole_and_have_no_scripts(client: TestClient, address: str) -> None:
    for lang in ("vi", "en"):
        response = client.get(address, params={"lang": lang})
        assert response.headers["content-type"].startswith("image/svg+xml")
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(response.text).iter()}
        assert tags <= {"svg", "title", "rect", "text", "g", "line", "circle"}
        assert " style=" not in response.text


def test_pictures_of_nothing_are_whole(client: TestClient) -> None:
    space = client.app.state.workspace
    for picture in (coverage_chart([], space.groups), *(indicator_chart(i, []) for i in indicators())):
        ET.fromstring(picture)


def test_the_report_is_a_page_to_print(client: TestClient) -> None:
    page = client.get("/report", params={"a": "Cao Bằng", "b": "Bắc Kạn", "as_published": True})
    assert page.status_code == 200
    assert "Cao Bằng – Bắc Kạn" in page.text
    assert "/static/report.css" in page.text
    assert "<style" not in page.text
    assert "Two provinces compared" in client.get("/report?a=Cao Bằng&b=Cà Mau&lang=en").text
    assert client.get("/static/report.css").status_code == 200


def test_one_province_is_not_compared_with_itself(client: TestClient) -> None:
    for address in ("/report?a=Bắc Kạn&b=Thái Nguyên", "/v1/compare?a=Bắc Kạn&b=Thái Nguyên"):
        response = client.get(address)
        assert response.status_code == 400
        assert "Bắc Kạn" in response.json()["detail"]


@pytest.fixture(scope="module")
def run(client: TestClient, cache: Path):
    """Run a command over the store of the client; expects the status given."""
    from service.cli import app

    space: Workspace = client.app.state.workspace
    environment = {"KEHOACH_HOME": str(space.settings.home), "KEHOACH_CACHE": str(cache), "COLUMNS": "160"}

    def call(*arguments: object):
        from service.settings import settings

        settings.cache_clear()
        result = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
        settings.cache_clear()
        return result

    return call


def test_commands_print_the_forms_of_http(client: TestClient, run) -> None:
    """But for when it was made and how to go on: a command computes at once, and all."""

    def current(address: str) -> dict:
        body = client.get(address).json()
        assert body.pop("is_current") is True
        assert datetime.fromisoformat(body.pop("as_of")) <= datetime.now(UTC)
        assert body.pop("next_cursor", None) is None
        return body

    assert json.loads(run("coverage", "--json").stdout) == current("/v1/coverage")
    assert json.loads(run("families", "--json").stdout) == current("/v1/families")["families"]
    assert json.loads(run("gaps", "Cà Mau", "--json").stdout) == current("/v1/gaps/Cà Mau")
    found = json.loads(run("targets", "--indicator", "all", "--json").stdout)
    assert found == client.get("/v1/indicators").json()["indicators"]


def test_commands_show_tables(run) -> None:
    # A narrow table breaks names.
    assert {"Thái", "Nguyên", "(Bắc", "Kạn)"} <= set(run("coverage").stdout.split())
    assert "yours does not" in run("gaps", "ca mau").stdout
    assert "provinces  " in run("families", "-k", 1).stdout
    assert "889/QĐ-TTg" in run("targets", "--indicator", PACKAGING).stdout


def test_tables_and_pictures_are_written(run, tmp_path: Path) -> None:
    for command, name in (
        (("coverage",), "coverage.csv"),
        (("families",), "families.csv"),
        (("targets", "--indicator", "all"), "targets.csv"),
    ):
        assert run(*command, "-o", tmp_path / name).exit_code == 0
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert None not in rows[0]
    with (tmp_path / "families.csv").open(encoding="utf-8-sig", newline="") as file:
        first = next(csv.DictReader(file))
    assert int(first["provinces"]) == sum(int(first[place]) > 0 for place in ("Cà Mau", "Cao Bằng", "Thái Nguyên"))
    assert run("targets", "--indicator", PACKAGING, "-o", tmp_path / "t.xlsx").exit_code == 0
    sheet = load_workbook(tmp_path / "t.xlsx")["targets"]
    assert sheet["C2"].value == 1
    assert run("coverage", "-o", tmp_path / "c.svg").exit_code == 0
    ET.parse(tmp_path / "c.svg")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("targets",), "--indicator"),
        (("targets", "--indicator", "happiness"), PACKAGING),
        (("targets", "--indicator", "all", "-o", "all.svg"), "one indicator"),
        (("coverage", "-o", "c.docx"), ".csv"),
        (("report", "Cao Bằng", "Cà Mau", "-o", "r.docx"), ".pdf"),
        (("report", "Bắc Kạn", "Thái Nguyên", "-o", "r.html"), "--as-published"),
        (("gaps", "Atlantis"), "63 provinces"),
    ],
)
def test_wrong_arguments_are_named(run, arguments: tuple[str, ...], named: str) -> None:
    result = run(*arguments)
    assert named in str(result.exception)


def test_the_report_is_written_alone(run, tmp_path: Path) -> None:
    assert run("report", "Cao Bằng", "Cà Mau", "-o", tmp_path / "r.html").exit_code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "@page" in page
    assert "href=" not in page
    assert page.count('class="pair"') <= 4


def test_a_pdf_needs_a_browser_and_says_so(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = run("report", "Cao Bằng", "Cà Mau", "-o", tmp_path / "r.pdf")
    assert "Chromium" in str(result.exception)
    assert not (tmp_path / "r.pdf").exists()


@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_the_report_is_one_page_of_pdf(run, tmp_path: Path) -> None:
    import pypdfium2

    assert run("report", "Cao Bằng", "Cà Mau", "-o", tmp_path / "r.pdf").exit_code == 0
    assert len(pypdfium2.PdfDocument(tmp_path / "r.pdf")) == 1
