"""The pages in a real browser: what an office does in a day, with and without script, by keyboard alone, on a phone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import docx
import pytest

from service import pages_search
from service.middleware import HEADERS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.e2e.conftest import Site

WAIT = 30_000
DOCUMENT = "/documents/cao-bang/1043-kh-ubnd-2021"
PAGES = (
    "/", "/?q=nang+luong+mat+troi", "/?q=rác&kind=task&province=Cà+Mau&province_as=published", "/?province=Cao+Bằng", "/tag", "/compare?a=Cao+Bằng&b=Cà+Mau", "/coverage", "/families",
    "/gaps?province=Cà+Mau", "/report?a=Cao+Bằng&b=Cà+Mau", "/targets", "/targets?indicator=supermarkets_green_packaging",
    DOCUMENT, f"{DOCUMENT}?edit=12",
    "/queue", "/upload", "/jobs", "/feeds?q=điện+gió", "/help", "/docs", "/nowhere",
    "/sign-in",
)  # fmt: skip


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Opens pages, each with settings of its own, signed in where asked; what a page logs as an error fails the test."""
    errors: list[str] = []
    with ExitStack() as stack:

        def make(*, signed_in: bool = False, **options: Any) -> Page:
            context = browser.new_context(base_url=site.address, **options)
            stack.callback(context.close)
            context.set_default_timeout(WAIT)
            page = context.new_page()
            page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            if signed_in:
                page.goto("/sign-in")
                page.get_by_label("Khóa truy cập").fill(site.key)
                page.get_by_role("main").get_by_role("button").click()
                page.wait_for_url("**/")
            return page

        yield make
    assert [error for error in errors if "404" not in error] == []


def plan() -> bytes:
    document = docx.Document()
    for line in (
        "ỦY BAN NHÂN DÂN", "TỈNH QUẢNG NINH", "Số: 77/KH-UBND", "KẾ HOẠCH", "Thu gom pin hỏng trên vịnh năm 2025",
        "I. NHIỆM VỤ", "1. Đặt tủ khóa gom pin hỏng ở mọi bến phà trên vịnh.",
    ):  # fmt: skip
        document.add_paragraph(line)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_suggestions_are_taken_by_keyboard(opened: Callable[..., Page]) -> None:
    page = opened()
    page.goto("/")
    box = page.get_by_role("combobox", name="Nội dung cần tìm")
    box.press_sequentially("nang luong t")
    options = page.get_by_role("option")
    options.first.wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    assert "Năng lượng tái tạo" in options.all_inner_texts()
    box.press("ArrowDown")
    first = options.first
    assert first.get_attribute("aria-selected") == "true"
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    box.press("Escape")
    assert (box.input_value(), box.get_attribute("aria-expanded")) == ("nang luong t", "false")
    box.press("ArrowDown")
    options.first.wait_for()
    wanted = options.first.inner_text()
    box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_url("**/?*q=*")
    assert page.get_by_label("Nội dung cần tìm").input_value() == wanted
    assert page.locator("ol.hits li").count() > 0


def test_suggestions_honour_typed_accents_and_have_no_barriers(opened: Callable[..., Page]) -> None:
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
    from playwright.sync_api import expect

    page = opened()
    page.goto("/")
    page.get_by_role("combobox", name="Nội dung cần tìm").press_sequentially("rác th")
    # Those of what was typed before give way to these. Options of choices have no such attribute.
    shown, wanted = page.locator("[role=option]"), re.compile("rác th", re.IGNORECASE)
    shown.filter(has_text=wanted).first.wait_for()
    expect(shown.filter(has_not_text=wanted)).to_have_count(0)
    found = sync_playwright.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_search_without_diacritics_leads_to_the_paragraph(opened: Callable[..., Page], script: bool) -> None:
    page = opened(java_script_enabled=script)
    page.goto("/")
    page.get_by_label("Nội dung cần tìm").fill("nang luong mat troi")
    page.get_by_role("main").get_by_role("button", name="Tìm kiếm").click()
    assert "năng lượng mặt trời" in page.get_by_role("status").inner_text()
    assert "mặt trời" in page.locator("mark").all_inner_texts()
    page.locator(".hits a").first.click()
    page.wait_for_url("**/documents/**")
    assert page.locator(":target").count() == 1


def test_a_search_by_keyboard_alone(opened: Callable[..., Page]) -> None:
    page = opened()
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("sieu thi")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=sieu*")
    assert "task_group=awareness" in page.url
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.facets .skip')"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('.hits')")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/documents/**")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("width", [390, 1440])
def test_results_are_narrowed_by_clicks_and_widened_again(
    opened: Callable[..., Page], script: bool, width: int
) -> None:
    page = opened(java_script_enabled=script, viewport={"width": width, "height": 900})
    page.goto("/?q=rác+thải")
    total, facets = page.get_by_role("status").locator("strong"), page.get_by_role("navigation", name="Lọc kết quả")
    before = total.inner_text()
    for name, parameter in (("Cà Mau", "province=C%C3%A0+Mau"), ("Nhiệm vụ, giải pháp", "kind=task")):
        if width == 390:
            assert not facets.is_visible()
            page.get_by_text("Lọc kết quả").click()
        link = facets.get_by_role("link", name=name)
        assert int(link.locator(".count").inner_text()) <= int(total.inner_text())
        link.click()
        page.wait_for_url(f"**{parameter}*")
    assert set(page.locator(".hits h2").all_inner_texts()) == {"Cà Mau · 174/KH-UBND · 2024"}
    chips = page.get_by_role("list", name="Bộ lọc đang dùng")
    chips.get_by_role("link", name="Bỏ lọc: Tỉnh, thành phố: Cà Mau").click()
    page.wait_for_url("**?lang=vi&q=r%C3%A1c+th%E1%BA%A3i&kind=task")
    chips.get_by_role("link", name="Bỏ lọc: Loại đoạn: Nhiệm vụ, giải pháp").click()
    page.wait_for_url("**?lang=vi&q=r%C3%A1c+th%E1%BA%A3i")
    assert chips.count() == 0
    assert total.inner_text() == before


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_which_name_of_a_province_is_meant_is_chosen_and_taken_back(opened: Callable[..., Page], script: bool) -> None:
    page = opened(java_script_enabled=script, viewport={"width": 390, "height": 900})
    page.goto("/?lang=en")
    named = page.get_by_label("Province by its")
    assert not named.is_visible()
    page.get_by_text("More filters").click()
    named.select_option("Name today")
    page.locator("select[name=province]").select_option("Cà Mau")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.wait_for_url("**province_as=today*")
    assert named.is_visible()
    page.get_by_role("link", name="Remove filter: Province by its: Name today").click()
    page.wait_for_url("**?lang=en&province=C%C3%A0+Mau")
    assert page.locator(".filters li").count() == 1


def test_further_hits_are_reached_without_a_script(
    opened: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_search, "LIMIT", 3)
    page = opened(java_script_enabled=False)
    page.goto("/?q=rác+thải&kind=task")
    first = page.locator(".hits h2 a").evaluate_all("links => links.map((link) => link.href)")
    page.get_by_role("link", name="Trang sau").click()
    page.wait_for_url("**page=2*")
    second = page.locator(".hits h2 a").evaluate_all("links => links.map((link) => link.href)")
    assert second
    assert not set(first) & set(second)
    page.get_by_role("link", name="Về trang đầu").click()
    assert page.locator(".hits h2 a").evaluate_all("links => links.map((link) => link.href)") == first


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_an_uploaded_docx_is_found(opened: Callable[..., Page], script: bool) -> None:
    page = opened(signed_in=True, java_script_enabled=script)
    page.goto("/upload")
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    page.get_by_label("Tệp").set_input_files({"name": "pin.docx", "mimeType": kind, "buffer": plan()})
    page.get_by_role("button", name="Nạp").click()
    # The page loads itself again until the work is done.
    page.locator(".summary .state.done").wait_for()
    page.goto("/?q=tu+khoa+gom+pin+hong")
    assert "Quảng Ninh" in page.locator(".hits a").first.inner_text()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_tag_is_corrected_in_two_clicks_and_kept(opened: Callable[..., Page], script: bool) -> None:
    page = opened(signed_in=True, java_script_enabled=script)
    page.goto(DOCUMENT)
    paragraph = page.locator(".paragraph", has_not=page.locator(".chip.renewable_energy")).nth(2)
    anchor = paragraph.get_attribute("id")
    paragraph.get_by_role("link", name="Sửa nhãn").click()
    page.locator(f"[id='{anchor}']").get_by_role("button", name="Năng lượng tái tạo").click()
    page.get_by_role("status").wait_for()
    page.goto(DOCUMENT)
    assert page.locator(f"[id='{anchor}'] .chip.renewable_energy").count() == 1


def test_two_provinces_are_compared(opened: Callable[..., Page]) -> None:
    page = opened()
    page.goto("/compare")
    page.get_by_label("Tỉnh hoặc văn bản thứ nhất").select_option("Cao Bằng")
    page.get_by_label("Tỉnh hoặc văn bản thứ hai").select_option("Cà Mau")
    page.get_by_role("main").get_by_role("button", name="So sánh").click()
    assert page.locator(".pair").count() > 0
    assert page.locator("details.only").count() == 2


def test_pasted_text_is_tagged_and_a_table_downloaded(opened: Callable[..., Page]) -> None:
    page = opened()
    page.goto("/tag")
    page.get_by_label("Văn bản").fill("Lắp điện mặt trời áp mái tại trụ sở.")
    page.get_by_role("main").get_by_role("button", name="Gắn nhãn").click()
    assert any("điện" in text for text in page.locator(".why.renewable_energy mark").all_inner_texts())
    page.goto("/coverage")
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel").click()
    assert download.value.suggested_filename == "coverage.xlsx"


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_pages_fit_and_have_no_barriers(opened: Callable[..., Page], site: Site, width: int, scheme: str) -> None:
    """Axe finds nothing, nothing sticks out sideways, and the security policy, which a browser enforces, came along.

    All that can be opened is open.
    """
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
    axe = sync_playwright.Axe()
    page = opened(signed_in=True, viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in (*PAGES, site.family, site.job):
        response = page.goto(path)
        assert response is not None
        assert response.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, path
