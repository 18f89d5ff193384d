"""Name what a figure measures, and the place it holds for, in the words around it."""

from __future__ import annotations

import re

from corpus.deadlines import dates_in
from corpus.figures import Figure
from nlp.fold import fold
from nlp.sentences import Span

_SCOPE = re.compile(
    r"trên địa bàn (?:toàn )?(?:tỉnh|thành phố|huyện|xã|phường|quận|vùng|khu)(?: (?-i:[A-ZĐÁẤÂĂÊÔƠƯÝ])[\w-]*)*|"
    r"(?<!\w)(?:(?:trong )?toàn (?:tỉnh|thành phố|huyện)|(?:tại|ở|trong) (?:tất cả )?(?:các |mọi )?(?:khu|cụm|làng nghề|siêu thị|"
    r"trung tâm|chợ|huyện|xã|phường|đô thị|vùng|trường|cơ quan)(?: (?!được|đạt|phải|có|và |đến|vào|sử dụng|thực hiện|áp dụng|"
    r"giảm|tăng|phân phối|chuyển|là |bố trí|thay)[^\W\d]+){0,6})",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:[^\w“\"]+|\d+(?:\.\d+)*[.)]+\s|[a-zđ][.)]\s|chỉ tiêu \d+|(?:phấn đấu|mục tiêu|bảo đảm|đảm bảo|theo đó|cụ thể|trong đó|"
    r"hằng năm|hàng năm|mỗi năm|giai đoạn|đặt ra|đề ra|tiếp tục|nhằm|có|và|với|đạt|để|đế|thì|là|được|sẽ|trong|ước|tỉnh|từ)"
    r"(?=[\s,:]|$))+",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:^|\s)(?P<word>đạt được|đạt|chiếm|lên|còn|là|bằng|ở mức|mức|tới|đến|được)\s*$", re.IGNORECASE)
_LEVEL = re.compile(r"(?:^|\s)(?:phải )?(?:giảm|tăng|nâng|hạ)\s*$", re.IGNORECASE)
_CUT_BEFORE = re.compile(
    r"^.*(?:(?:phấn đấu|đặt mục tiêu)\s|,\s+(?=(?:phấn đấu|trong đó|với|góp phần|bảo đảm|đảm bảo|nhằm|chiếm|đạt|mỗi|tỷ lệ|"
    r"tổng|sản lượng|công suất|giảm|tăng|nâng|cắt|tiết kiệm|thu hồi|tái chế)\s))",
    re.IGNORECASE,
)
_CUT_AFTER = re.compile(
    r"[();:|\[]|\s*,?\s*(?<!\w)(?:so với|trong đó|phấn đấu|góp phần|nhằm|bình quân mỗi|mỗi (?:năm|ngày|tháng|héc-ta)|hằng năm|hàng năm|"
    r"/\s?(?:năm|ngày|tháng))(?!\w)|,\s*(?:đạt|chiếm|bảo đảm|đảm bảo|tăng|giảm|với|chậm nhất|hoàn thành|đồng thời)\s|[.!?](?=\s|$)|^\s*năm(?!\w)",
    re.IGNORECASE,
)
# "Chỉ tiêu: Tỷ lệ hộ ủ rác; Đơn vị tính: %; Năm 2026: 8": the first cell names the row, "Năm 2026" only its column.
_NAMED_CELL = re.compile(
    r"(?:^|[;|])\s*(?:tên )?(?:chỉ tiêu|nội dung|nhiệm vụ|hoạt động|mục tiêu|tiêu chí|chỉ số)\s*:\s*([^;|\d]{3,300})(?=[;|])",
    re.IGNORECASE,
)
_OWN_CELL = re.compile(r"[;|]\s*(?:[^;|:]{1,40}:\s*)?$")
_MEASURE = re.compile(r"(?:tỷ lệ|tỉ lệ|tỷ trọng|tỉ trọng|tổng|số|mức|tốc độ|diện tích|sản lượng)(?!\w)", re.IGNORECASE)
_FILLER = r"và|có|đạt|với|từ|khoảng|là|của|cho|vào|trong|hoặc|còn|để|gồm|theo|tại|trên|như|đến|tới"
_TAIL = re.compile(rf"(?:[\s,.;:–—-]|(?<!\w)(?:{_FILLER}))+$", re.IGNORECASE)
_MAX_WORDS = 30


def find_scope(text: str, figure: Figure, room: Span) -> str | None:
    """Return the place named between the figures beside this one, the one nearest to it."""
    found = list(_SCOPE.finditer(text, max(figure.clause[0], room[0]), min(figure.clause[1], room[1])))
    nearest = min(found, key=lambda match: abs(match.start() - figure.span[0]), default=None)
    return " ".join(nearest.group().split()) if nearest else None


def name_indicator(flat: str, figure: Figure, room: Span) -> str:
    """Return what the figure measures: the subject before "đạt" and its like, else the words around the figure."""
    (start, end), (first, last) = figure.span, figure.clause
    before = _without_dates(flat[max(first, room[0]) : start]).rpartition("|")[2]
    after = _CUT_AFTER.split(_without_dates(flat[end : min(last, room[1], end + 250)], cut=True), maxsplit=1)[0]
    if room[1] < last:
        after = after[: max(f"{after} ".rfind(", "), f"{after} ".rfind(" và "), 0) or None]
    after = re.sub(r"^(?:\s*(?:trở lên|tổng số|số|các|của))+(?=\s)", "", f" {after.strip()}")
    if re.search(r"(?:,|\svà|^)\s*$", before):
        before = ""
    elif room[0] > first and not re.match(r"\s*(?:,|và\s)", before):
        before = re.split(r",\s|\svà\s", before)[-1]
    nearer = _CUT_BEFORE.sub("", before)
    before = _LEAD.sub("", nearer if len(f"{nearer} {after}".split()) > 1 else before)
    link = _LINK.search(before)
    if link and figure.noun and link["word"].lower() in ("đến", "tới", "được", "là"):
        link = None
    level = bool(link) or fold(flat[start:end]).startswith(("xuong", "con", "chi con"))
    subject = before
    while match := _LINK.search(subject):
        subject = subject[: match.start()]
    subject = _shorten(_trim(_LEVEL.sub("", subject) if level else subject))
    if subject and not figure.noun and (after.startswith((" ,", " và ")) or figure.unit != "%"):
        after = after.split(",")[0] if not after.startswith(" và ") else ""
    after = _TAIL.sub("", after.strip(" ,"))
    if figure.noun and not (level and subject):
        alone = not after and subject
        return _trim(
            subject if alone and figure.noun in subject else f"{subject if alone else ''} {figure.noun} {after}"
        )
    if level and subject:
        return _trim(f"{subject} trong {after}") if link and link["word"].lower() == "chiếm" and after else subject
    return _trim(f"{before if subject and not link else subject} {after}")


def _shorten(subject: str) -> str:
    """Drop leading phrases of a long subject: what is measured stands last, unless the subject opens with a measure."""
    while not _MEASURE.match(subject) and len(subject.split()) > 18 and len(subject.partition(", ")[2].split()) > 2:
        subject = subject.partition(", ")[2]
    return subject


def row_name(flat: str) -> str:
    """Return the cell that names a row of a table: the one labelled so, else the longest between bars without figures."""
    if named := _NAMED_CELL.search(flat):
        return _trim(named[1])
    cells = [cell.strip() for cell in flat.split("|")]
    longest = max(cells, key=len)
    return _trim(longest) if len(cells) > 2 and not any(c.isdigit() for c in longest) else ""


def is_cell(flat: str, figure: Figure) -> bool:
    """Tell whether a figure stands in a cell of its own, where the words before it only head its column."""
    return bool(_OWN_CELL.search(flat, max(0, figure.span[0] - 60), figure.span[0]))


def carried_indicator(flat: str, figure: Figure, earlier: str) -> str:
    """Return the indicator for a figure that names none: the words before its colon, else the one before it."""
    lead = re.split(r"[.;]\s", flat[max(0, figure.clause[0] - 600) : figure.clause[0]])[-1]
    return (_trim(lead.partition("|")[0]) if lead.rstrip().endswith(":") else "") or earlier


def _without_dates(text: str, cut: bool = False) -> str:
    """Drop parentheses and dates; with ``cut``, also all that follows the first date."""
    text = re.sub(r"\([^()]*\)?", lambda match: " " * len(match.group()), text)
    folded = fold(text)
    dates = dates_in(folded)
    if cut:
        return text[: dates[0][0]] if dates else text
    for start, end in reversed(dates):
        text = f"{text[:start]} {text[end:] if text[:start].strip() else text[end:].lstrip(' ,:')}"
    return text


def _trim(text: str) -> str:
    words = _LEAD.sub("", _TAIL.sub("", f" {text}")).split()
    return _TAIL.sub("", " ".join(words[:_MAX_WORDS]))
