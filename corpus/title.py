"""Read a document's title below its type line, and write a title in capitals the way sentences are written."""

from __future__ import annotations

import re

from corpus.clean import Line
from corpus.numbers import NUMBER, clean_number
from corpus.provinces import find_provinces
from nlp.fold import fold

TYPES = {"KH": "Kế hoạch", "QĐ": "Quyết định", "NQ": "Nghị quyết", "CT": "Chỉ thị", "CTr": "Chương trình", "TT": "Thông tư",
         "NĐ": "Nghị định", "TB": "Thông báo", "BC": "Báo cáo", "HD": "Hướng dẫn", "ĐA": "Đề án", "PA": "Phương án",
         "CV": "Công văn"}  # fmt: skip
_TYPE_LINES = {fold(name): name for name in (*TYPES.values(), "Luật", "Kế hoạch hành động", "Chương trình hành động")}
ATTACHMENT_NOTE = re.compile(r"\W*(?:ban hanh )?kem theo (?:ke hoach|quyet dinh|cong van|nghi quyet|to trinh)\b.*")
_SENTENCE = re.compile(
    r"\W*(?:can cu|kinh gui|theo de nghi|xet de nghi|xet to trinh|chu tich|uy ban nhan dan|hoi dong nhan dan|ubnd)\b"
)
_SECTION = re.compile(
    r"(?:[IVX]{1,5}\s?[.)]|[IVX]{1,5}\s?[-/]\s|[A-H][.)]\s|\d{1,2}[.)]|(?:PHẦN|CHƯƠNG|MỤC|Phần|Chương|Mục|Điều|ĐIỀU)\s+[\dIVX]+\b)"
)
_GOES_ON = re.compile(
    r"(?:Giai đoạn|Trên địa bàn|Tầm nhìn|Định hướng|Đến năm|Năm 20\d\d|(?:Tỉnh|Thành phố) [A-ZĐÀ-Ỹ][^.:;]{2,20}$)"
)
_ISSUES = re.compile(
    r"(?:ban hanh|xay dung|trien khai)\b.{0,400}(?:nhu sau|sau day|cu the|noi dung sau)|\bban hanh ke hoach\b.{0,400}\bnhu sau"
)
TITLE_WORDS = 90


def type_named(line: str) -> str | None:
    """Return the document type that ``line`` is, in capitals and alone ("KẾ HOẠCH", "QUYẾT ĐỊNH:"), or None."""
    bare = line.strip("*#:_ ")
    return _TYPE_LINES.get(fold(bare)) if bare.isupper() and len(bare) < 40 else None


def is_capitals(text: str) -> bool:
    """Tell whether ``text`` is set in capitals; a few small letters pass, as in "IoT" or "32/CT-TTg"."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum(c.isupper() for c in letters) >= 0.85 * len(letters)


def title_below(lines: list[Line], place: int) -> tuple[str | None, list[int]]:
    """Return the title that follows the type line at ``place`` and the numbers of all lines it takes, type line included."""
    parts: list[Line] = []
    used = [lines[place].number]
    for line in lines[place + 1 : place + 14]:
        if not any(c.isalnum() for c in line.text):
            used.append(line.number)
            continue
        if ATTACHMENT_NOTE.fullmatch(fold(line.text)):
            used.append(line.number)
            break
        if not (_goes_on(parts, line) if parts else _begins(lines, line)):
            break
        parts.append(line)
        used.append(line.number)
    return (sentence_case(" ".join(line.text.strip("* ") for line in parts)) if parts else None), used


def _begins(lines: list[Line], line: Line) -> bool:
    text = line.text.strip("* ")
    if _stops(text):
        return False
    if is_capitals(text):
        return True
    paragraph = _paragraph(lines, line)
    return (
        len(paragraph.split()) <= TITLE_WORDS
        and not paragraph.endswith((".", ":", ";", "./"))
        and not _ISSUES.search(fold(paragraph))
    )


def _goes_on(parts: list[Line], line: Line) -> bool:
    text, last = line.text.strip("* "), parts[-1]
    if (
        (_stops(text) and not text[0].islower())
        or text.endswith((":", ";"))
        or len(" ".join(p.text for p in parts).split()) > TITLE_WORDS
    ):
        return False
    if is_capitals(last.text) and is_capitals(text):
        return True
    adjacent = line.number == last.number + 1
    unfinished = last.text.endswith((",", "-", "–", "(")) or last.text.count("“") > last.text.count("”")
    return len(text) < 200 and (
        text[0].islower()
        or bool(_GOES_ON.match(text))
        or text[0] == "("
        or (adjacent and (unfinished or text[0].isdigit()))
    )


def _stops(text: str) -> bool:
    return bool(_SENTENCE.match(fold(text)) or _SECTION.match(text)) or type_named(text) is not None


def _paragraph(lines: list[Line], line: Line) -> str:
    """Return ``line`` with the lines below it that go on the same sentence."""
    text, number = line.text, line.number
    for below in lines:
        if below.number == number + 1:
            if not (
                below.text[0].islower() or below.text[0].isdigit() or re.search(r"(?:,|số|ngày|Nghị|Quyết|Kế)$", text)
            ):
                break
            text, number = f"{text} {below.text}", below.number
    return text.strip("* ")


_PROPER = [
    (re.compile(rf"(?<!\w){pattern}(?!\w)"), written)
    for pattern, written in (
        ("thủ tướng", "Thủ tướng"), ("chính phủ", "Chính phủ"), ("quốc hội", "Quốc hội"), ("bộ chính trị", "Bộ Chính trị"),
        ("ban bí thư", "Ban Bí thư"), ("(?<=của )đảng", "Đảng"), ("đảng cộng sản", "Đảng Cộng sản"), ("trung ương", "Trung ương"),
        ("việt nam", "Việt Nam"), ("ủy ban nhân dân", "Ủy ban nhân dân"), ("hội đồng nhân dân", "Hội đồng nhân dân"),
        ("tỉnh ủy", "Tỉnh ủy"), ("thành ủy", "Thành ủy"), ("đại hội(?= (?:đảng|lần thứ|đại biểu toàn quốc))", "Đại hội"),
        ("bộ công thương", "Bộ Công Thương"), ("chương trình(?= (?:hành động quốc gia|mục tiêu quốc gia))", "Chương trình"),
        ("đồng bằng sông cửu long", "Đồng bằng sông Cửu Long"), ("tây nguyên", "Tây Nguyên"), ("internet", "Internet"),
        ("iot", "IoT"), ("covid", "COVID"), ("(?<=hành )luật|luật(?= (?:số|sửa đổi))", "Luật"),
    )
] + [
    (re.compile(rf"(?<!\w){name.lower()}(?= (?:số )?\d)"), name) for name in TYPES.values()
]  # fmt: skip
_ACRONYMS = frozenset(
    "OCOP ASEAN AI EU FAO UNDP UNEP UNIDO FTA EVFTA EPR GRDP GDP ISO OECD ODA HACCP HTX ITS IUU ESG ATTP".split()
)
_NUMERAL = re.compile(r"[IVXLC]+")
# Also syllables: "vi phạm", "xi măng".
_SYLLABLES = frozenset("I V X L C VI XI LI CI MI".split())
_ORDINAL = re.compile(r"(?:thứ|khóa|khoá|quý|kỳ|đợt|vùng|loại|cấp|phần|số) ?$", re.IGNORECASE)


def sentence_case(text: str) -> str:
    """Return a title in capitals as a sentence: names, numbers, acronyms and Roman numerals keep their capitals."""
    text = " ".join(text.split())
    capitals = is_capitals(text)
    if about := re.match(r"(?:V/v|V/V)\s*:?\s*", text):
        text = f"VỀ VIỆC {text[about.end() :]}" if capitals else f"Về việc {text[about.end() :]}"
    if not capitals:
        return text
    written = re.sub(r"\w+", lambda match: _word(text, match), text)
    for pattern, proper in _PROPER:
        written = pattern.sub(proper, written)
    titled = text.title()
    if len(titled) == len(written):
        for start, end, province in find_provinces(titled):
            if province.name != "Hòa Bình" or fold(titled[:start]).endswith("tinh "):
                written = written[:start] + titled[start:end] + written[end:]
    for match in reversed(list(NUMBER.finditer(text))):
        written = written[: match.start()] + clean_number(match.group()) + written[match.end() :]
    written = re.sub(r"(?<=[“\"])\w", lambda match: match.group().upper(), written)
    return written[:1].upper() + written[1:]


def _word(text: str, match: re.Match[str]) -> str:
    word = match.group()
    if not word.isupper():
        return word
    syllable = re.search(r"[aeiouy]", fold(word))
    if word in _ACRONYMS or any(c.isdigit() for c in word) or (not syllable and len(word) > 1):
        return word
    if _NUMERAL.fullmatch(word) and (word not in _SYLLABLES or _ORDINAL.search(text, 0, match.start())):
        return word
    return word.lower()
