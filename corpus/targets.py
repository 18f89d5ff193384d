"""Find the targets of a paragraph: figures it commits to, with indicator, comparator, values, unit and deadline.

Numbers are sought in a folded copy of the text, so a wrong or missing diacritic costs nothing. Document numbers, dates
and legal references are masked first; budgets, results already reached and thresholds that only say who is meant are
dropped last. Rules only: one pass, no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from corpus.metadata import NUMBER
from corpus.types import Comparator, Target
from nlp.fold import fold, has_diacritics
from nlp.sentences import Span, clauses

_MEASURES = {fold(unit): unit for unit in (
    "%", "phần trăm", "điểm phần trăm", "lần", "MWp", "MW", "GW", "kWp", "kW", "GWh", "MWh", "TWh", "kWh", "TOE", "ha", "hecta", "km2",
    "km", "m3", "m2", "mét", "m", "tấn", "kg", "lít", "đồng", "USD", "đô la", "Gbps", "Mbps",
)}  # fmt: skip
_NOUNS = tuple(
    "mô hình|cuộc thi|cuộc|lớp tập huấn|khóa tập huấn|lớp|khóa|đợt|buổi|hội nghị|hội thảo|tọa đàm|diễn đàn|phiên chợ|phiên|tuần lễ|"
    "doanh nghiệp|cơ sở|siêu thị|trung tâm thương mại|chợ|cửa hàng|điểm bán|quầy|kệ|gian hàng|hội chợ|ngày hội|chiến dịch|chương trình|"
    "khu công nghiệp|cụm công nghiệp|khu kinh tế|khu dân cư|khu|cụm|làng nghề|huyện|xã|phường|thị trấn|tỉnh|thành phố|thôn|bản|ấp|"
    "trường học|trường|bệnh viện|hộ gia đình|hộ dân|hộ|gia đình|người dân|người|cán bộ|học viên|học sinh|hội viên|đoàn viên|giáo viên|"
    "lao động|lượt người|lượt|khách hàng|sản phẩm|mặt hàng|dự án|đề tài|đề án|nhiệm vụ|giải pháp|sáng kiến|nhà máy|công trình|hệ thống|"
    "chuỗi cung ứng|chuỗi|hợp tác xã|tổ hợp tác|liên hiệp|trang trại|vùng|điểm thu gom|điểm|trạm sạc|trạm|trụ sạc|trụ|tuyến|xe buýt|"
    "xe điện|xe|phương tiện|phóng sự|chuyên mục|chuyên đề|chuyên trang|tin, bài|tin bài|bài viết|bài|tin|tài liệu|tờ rơi|sổ tay|bộ đèn|"
    "bộ tài liệu|bộ tiêu chí|bộ|hướng dẫn kỹ thuật|hướng dẫn|tiêu chuẩn|quy chuẩn|văn bản|báo cáo|hầm|tua bin|nhãn hiệu|nhãn|"
    "câu lạc bộ|tổ|nhóm|đội|đơn vị|địa phương|thùng|máy|kế hoạch|cây xanh|cây|con|chiếc|túi|ki-ốt|hồ sơ|mẫu|video|bãi|lò|giống|"
    "hợp đồng|thỏa thuận|chứng chỉ|giấy chứng nhận|chứng nhận|mã|đại lý|nhà phân phối|bể|hồ|cống|phòng thí nghiệm|phòng|trung tâm|mái".split("|")
)  # fmt: skip
_NOUN_SPELLING = {fold(noun): noun for noun in reversed(_NOUNS)}
_SCALES = {"nghin": 1e3, "ngan": 1e3, "trieu": 1e6, "ty": 1e9, "ti": 1e9}
_DIGITS = {"mot": 1, "hai": 2, "ba": 3, "bon": 4, "nam": 5, "sau": 6, "bay": 7, "tam": 8, "chin": 9}

_LEAST = r"tren|it nhat|toi thieu|khong duoi|khong thap hon|khong it hon|cao hon|hon|vuot|≥|>=|>"
_MOST = r"duoi|toi da|khong (?:vuot )?qua|khong cao hon|nhieu nhat|xuong con|chi con|xuong|(?<=giam )con|con(?= duoi)|≤|<=|<"
_COMPARISON = rf"(?<![a-z])(?:{_LEAST}|{_MOST}|khoang|xap xi|gan|chung|tu)\s*(?:dat\s+|la\s+|muc\s+)?"
_VALUE = r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?"
_SPELLED = rf"muoi(?:\s(?:{'|'.join(_DIGITS)}|lam))?|(?:{'|'.join(_DIGITS)})(?:\smuoi)?"
_SCALE = "|".join(_SCALES)


def _any(words: Sequence[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_FIGURE = re.compile(
    rf"(?P<compare>(?:{_COMPARISON}){{0,3}})(?:(?<![\w/.,])(?P<low>{_VALUE})"
    rf"(?:\s*%)?(?:\s*(?P<low_scale>{_SCALE})(?![a-z]))?(?:\s*(?:[-–—~]|den|toi)\s*(?P<high>{_VALUE}))?|(?<![a-z\d])(?P<spelled>{_SPELLED})(?=\s))"
    rf"\s*(?:(?P<scale>{_SCALE})(?![a-z])\s*)?(?:(?P<measure>{_any(list(_MEASURES))})(?![a-z\d]|/[hs]\b)|"
    rf"(?P<noun>{_any(list(_NOUN_SPELLING))})(?![a-z\d])|(?P<word>[a-z]{{2,}}))(?P<after>\s+tro (?:len|xuong))?"
    rf"|(?P<double>gap (?:doi|ba))(?![a-z])"
)
_MASKED = re.compile(
    rf"{NUMBER.pattern}|\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{4}}|\d+/\d+|\d+\s+trong\s+(?:số\s+)?\d+|"
    r"(?:ngày|mùng|tháng|quý)\s+\d{1,2}(?:\s+tháng\s+\d{1,2})?(?:\s+năm\s+\d{4})?|"
    r"(?:năm|giai đoạn|đến|đế|vào|từ|trước|hết|cuối|kỳ)\s+(?:19|20)\d{2}(?:\s*[-–—]\s*20\d{2})?(?![\d.,]\d)|"
    r"(?<!mỗi )\b(?:điều|khoản|điểm|mục|phụ lục|phần|chương|số|biểu|bảng|mẫu|quận|phường|hạng|loại|nhóm|quốc lộ|đường|lớp|khóa|"
    r"thứ|ISO|QCVN|TCVN|RON|nghị quyết|chỉ tiêu|phương thức|vòng|bước|hình)\s*(?:số\s+)?\d+(?:[.:/-]\d+)*(?!\d|[.,]\d|\s*%)|"
    r"(?<![\w.,])\d+(?:\.\d+)+(?=\.?\s+[A-ZĐÀ-Ỹ])|(?<!\w)[IVX]+\.\d+|4\.0|(?<!\d)0\d{2,3}[. ]?\d{3}[. ]?\d{3,4}(?!\d)|(?:điện thoại|ĐT|fax)\W+[\d. ]+",
    re.IGNORECASE,
)
_NOT_COUNTED = frozenset(
    "nam thang tuan ngay gio phut giay tuoi sao do trong va den cua cho la co duoc tro voi hoac theo nay do khi cap hang loai lan "
    "phan mot nua ngan so dau cuoi thi thu tai tu ve vao o de nhu so quy cung trieu ty bac tang nghin".split()
)  # fmt: skip

_PURSUED = r"phan dau|muc tieu|se |chi tieu|bao dam|dam bao|yeu cau|toi thieu|it nhat|den (?:het |cuoi )?nam|den 20|giai doan|phai"
_PAST = re.compile(
    rf"(?:(?<![a-z])(?:da(?! dang)|hien|hien nay|hien co|dang|uoc dat|uoc thuc hien|cung ky|vua qua|nam qua|nam ngoai|dau nam|luy ke|tinh den|"
    rf"truoc day|truoc kia|theo so lieu|nam 20[01]\d|so voi [^,;.]{{3,40}} (?:da|nam ngoai))(?![a-z]))(?:(?!{_PURSUED})[^.;]){{0,160}}$"
)
_ALREADY = re.compile(r"^[^.;]{0,60}(?:so voi (?:cung ky|nam ngoai|thang truoc|nam truoc)|da (?:duoc|hoan thanh)\b)")
_BUDGET = re.compile(
    r"(?:kinh phi|du toan|(?<!nguon )von|ngan sach|muc dau tu|chi phi|phat tien|muc phat|gia ban|don gia|muc ho tro|ho tro|tri gia|goi thau)[^.;]{0,60}$"
)
_SHARE = re.compile(
    r"(?:lai suat|co phan|co phieu|von (?:gop|dieu le|nha nuoc|so huu)|thue suat|thue|thue gia tri gia tang|muc phat|do am|nong do|ham luong|sai so|hieu suat)[^.;,]{0,40}$"
)
_AID = re.compile(r"ho tro\s+(?:muc\s+)?$")
_QUALIFIER = re.compile(
    r"(?:co (?:tong )?(?:cong suat|quy mo|dien tich|dung tich|khoi luong|muc tieu thu)|quy mo|dung tich)\s+(?:dat\s+|lap dat\s+)?$"
)
_THRESHOLD_UNITS = frozenset({"m2", "m3", "m", "mét", "km", "kg", "lít", "đồng", "kWp", "kW"})
_SIZE_UNITS = frozenset({"m2", "m3", "m", "mét", "km", "kg", "lít"})
_ACHIEVED = re.compile(
    r"(?:dat|len|con|la|xuong|trong|xu ly|thu gom|giam|tang|tiet kiem|xay dung|nang cap|bao ve|cai tao|mo rong|bang)\s+(?:duoc\s+)?(?:them\s+)?$"
)

_DATE = r"(?P<{0}day>\d{{1,2}})\s*(?:[/.-]|thang)\s*(?P<{0}month>\d{{1,2}})\s*(?:[/.-]|nam)\s*(?P<{0}full>20\d{{2}})"
_DEADLINE = re.compile(
    rf"(?<![a-z])(?:(?:truoc|den|de|toi|het|cham nhat|muon nhat|han(?: chot)?|vao|la|xong)\s+)+(?:ngay\s+)?{_DATE.format('')}|"
    rf"(?P<other>(?:ngay\s+)?{_DATE.format('other')})|"
    r"(?:giai doan|thoi ky|nam)\s+(?:tu\s+)?(?:nam\s+)?20\d{2}\s*(?:[-–—]|den(?: nam)?)\s*(?P<end>20\d{2})|"
    r"(?:(?:trong|den|het|vao|truoc|cuoi)\s+)*(?:thang\s*\d{1,2}|quy\s*(?:[1-4]|[iv]+))\s*(?:[/-]|nam)\s*(?P<monthly>20\d{2})|"
    r"(?<![a-z])(?:(?:den|de|toi|het|vao|truoc|trong|cuoi|moc|thoi diem|ngay|cham nhat|tu|sau)\s+)*nam\s+(?P<year>20\d{2})(?:\s+tro di)?|"
    r"(?<![a-z])(?:(?:den|toi|het|vao|truoc|cuoi)\s+)+(?P<short>20\d{2})(?![\d.,]\d)"
)
# A year that dates the base of comparison or another text, not the target.
_OTHER_YEAR = re.compile(r"(?:so voi[^,;.\d]{0,50}|(?:cung ky|binh quan|luat)[^,;.\d]{0,40}|(?<![a-z])cua\s+)$")
_PROGRAMME = re.compile(r"(?:chuong trinh|ke hoach|de an|chien luoc|nghi quyet|quyet dinh|quy hoach)[^,;.:]{0,140}$")
_OPENS = re.compile(
    r"(?:^[\W\d]*|[,:–-]|(?<![a-z])(?:va|phan dau|muc tieu|theo do|cu the|trong do|bao dam|dam bao|con))\s*$"
)

_SCOPE = re.compile(
    r"(?:trên địa bàn (?:toàn )?(?:tỉnh|thành phố|huyện|xã|phường|quận|vùng|khu)(?: [A-ZĐÀ-Ỹ][\w-]*)*|(?:trong )?toàn (?:tỉnh|thành phố|huyện)|"
    r"(?:tại|ở|trong) (?:các |mọi |tất cả các )?(?:khu|cụm|làng nghề|siêu thị|trung tâm|chợ|huyện|xã|phường|đô thị|vùng|trường|cơ quan)"
    r"(?: (?!được|đạt|phải|có|và |đến|vào|sử dụng|thực hiện|áp dụng|giảm|tăng|phân phối|chuyển|là )[^\W\d]+){0,6})",
    re.IGNORECASE,
)  # fmt: skip
_LEAD = re.compile(
    r"^(?:[^\w]+|\d+[.)]+\s|[a-zđ][.)]\s|chỉ tiêu \d+|(?:phấn đấu|mục tiêu|bảo đảm|đảm bảo|theo đó|cụ thể|trong đó|hằng năm|hàng năm|mỗi năm|"
    r"giai đoạn|đặt ra|đề ra|tiếp tục|nhằm|có|và|với|đạt|để|đế|thì|là|được|sẽ|trong|ước|tỉnh|từ)(?=[\s,:]|$))+",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:^|\s)(?P<word>đạt được|đạt|chiếm|lên|lên tới|còn|là|bằng|ở mức|mức|tới|đến|được)\s*$", re.IGNORECASE
)
_LEVEL = re.compile(r"(?:^|\s)(?:giảm|tăng|nâng|hạ)\s*$", re.IGNORECASE)
_CUT_BEFORE = re.compile(
    r"^.*,\s+(?=(?:phấn đấu|trong đó|với|góp phần|bảo đảm|đảm bảo|nhằm|chiếm|đạt|mỗi|tỷ lệ|tổng|sản lượng|công suất)\s)",
    re.IGNORECASE,
)
_CUT_AFTER = re.compile(
    r"[();:\[]|\s*,?\s*(?<!\w)(?:so với|trong đó|phấn đấu|góp phần|nhằm|bình quân mỗi|mỗi năm|hằng năm|hàng năm|/\s?(?:năm|ngày|tháng))(?!\w)|"
    r",\s*(?:đạt|chiếm|bảo đảm|đảm bảo|tăng|giảm|với|chậm nhất|hoàn thành|đồng thời)\s|[.!?](?=\s|$)",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:[\s,.;:–—-]|(?<!\w)(?:và|có|đạt|với|từ|khoảng|là|của|cho|vào|trong|hoặc|còn|để|gồm|theo|tại|trên))+$",
    re.IGNORECASE,
)
_MAX_WORDS = 30


@dataclass(frozen=True)
class _Figure:
    """A number found: ``span`` with its comparator words and unit, ``noun`` where things are counted."""

    span: Span
    comparator: Comparator
    values: tuple[float, ...]
    unit: str
    noun: str
    clause: Span


@dataclass(frozen=True)
class _Deadline:
    """A date named; ``back`` when it closes what stands before it, else it governs what follows."""

    span: Span
    value: str
    clause: Span
    back: bool


def find_targets(text: str, heading_path: Sequence[str] = ()) -> list[Target]:
    """Return the targets of NFC ``text`` in order; a missing deadline comes from the innermost heading that has one.

    Values are scaled ("115 triệu kWh" is 115000000 kWh); spans are (start, end) characters of ``text``.
    """
    flat = _flatten(text)
    masked = fold(_MASKED.sub(lambda match: "\x00" * len(match.group()), flat))
    parts = clauses(flat)
    every = list(_figures(text, masked, parts))
    if not every:
        return []
    folded = fold(flat)
    deadlines = _deadlines(folded, parts, every)
    headed = next((d[-1].value for h in reversed(heading_path) if (d := _deadlines(fold(h), [(0, len(h))], []))), None)
    targets: list[Target] = []
    for place, figure in enumerate(every):
        if not _commits(folded, figure, every[place + 1 :]):
            continue
        room = (
            every[place - 1].span[1] if place else 0,
            every[place + 1].span[0] if place + 1 < len(every) else len(text),
        )
        indicator = _indicator(flat, figure, room)
        if not indicator:
            indicator = targets[-1].indicator if targets else _trim(flat[: figure.clause[0]].rsplit(".", 1)[-1])
        scope = _scope(text, figure)
        deadline = _governing(figure, every, deadlines) or headed
        targets.append(Target(indicator, figure.comparator, figure.values, figure.unit, deadline, scope, figure.span))
    return targets


def _flatten(text: str) -> str:
    """Join hard-wrapped lines and blank parentheses without digits; the length stays."""
    joined = re.sub(r"(?<![.;:!?])[\r\n](?=[ \t]*(?:[a-zà-ỹđ](?![.)])|\d+(?![\d.)])))", " ", text)
    return re.sub(r"\([^()\d]*\)", lambda match: " " * len(match.group()), joined)


def _figures(text: str, masked: str, parts: Sequence[Span]) -> Iterator[_Figure]:
    plain = not has_diacritics(text)
    for match in _FIGURE.finditer(masked):
        unit, noun = _unit(text, match, plain)
        compare = match["compare"] or ""
        lowest = re.search(_LEAST, compare)
        after = match["after"] or ""
        if (
            not unit
            or (match["spelled"] in ("mot", "nam") and not lowest)
            or (match["spelled"] and match["measure"] == "%")
        ):
            continue
        values = _values(match)
        if match["high"] and len(values) == 2:
            comparator: Comparator = "range"
        elif lowest or after.endswith("len"):
            comparator = ">="
        else:
            comparator = "<=" if re.search(_MOST, compare) or after.endswith("xuong") else "="
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        clause = next((part for part in parts if part[0] <= match.end() - 1 < part[1]), (0, len(text)))
        yield _Figure((start, match.end()), comparator, values, unit, noun, clause)


def _unit(text: str, match: re.Match[str], plain: bool) -> tuple[str, str]:
    """Return (unit, counted noun); both empty where the number counts nothing."""
    if match["double"]:
        return "lần", ""
    if match["measure"]:
        unit = _MEASURES[match["measure"]]
        return {"phần trăm": "%", "hecta": "ha", "mét": "m"}.get(unit, unit), ""
    name = "noun" if match["noun"] else "word"
    written = text[match.start(name) : match.end(name)].lower()
    if match["noun"]:
        # One syllable says too little once folded ("cho" is also "chợ"): it must be written right.
        if written in _NOUNS or plain or " " in written:
            noun = written if written in _NOUNS else _NOUN_SPELLING[match["noun"]]
            return noun, noun
        return "", ""
    counted = bool(re.search(f"{_LEAST}|{_MOST}", match["compare"])) or bool(match["high"]) or bool(match["after"])
    return (written, written) if counted and not match["spelled"] and match["word"] not in _NOT_COUNTED else ("", "")


def _values(match: re.Match[str]) -> tuple[float, ...]:
    if match["double"]:
        return (2.0 if match["double"].endswith("doi") else 3.0,)
    scale = _SCALES.get(match["scale"] or "", 1.0)
    if match["spelled"]:
        tens, _, ones = match["spelled"].partition(" ")
        if tens == "muoi":
            return ((10.0 + (5 if ones == "lam" else _DIGITS.get(ones, 0))) * scale,)
        return (_DIGITS[tens] * (10.0 if ones else 1.0) * scale,)
    low = _number(match["low"]) * (_SCALES[match["low_scale"]] if match["low_scale"] else scale)
    high = _number(match["high"]) * scale if match["high"] else low
    return (low, high) if high > low else (low,)


def _number(written: str) -> float:
    # "1.459,8" and "1.500" have dots between thousands; "7.5" is a decimal point.
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?", written):
        written = written.replace(".", "")
    return float(written.replace(",", "."))


def _commits(folded: str, figure: _Figure, following: Sequence[_Figure]) -> bool:
    """Tell whether a figure is aimed at, rather than spent, reached already or a mere threshold."""
    start, end = figure.span
    sentence = max(folded.rfind(". ", 0, start), folded.rfind("\n", 0, start), folded.rfind(";", 0, start)) + 1
    before, after = folded[sentence:start], folded[end : end + 90]
    if figure.unit in ("đồng", "USD") and _BUDGET.search(before):
        return False
    if figure.unit == "%" and (
        _SHARE.search(before)
        or (_AID.search(before) and re.match(r"\s*(?:tong )?(?:chi phi|kinh phi|gia|lai suat|muc)", after))
    ):
        return False
    if figure.unit in _THRESHOLD_UNITS and (
        _QUALIFIER.search(before)
        or (
            figure.comparator in (">=", "<=")
            and re.match(r"\s*(?:tro len )?(?:phai|bat buoc|gan|lap|duoc|can)\b", after)
        )
    ):
        return False
    if figure.unit in _SIZE_UNITS and figure.comparator == "=" and not _ACHIEVED.search(before):
        return False
    # "tăng từ 40% lên 60%": the first figure is where one starts.
    opens = folded[start:end].startswith("tu ") or before.endswith("tu ")
    if (
        opens
        and figure.comparator == "="
        and following
        and re.fullmatch(r"[^.;,]{0,25}(?:len|xuong|con)\s.{0,12}|[^.;,]{0,25}", folded[end : following[0].span[0]])
        and re.search(r"len|xuong|con", folded[end : following[0].span[1]])
    ):
        return False
    return not (_PAST.search(before) or _ALREADY.match(after))


def _deadlines(folded: str, parts: Sequence[Span], figures: Sequence[_Figure]) -> list[_Deadline]:
    found = []
    for match in _DEADLINE.finditer(folded):
        clause = next((part for part in parts if part[0] <= match.start() < part[1]), (0, len(folded)))
        before = folded[clause[0] : match.start()]
        if match["other"] or _OTHER_YEAR.search(before) or (figures and match["end"] and _PROGRAMME.search(before)):
            continue
        value = match["end"] or match["monthly"] or match["year"] or match["short"]
        if match["day"]:
            try:
                value = date(int(match["full"]), int(match["month"]), int(match["day"])).isoformat()
            except ValueError:
                value = match["full"]
        ahead = any(match.end() <= f.span[0] < clause[1] for f in figures)
        behind = any(clause[0] <= f.span[0] < match.start() for f in figures)
        found.append(_Deadline(match.span(), value, clause, behind and not (ahead and _OPENS.search(before))))
    return found


def _governing(figure: _Figure, figures: Sequence[_Figure], deadlines: Sequence[_Deadline]) -> str | None:
    """Return the date a figure is due: one right behind it, else its clause's, else the last that led a clause."""
    start, end = figure.span
    within = [d for d in deadlines if d.clause == figure.clause]
    behind = next((d for d in within if d.back and d.span[0] >= end), None)
    led = next((d for d in reversed(within) if not d.back and d.span[1] <= start), None)
    if behind and (led is None or not any(end <= f.span[0] < behind.span[0] for f in figures)):
        return behind.value
    led = led or next((d for d in reversed(deadlines) if not d.back and d.span[1] <= start), None)
    led = led or next((d for d in reversed(within) if d.span[1] <= start), None)
    return led.value if led else None


def _scope(text: str, figure: _Figure) -> str | None:
    found = list(_SCOPE.finditer(text, *figure.clause))
    nearest = min(found, key=lambda match: abs(match.start() - figure.span[0]), default=None)
    return " ".join(nearest.group().split()) if nearest else None


def _indicator(flat: str, figure: _Figure, room: Span) -> str:
    """Return what the figure measures: the subject before "đạt" and its like, else the words around the figure."""
    (start, end), (first, last) = figure.span, figure.clause
    before, after = flat[max(first, room[0]) : start], flat[end : min(last, room[1])]
    shared = room[0] > first
    before, after = _without_dates(before), _without_dates(after, cut=True)
    if re.search(r"(?:,|\sva|\svà|^)\s*$", before) or (shared and re.fullmatch(r"\W*(?:và|,)?\W*", before)):
        before = ""
    elif shared:
        before = re.split(r",\s|\svà\s", before)[-1]
    before = _LEAD.sub("", _CUT_BEFORE.sub("", before))
    after = _CUT_AFTER.split(after, maxsplit=1)[0]
    if room[1] < last:
        after = re.split(r"(?:,|\svà)\s(?!.*(?:,|\svà)\s)", f"{after} ", maxsplit=1)[0]
    after = re.sub(r"^(?:\s*(?:trở lên|tổng số|số|các|của))+(?=\s)", "", f" {after.strip()}")
    link = _LINK.search(before)
    subject = before
    while match := _LINK.search(subject):
        subject = subject[: match.start()]
    subject = _trim(_LEVEL.sub("", subject) if link or fold(flat[start:end]).startswith("xuong") else subject)
    after = _trim(after)
    if figure.noun and not (link and subject):
        return _trim(f"{figure.noun} {after}" if after or not subject else f"{subject} {figure.noun}")
    if link and subject:
        return _trim(f"{subject} trong {after}") if link["word"].lower() == "chiếm" and after else subject
    return _trim(f"{subject} {after}")


def _without_dates(text: str, cut: bool = False) -> str:
    """Drop parentheses and dates; with ``cut``, also all that follows the first date."""
    text = re.sub(r"\([^()]*\)?", lambda match: " " * len(match.group()), text)
    dates = [
        m.span()
        for m in _DEADLINE.finditer(fold(text))
        if not (m["other"] or _OTHER_YEAR.search(fold(text[: m.start()])))
    ]
    if cut and dates:
        return text[: dates[0][0]]
    for start, end in reversed(dates):
        text = f"{text[:start]} {text[end:].lstrip(' ,:')}"
    return text


def _trim(text: str) -> str:
    words = _LEAD.sub("", _TAIL.sub("", f" {text}")).split()
    return _TAIL.sub("", " ".join(words[:_MAX_WORDS]))
