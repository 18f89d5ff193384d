"""Say what a paragraph is: objective, task, assignment, preamble or news, from its section and its wording."""

from __future__ import annotations

import re

from corpus.structure import Block
from corpus.types import Kind
from nlp.fold import fold

_KIND_OF_SECTION: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("assignment", re.compile(r"to chuc thuc hien|phan cong|trach nhiem (?:cua|thuc hien)|(?:che do|cong tac) (?:thong tin,? )?bao cao|kinh phi|"
                              r"nguon (?:von|luc) thuc hien|(?:ve|nguon) von|to chuc trien khai|phan giao|nguon luc$")),
    ("objective", re.compile(r"muc tieu|muc dich|chi tieu|quan diem|dinh huong (?:chung|den)|yeu cau$|tam nhin")),
    ("preamble", re.compile(r"boi canh|(?:hien|thuc) trang|^\W*(?:[ivx\d]+[.)]\s*|[a-h][.)]\s*)?(?:danh gia )?tinh hinh\b(?!.*nhiem vu)|su can thiet|can cu (?:phap ly|xay dung)")),
    ("task", re.compile(r"nhiem vu|giai phap|noi dung|hoat dong")),
)  # fmt: skip
_TITLE_WORDS = 16
_SECTION_CHARACTERS = 110
_NUMBERING = r"(?:[\d.]{1,8}\s*[.)]?\s+|[a-zđ][.)]\s*|[ivx]{1,5}[.)]\s*)?"
_AGENCY = re.compile(
    _NUMBERING + r"(?:(?:giao|de nghi)\s+)?(?:cac )?(?:so |ubnd|uy ban nhan dan|hoi |lien minh|hiep hoi|"
    r"ban quan ly|cong an|van phong|cac so|truong (?:dai hoc|cao dang)|dai (?:phat thanh|truyen hinh)|bao \w+ \w+,|bao va |cuc |chi cuc|tinh doan|"
    r"doan thanh nien|mat tran|lien doan|doanh nghiep,|chu tich ubnd|bo chi huy|kho bac|ngan hang nha nuoc|thu truong|giam doc|trung tam )"
)
_ACTS = re.compile(
    r":|\b(?:chu tri|phoi hop|co trach nhiem|thuc hien|lam dau moi|chiu trach nhiem|huong dan|tham muu|bao cao|phu trach|bo tri)\b"
)
_REPORTS = re.compile(
    _NUMBERING
    + r"(?:tren day la|yeu cau (?:cac (?:so|nganh|don vi|co quan|dia phuong|ban)|thu truong|giam doc)|trong qua trinh (?:trien khai|thuc hien|to chuc)|qua trinh trien khai)"
)
_ISSUES = re.compile(r"(?:can cu|thuc hien|trien khai|theo de nghi|de thuc hien|xet)\b")


def kind_of(block: Block, *, official: bool, numbered_before: bool) -> Kind:
    """Return the kind of a block of an official text, from its section and wording; of another text, "news".

    ``numbered_before`` says that a heading stood before the block: what comes earlier is preamble.
    """
    if not official:
        return "news"
    folded = fold(block.text[:400])
    if not block.heading_path and not block.is_heading:
        if not numbered_before or (_ISSUES.match(folded) and not is_assignment(block.text)):
            return "preamble"
        if re.match(r"dieu \d", folded):
            return "assignment" if _ACTS.search(folded) and "ban hanh kem theo" not in folded else "preamble"
    own = (block.text,) if block.is_heading and len(block.text.split()) <= _TITLE_WORDS else ()
    for section in reversed([*block.heading_path, *own]):
        kind = _of_section(section)
        if kind:
            return "assignment" if kind == "task" and is_assignment(block.text) else kind
    return "assignment" if is_assignment(block.text) else "task"


def _of_section(section: str) -> Kind | None:
    folded = fold(section)
    if len(section) > _SECTION_CHARACTERS:
        return "assignment" if is_assignment(section) else None
    if is_assignment(section) and section.endswith(":"):
        return "assignment"
    return next((kind for kind, pattern in _KIND_OF_SECTION if pattern.search(folded)), None)


def is_assignment(text: str) -> bool:
    """Tell whether a paragraph gives an agency its part: "Sở Công Thương: ...", "UBND các huyện chủ trì ..."."""
    folded = fold(text[:400])
    if _REPORTS.match(folded):
        return True
    agency = _AGENCY.match(folded)
    if not agency or (re.search(r"so ?$", agency.group()) and "sở" not in text[: agency.end()].lower()):
        return False
    return bool(_ACTS.search(folded[:260], agency.end() - 1))
