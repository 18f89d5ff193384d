"""Find the targets of a paragraph: figures it commits to, with indicator, comparator, values, unit and deadline.

Numbers are sought in a folded copy of the text, so most wrong or missing diacritics cost nothing. Document numbers,
dates and legal references are masked first; budgets, results already reached and figures that only say who or what is
meant are dropped last. Rules only, no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from corpus.numbers import NUMBER
from corpus.types import Comparator, Target
from nlp.fold import fold, has_diacritics
from nlp.sentences import Span, clauses

_MEASURE_LIST = (
    "% - phần trăm - điểm phần trăm - lần - MWp - MW - GW - kWp - kW - GWh - MWh - TWh - kWh - TOE - ha - hecta - km2 - "
    "km - m3 - m2 - m - tấn - kg - lít - đồng - USD - giờ - phút"
)
_NOUN_LIST = (
    "mô hình - cuộc - cuộc thi - lớp - khóa - khoá - đợt - buổi - hội nghị - hội thảo - tọa đàm - diễn đàn - phiên - tuần lễ - "
    "phiên chợ - doanh nghiệp - cơ sở - siêu thị - trung tâm thương mại - chợ - cửa hàng - điểm bán - quầy - kệ - gian hàng - "
    "hội chợ - ngày hội - chiến dịch - chương trình - khu công nghiệp - cụm công nghiệp - khu kinh tế - khu dân cư - khu - cụm - "
    "làng nghề - huyện - xã - phường - thị trấn - tỉnh - thành phố - thôn - bản - ấp - trường học - trường - bệnh viện - hộ - "
    "hộ gia đình - hộ dân - gia đình - người dân - người - cán bộ - học viên - học sinh - hội viên - đoàn viên - giáo viên - "
    "giảng viên - báo cáo viên - tuyên truyền viên - kiểm toán viên - tình nguyện viên - thành viên - chuyên gia - lao động - "
    "tiểu thương - nông dân - ngư dân - lượt người - lượt - khách hàng - khách - sản phẩm - mặt hàng - dự án - đề tài - đề án - "
    "nhiệm vụ - giải pháp - sáng kiến - nhà máy - công ty - công trình - hệ thống - chuỗi - chuỗi cung ứng - hợp tác xã - htx - "
    "tổ hợp tác - liên hiệp - trang trại - vùng - điểm thu gom - điểm - trạm - trạm sạc - trụ - trụ sạc - tuyến - xe buýt - "
    "xe điện - xe - phương tiện - tàu - chuyến - phóng sự - chuyên mục - chuyên đề - chuyên trang - kênh - tin, bài - tin bài - "
    "tin - bài - bài viết - tài liệu - tờ rơi - sổ tay - ấn phẩm - video - bộ - hướng dẫn kỹ thuật - hướng dẫn - tiêu chuẩn - "
    "quy chuẩn - tiêu chí - chỉ tiêu - văn bản - báo cáo - hầm - tua bin - nhãn hiệu - nhãn - câu lạc bộ - tổ - nhóm - đội - "
    "đơn vị - tổ chức - cá nhân - địa phương - thùng - máy - thiết bị - kế hoạch - cây xanh - cây - con - chiếc - cái - túi - "
    "hồ sơ - mẫu - bãi - lò - giống - hợp đồng - thỏa thuận - chứng chỉ - giấy chứng nhận - chứng nhận - mã - đại lý - bể - hồ - "
    "nhà cung cấp - nhà phân phối - phòng thí nghiệm - phòng - trung tâm - mái - mái nhà - đô thị - nhà - nhà xưởng - huyện thị - căn - nền tảng - đèn - hoạt động - chi hội"
)
_MEASURES = {fold(unit): unit for unit in _MEASURE_LIST.split(" - ")}
_NOUNS = tuple(_NOUN_LIST.split(" - "))
_NOUN_SPELLING = {fold(noun): noun for noun in reversed(_NOUNS)}
_SCALES = {"nghin": 1e3, "ngan": 1e3, "trieu": 1e6, "ty": 1e9, "ti": 1e9}
_DIGITS = {"một": 1, "hai": 2, "ba": 3, "bốn": 4, "năm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9}
_SPELLED = {**_DIGITS, "mười": 10, "mười hai": 12, "mười lăm": 15, "hai mươi": 20, "ba mươi": 30, "năm mươi": 50}
_SPELLED_FOLDED = {fold(word): value for word, value in _SPELLED.items()}


def _any(words: Sequence[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_LEAST = (
    r"(?:tren|it nhat|toi thieu|khong duoi|khong thap hon|khong it hon|cao hon|hon|vuot)(?![a-z])|≥|>=|>|toi thieu dat"
)
_MOST = r"(?:duoi|toi da|khong (?:vuot )?qua|khong cao hon|nhieu nhat|xuong con|chi con|xuong|(?<=giam )con)(?![a-z])|≤|<=|<"
_LEAST_FOUND = re.compile(rf"(?<![a-z])(?:{_LEAST})")
_MOST_FOUND = re.compile(rf"(?<![a-z])(?:{_MOST})")
_COMPARISON = rf"(?<![a-z])(?:{_LEAST}|{_MOST}|(?:khoang|xap xi|gan|chung|gap|tu)(?![a-z]))\s*(?:(?:dat|la|muc)\s+)?"
_VALUE = r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?"
_SCALE = rf"(?:{'|'.join(_SCALES)})(?![a-z])"
_FIGURE = re.compile(
    rf"(?P<compare>(?:{_COMPARISON}){{0,3}})(?:(?<![\w/.,])(?P<low>{_VALUE})"
    rf"(?:(?:\s*%)?(?:\s*(?P<low_scale>{_SCALE}))?\s*(?:[-–—~]|den|toi)\s*(?P<high>{_VALUE}))?"
    rf"|(?<![a-z\d])(?P<spelled>{_any(list(_SPELLED_FOLDED))})(?=\s))\s*(?:(?P<scale>{_SCALE})\s*)?"
    rf"(?:(?P<measure>{_any(list(_MEASURES))})(?![a-z\d]|/[hs]\b)|(?P<noun>{_any(list(_NOUN_SPELLING))})(?![a-z\d])|"
    r"(?P<word>[a-z]{2,}))(?P<after>\s+tro (?:len|xuong))?|(?P<double>gap (?:doi|ba))(?![a-z])"
)
# Blanked before numbers are sought; the last line is of words that, folded, read like "từ", "gần" and "chừng".
_MASKED = re.compile(
    rf"{NUMBER.pattern}|\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{4}}|\d{{1,9}}/\d{{1,9}}|\d{{1,9}}\s+trong\s+(?:số\s+)?\d{{1,9}}|phần\s+(?:ba|tư|năm|mười)|"
    r"(?:ngày|mùng|tháng|quý)\s+\d{1,2}(?:\s+tháng\s+\d{1,2})?(?:\s+năm\s+\d{4})?|"
    r"(?:năm|giai đoạn|đến|đế|vào|từ|trước|hết|cuối|kỳ)\s+(?:19|20)\d{2}(?:\s*[-–—]\s*20\d{2})?(?![\d.,]\d)|"
    r"(?<!mỗi )\b(?:điều|khoản|mục|phụ lục|phần|chương|số|biểu|bảng|mẫu|quận|phường|hạng|loại|nhóm|quốc lộ|đường|"
    r"lớp|khóa|thứ|ISO|QCVN|TCVN|RON|nghị quyết|chỉ tiêu|phương thức|vòng|bước|hình)\s*(?:số\s+)?"
    r"\d+(?:[.:/-]\d+)*(?!\d|[.,]\d|\s*%)|^\W*\d{1,2}(?:\.\d{1,2})+\.?(?=\s+(?-i:[A-ZĐÀ-Ỹ]))|(?<!\w)[IVX]+\.\d+|\d+ khóa [IVX]+|4\.0|"
    r"(?<!\d)0\d{2,3}[. ]?\d{3}[. ]?\d{3,4}(?!\d)|(?:điện thoại|ĐT|fax)\W+[\d. ]+|"
    r"(?<!\w)(?:tử|tư|tự|tứ|gắn|chung)(?=\s)",
    re.IGNORECASE,
)
# Words that a number measures time or rank with, or that belong to the sentence.
_NOT_COUNTED = re.compile(
    r"(?:nam|thang|tuan|ngay|gio|phut|giay|tuoi|sao|do|trong|va|den|cua|cho|la|co|duoc|tro|voi|hoac|theo|nay|khi|cap|hang|"
    r"loai|phan|mot|nua|so|dau|cuoi|thi|thu|tai|tu|ve|vao|de|nhu|quy|cung|bac|tang|ppm|mm|cm|kv|kva|bar|mg|ml|wp|db|lm|do|giam|dat|moi|con)$"
)

# Before a spelled number, these say which ones are meant, not how many are wanted.
_DEFINITE = re.compile(r"(?<![a-z])(?:cua|giua|chu|con|kem|ru|trong|nay|cac|nhung|do|tai|du)\s+$")
_PURSUED = (
    r"phan dau|muc tieu|(?<![a-z])se |chi tieu|bao dam|dam bao|toi thieu|it nhat|den (?:het |cuoi )?nam 20[2-9]|phai "
)
_REPORTED = re.compile(
    r"(?<![a-z])(?:da(?! dang)|hien (?:nay|dang|tai|ca)|(?<!thuc )hien co(?! hieu)|dang (?:co|khai thac|van hanh)|uoc|hien trang|con toi|moi (?:dat|khoai thac)|"
    r"cung ky|vua qua|nam qua|nam ngoai|dau nam|luy ke|tinh den|truoc (?:day|kia)|theo so lieu|cho biet|du bao|nam 20[01]\d|"
    rf"ket qua,)(?![a-z])(?!.*(?:{_PURSUED}))",
    re.DOTALL,
)
_ALREADY = re.compile(r"[^.;]{0,60}so voi (?:cung ky|(?:nam|thang) (?:ngoai|truoc))")
_REPORT_HEADING = re.compile(r"ket qua|tinh hinh|hien trang|thuc trang")
_AIM_HEADING = re.compile(r"muc tieu|chi tieu")
_BUDGET = re.compile(
    r"(?:kinh phi|du toan|(?<!nguon )von|ngan sach|muc dau tu|chi phi|phat|gia (?:ban|lua|mu|thu mua)|giam gia|don gia|chi (?:thuong xuyen|dau tu|tra|can doi|cac|su nghiep)|ho tro|tri gia|goi thau|ky quy|"
    r"muc thu|(?<![a-z])phi|thue)(?![a-z])[^.;]{0,60}$"
)
_SHARE = re.compile(
    r"(?:lai suat|giam (?:gia|phi)|co phan|co phieu|von (?:gop|dieu le|nha nuoc|so huu)|thue(?! ngoai)|muc phat|do am|nong do|ham luong|sai so)"
    r"(?![a-z])[^.;,]{0,40}$|ho tro (?:muc )?$"
)
_SIZES = frozenset({"m2", "m3", "m", "km", "kg", "lít"})
_LIMITED = frozenset({"giờ", "phút"})
_THRESHOLDS = _SIZES | {"đồng", "kWp", "kW", "điểm"}
_ACHIEVED = re.compile(
    r"(?:dat|len|con|la|xuong|xu ly|thu gom|giam|tang|tiet kiem|xay dung|nang cap|bao ve|cai tao|mo rong|bang|luong|dien tich"
    r"|doanh thu|thu nhap)\s+(?:duoc\s+|them\s+)*$"
)
_TIMES = re.compile(r"(?<![a-z])(?:(?:tang|giam|len|gap)\s+.{0,4}|gap.{0,3})$")
# How many characters before a figure are read.
_REACH = 600
_THRESHOLD = re.compile(r"\s*(?:tro len )?(?:phai|bat buoc|lap|gan|nop|can|duoc)(?![a-z])")
_QUALIFIED = re.compile(
    r"co (?:tong )?(?:cong suat|quy mo|dien tich|dung tich)\s+(?:dat |lap dat )?$|(?:co so|doanh nghiep|tau|khu vuc|du an) co\s+$"
)

_DATE = r"(?P<{0}day>\d{{1,2}})\s*(?:[/.-]|thang)\s*(?P<{0}month>\d{{1,2}})\s*(?:[/.-]|nam)\s*(?P<{0}full>20\d{{2}})"
_BY = r"(?:truoc|den|de|toi|het|cham nhat|muon nhat|han(?: chot)?|vao|la|xong|trong|cuoi|moc|tai|thoi diem|tu|sau)"
_DEADLINE = re.compile(
    rf"(?<![a-z])(?:{_BY}\s+)+(?:ngay\s+)?{_DATE.format('')}|(?P<other>(?:ngay\s+)?{_DATE.format('other')})|"
    r"(?:giai doan|thoi ky|nam)\s+(?:tu\s+)?(?:nam\s+)?20\d{2}\s*(?:[-–—]|den(?: nam)?)\s*(?P<end>20\d{2})|"
    rf"(?<![a-z])(?:{_BY}\s+)*(?:(?:thang\s*\d{{1,2}}|quy\s*(?:[1-4]|[iv]+))\s*(?:[/-]|nam)|nam)\s*"
    rf"(?P<year>20\d{{2}})(?!\d)(?:\s+tro di)?|(?<![a-z])(?:(?:den|toi|het|vao|truoc|cuoi)\s+)+(?P<short>20\d{{2}})(?![\d.,]\d)"
)
# A year that dates the base of comparison or another text, not the target.
_OTHER_YEAR = re.compile(r"(?:so voi[^,;.\d]{0,50}|(?:cung ky|binh quan|luat)[^,;.\d]{0,40}|(?<![a-z])cua\s+|lan\s+)$")
_PROGRAMME = re.compile(r"(?:chuong trinh|ke hoach|de an|chien luoc|nghi quyet|quyet dinh|quy hoach)[^,;.:]{0,140}$")
_OPENS = re.compile(
    r"(?:^\W*(?:\d+[.)])?|[,:–-]|(?<![a-z])(?:va|phan dau|muc tieu|theo do|cu the|trong do|bao dam|dam bao|con))\s*$"
)

_SCOPE = re.compile(
    r"trên địa bàn (?:toàn )?(?:tỉnh|thành phố|huyện|xã|phường|quận|vùng|khu)(?: (?-i:[A-ZĐÁẤÂĂÊÔƠƯÝ])[\w-]*)*|"
    r"(?<!\w)(?:(?:trong )?toàn (?:tỉnh|thành phố|huyện)|(?:tại|ở|trong) (?:tất cả )?(?:các |mọi )?(?:khu|cụm|làng nghề|siêu thị|"
    r"trung tâm|chợ|huyện|xã|phường|đô thị|vùng|trường|cơ quan)(?: (?!được|đạt|phải|có|và |đến|vào|sử dụng|thực hiện|áp dụng|"
    r"giảm|tăng|phân phối|chuyển|là |bố trí|thay)[^\W\d]+){0,6})",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:[^\w“\"]+|\d+[.)]+\s|[a-zđ][.)]\s|chỉ tiêu \d+|(?:phấn đấu|mục tiêu|bảo đảm|đảm bảo|theo đó|cụ thể|trong đó|"
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
    r"[();:\[]|\s*,?\s*(?<!\w)(?:so với|trong đó|phấn đấu|góp phần|nhằm|bình quân mỗi|mỗi (?:năm|ngày|tháng|héc-ta)|hằng năm|hàng năm|"
    r"/\s?(?:năm|ngày|tháng))(?!\w)|,\s*(?:đạt|chiếm|bảo đảm|đảm bảo|tăng|giảm|với|chậm nhất|hoàn thành|đồng thời)\s|[.!?](?=\s|$)|^\s*năm(?!\w)",
    re.IGNORECASE,
)
_FILLER = r"và|có|đạt|với|từ|khoảng|là|của|cho|vào|trong|hoặc|còn|để|gồm|theo|tại|trên|như|đến|tới"
_TAIL = re.compile(rf"(?:[\s,.;:–—-]|(?<!\w)(?:{_FILLER}))+$", re.IGNORECASE)
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
    figures = list(_figures(flat, masked, parts))
    heading = fold(heading_path[-1]) if heading_path else ""
    if not figures or _REPORT_HEADING.search(heading):
        return []
    folded = fold(flat)
    deadlines = _deadlines(folded, parts, figures)
    headed = next((d[-1].value for h in reversed(heading_path) if (d := _deadlines(fold(h), [(0, len(h))], []))), None)
    targets: list[Target] = []
    for place, figure in enumerate(figures):
        room = (
            figures[place - 1].span[1] if place else 0,
            figures[place + 1].span[0] if place + 1 < len(figures) else len(text),
        )
        if not _commits(folded, figures, place, bool(_AIM_HEADING.search(heading))):
            continue
        indicator = _indicator(flat, figure, room)
        if not indicator or indicator == figure.noun:
            indicator = _carried(flat, figure, targets) or indicator or (heading_path[-1] if heading_path else "")
        if indicator != figure.noun or len(text.split(maxsplit=5)) > 4:
            deadline = _governing(figure, figures, deadlines) or headed
            scope = _scope(text, figure, room)
            targets.append(
                Target(indicator, figure.comparator, figure.values, figure.unit, deadline, scope, figure.span)
            )
    return targets


def _flatten(text: str) -> str:
    """Join hard-wrapped lines and blank parentheses without digits; the length stays."""
    joined = re.sub(r"(?<![.;:!?])[\r\n](?=[ \t]*(?:[a-zà-ỹđ](?![.)])|\d+(?![\d.)])))", " ", text)
    return re.sub(r"\([^()\d]*\)", lambda match: " " * len(match.group()), joined)


def _figures(flat: str, masked: str, parts: Sequence[Span]) -> Iterator[_Figure]:
    plain = not has_diacritics(flat)
    for match in _FIGURE.finditer(masked):
        after = match["after"] or ""
        compared = match.span("compare")
        least, most = bool(_LEAST_FOUND.search(masked, *compared)), bool(_MOST_FOUND.search(masked, *compared))
        counted = least or most or bool(match["high"]) or bool(after)
        unit, noun = _unit(flat, match, plain, counted)
        if unit in _LIMITED and not (least or most):
            continue
        if not unit or (match["spelled"] and not _spelled_right(flat, match, plain, counted)):
            continue
        values = _values(match)
        comparator: Comparator = "="
        if len(values) == 2:
            comparator = "range"
        elif least or after.endswith("len"):
            comparator = ">="
        elif most or after.endswith("xuong"):
            comparator = "<="
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        clause = next((part for part in parts if part[0] <= match.end() - 1 < part[1]), (0, len(flat)))
        yield _Figure((start, match.end()), comparator, values, unit, noun, clause)


def _spelled_right(flat: str, match: re.Match[str], plain: bool, counted: bool) -> bool:
    """Tell "ba mô hình" from "bà con" and "Bảy Mẫu"; "một" is an article and "năm" a year unless compared."""
    written = flat[match.start("spelled") : match.end("spelled")].lower()
    name = "noun" if match["noun"] else "scale" if match["scale"] else "measure"
    return (
        (plain or written in _SPELLED)
        and (counted or written not in ("một", "năm", "mot", "nam"))
        and match["measure"] != "%"
        and (match["spelled"], match["noun"]) != ("mot", "don vi")
        and (counted or not _DEFINITE.search(fold(flat[max(0, match.start() - 8) : match.start()])))
        and flat[match.start(name)].islower()
    )


def _unit(flat: str, match: re.Match[str], plain: bool, counted: bool) -> tuple[str, str]:
    """Return (unit, counted noun); both empty where the number counts nothing."""
    if match["double"]:
        return "lần", ""
    if match["measure"]:
        unit = _MEASURES[match["measure"]]
        return {"phần trăm": "%", "hecta": "ha"}.get(unit, unit), ""
    name = "noun" if match["noun"] else "word"
    written = flat[match.start(name) : match.end(name)].lower()
    if match["noun"]:
        noun = written if written in _NOUNS else _NOUN_SPELLING[match["noun"]]
        # One syllable says too little once folded ("cho" is also "chợ"): it must be written right.
        return (noun, noun) if noun == written or plain or " " in written else ("", "")
    return (
        (written, written) if counted and not match["spelled"] and not _NOT_COUNTED.match(match["word"]) else ("", "")
    )


def _values(match: re.Match[str]) -> tuple[float, ...]:
    if match["double"]:
        return (2.0 if match["double"].endswith("doi") else 3.0,)
    scale = _SCALES.get(match["scale"] or "", 1.0)
    if match["spelled"]:
        return (round(_SPELLED_FOLDED[match["spelled"]] * scale, 6),)
    low = _number(match["low"]) * (_SCALES[match["low_scale"]] if match["low_scale"] else scale)
    low = round(low, 6)
    high = round(_number(match["high"]) * scale, 6) if match["high"] else low
    return (low, high) if high > low else (low,)


def _number(written: str) -> float:
    # "1.459,8" and "1.500" have dots between thousands; "7.5" is a decimal point.
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?", written):
        written = written.replace(".", "")
    return float(written.replace(",", "."))


def _commits(folded: str, figures: Sequence[_Figure], place: int, aim: bool) -> bool:
    """Tell whether a figure is aimed at, rather than spent, reached already, a base or a mere description."""
    figure = figures[place]
    start, end = figure.span
    reach = max(0, start - _REACH)
    sentence = max(reach, folded.rfind(". ", reach, start) + 1, folded.rfind("\n", reach, start) + 1)
    before, after = folded[max(sentence, folded.rfind(";", sentence, start) + 1) : start], folded[end : end + 90]
    first = next(f.span[0] for f in figures[max(0, place - _REACH // 4) :] if f.span[0] >= sentence)
    unit, exact, compared = figure.unit, figure.comparator == "=", figure.comparator in (">=", "<=")
    reached = _ACHIEVED.search(before)
    described = (
        (unit in ("đồng", "USD") and _BUDGET.search(before))
        or (unit == "%" and _SHARE.search(before))
        or (unit != "%" and _QUALIFIED.search(before))
        or (unit != "%" and compared and _THRESHOLD.match(after) and not reached)
        or (((unit in _SIZES and exact) or (unit in _THRESHOLDS and compared)) and not reached)
        or (unit != "%" and exact and before.endswith("("))
        or (unit == "lần" and exact and not _TIMES.search(folded[max(0, start - 6) : start + 4]))
    )
    # "tăng từ 40% lên 60%": the first figure is where one starts.
    following = folded[end : figures[place + 1].span[1]] if place + 1 < len(figures) else ""
    base = exact and re.search(r"(?<![a-z])tu $", before + folded[start : start + 3])
    base = base and re.match(r"[^.;,]{0,45}(?<![a-z])(?:len|xuong|con)\s", following)
    reported = not aim and (_REPORTED.search(folded[sentence:first]) or _REPORTED.search(before[-60:]))
    return not (described or base or reported or _ALREADY.match(after))


def _deadlines(folded: str, parts: Sequence[Span], figures: Sequence[_Figure]) -> list[_Deadline]:
    found = []
    for match in _DEADLINE.finditer(folded):
        clause = next((part for part in parts if part[0] <= match.start() < part[1]), (0, len(folded)))
        before = folded[clause[0] : match.start()]
        if match["other"] or _OTHER_YEAR.search(before) or (figures and match["end"] and _PROGRAMME.search(before)):
            continue
        value = match["end"] or match["year"] or match["short"] or match["full"]
        if match["day"]:
            with suppress(ValueError):
                value = date(int(match["full"]), int(match["month"]), int(match["day"])).isoformat()
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


def _scope(text: str, figure: _Figure, room: Span) -> str | None:
    """Return the place named between the figures beside this one, the one nearest to it."""
    found = list(_SCOPE.finditer(text, max(figure.clause[0], room[0]), min(figure.clause[1], room[1])))
    nearest = min(found, key=lambda match: abs(match.start() - figure.span[0]), default=None)
    return " ".join(nearest.group().split()) if nearest else None


def _indicator(flat: str, figure: _Figure, room: Span) -> str:
    """Return what the figure measures: the subject before "đạt" and its like, else the words around the figure."""
    (start, end), (first, last) = figure.span, figure.clause
    before = _without_dates(flat[max(first, room[0]) : start])
    after = _CUT_AFTER.split(_without_dates(flat[end : min(last, room[1])], cut=True), maxsplit=1)[0]
    if room[1] < last:
        after = re.split(r"(?:,|\svà)\s(?!.*(?:,|\svà)\s)", f"{after} ", maxsplit=1)[0]
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
    """Drop leading phrases of a long subject: what is measured stands last."""
    while len(subject.split()) > 18 and len(subject.partition(", ")[2].split()) > 2:
        subject = subject.partition(", ")[2]
    return subject


def _carried(flat: str, figure: _Figure, targets: Sequence[Target]) -> str:
    """Return the indicator for a figure that names none: the words before its colon, else the one before it."""
    lead = re.split(r"[.;]\s", flat[max(0, figure.clause[0] - _REACH) : figure.clause[0]])[-1]
    return (_trim(lead) if lead.rstrip().endswith(":") else "") or (targets[-1].indicator if targets else "")


def _without_dates(text: str, cut: bool = False) -> str:
    """Drop parentheses and dates; with ``cut``, also all that follows the first date."""
    text = re.sub(r"\([^()]*\)?", lambda match: " " * len(match.group()), text)
    folded = fold(text)
    dates = [
        m.span() for m in _DEADLINE.finditer(folded) if not (m["other"] or _OTHER_YEAR.search(folded[: m.start()]))
    ]
    if cut:
        return text[: dates[0][0]] if dates else text
    for start, end in reversed(dates):
        text = f"{text[:start]} {text[end:] if text[:start].strip() else text[end:].lstrip(' ,:')}"
    return text


def _trim(text: str) -> str:
    words = _LEAD.sub("", _TAIL.sub("", f" {text}")).split()
    return _TAIL.sub("", " ".join(words[:_MAX_WORDS]))
