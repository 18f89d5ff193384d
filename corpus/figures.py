"""Find the figures of a paragraph: numbers with what compares them and the unit that stands beside them.

Numbers are sought in a folded copy of the text, so most wrong or missing diacritics cost nothing. Document numbers,
dates and legal references are blanked first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.numbers import NUMBER
from corpus.target_words import (
    ACTS,
    GOAL_VERBS,
    MEASURES,
    NEVER_COUNTED,
    NOUN_SPELLING,
    NOUNS,
    PLACES,
    SCALES,
    SINGLE,
    SPELLED,
    SPELLED_FOLDED,
    TASK_VERBS,
    any_of,
    folded,
)
from corpus.types import Comparator
from nlp.fold import fold
from nlp.sentences import Span

# "dựa trên ba trụ cột" compares nothing, and "trên một tấn" is for each ton.
_LEAST = r"(?:(?<!dua )(?<!cu )(?<!doi )tren(?! mot (?!ty|ti|nghin|ngan|tram)| 1 (?!ty|ti|trieu|nghin|ngan))|it nhat|toi thieu|khong duoi|khong thap hon|khong it hon|khong nho hon|(?<!nho )(?<!lon )hon|(?<!khong )vuot)(?![a-z])|≥|>=|>|toi thieu dat"
_MOST = r"(?:duoi|toi da|khong (?:[a-z]+ ){0,2}qua|khong lon hon|(?<!khong )nho hon|khong cao hon|khong nhieu hon|nhieu nhat)(?![a-z])|≤|<=|<"
_NEUTRAL = r"(?:khoang|xap xi|gan|chung|gap|tu|xuong con|chi con|xuong|(?<!khong )(?:cao|thap|it|nhieu) hon|(?<=giam )con)(?![a-z])"
_LEAST_FOUND = re.compile(rf"(?<![a-z])(?<!cao )(?<!thap )(?<!it )(?<!nhieu )(?:{_LEAST})|khong (?:thap|it) hon")
_MOST_FOUND = re.compile(rf"(?<![a-z])(?:{_MOST})")
COMPARISON = rf"(?<![a-z])(?:{_NEUTRAL}|{_LEAST}|{_MOST})\s*(?:(?:dat|la|muc)\s+)?"
VALUE = r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d{1,15}(?:[.,]\d{1,15})?"
_SCALE = rf"(?:{'|'.join(SCALES)})(?![a-z])"
_RATE = r"/\s?(?:ngay dem|ngay|gio|nam|thang|vu|m2|m3|ha|tan|san pham|nguoi)(?![a-z\d])"
_FIGURE = re.compile(
    rf"(?P<compare>(?:{COMPARISON}){{0,3}})(?:(?:(?<![\w/.,])|(?<=[a-z]{{2}})(?=[\d.,]+\s?%))(?P<low>{VALUE})"
    rf"(?:(?:\s*%)?(?:\s*(?P<low_scale>{_SCALE}))?\s*(?:[-–—~]|den|toi)\s*(?P<high>{VALUE}))?"
    rf"|(?<![a-z\d])(?P<spelled>{any_of(SPELLED_FOLDED)})(?=\s))\s*(?:(?P<scale>{_SCALE})\s*)?"
    rf"(?:(?P<measure>(?!dong (?:hang|san pham))(?:{any_of(MEASURES)}))(?![a-z\d]|/[hs]\b)(?P<rate>(?<!%)(?:{_RATE}){{1,2}})?"
    rf"|(?P<noun>{any_of(NOUN_SPELLING)})(?![a-z\d])(?P<flow>/(?:ngay dem|ngay|gio)(?![a-z]))?|"
    r"(?(low)(?P<word>[a-z]{2,}(?:-[a-z]+)?)(?=(?: (?P<second>[a-z]{2,})(?![a-z-]))?)|(?!))|"
    r"[\"“](?P<quoted>[^\"“”;\x00]{3,30})[\"”])"
    r"(?P<after>(?:\s+mot (?:nam|thang|ngay|luot))?\s+tro (?:len|xuong))?|(?P<double>gap (?:doi|ba))(?![a-z])"
)
# Blanked before numbers are sought; ``_ALIKE`` are words that, folded, read like "từ", "gần", "chừng" and "hơn", and parts of shares.
_MASKED = re.compile(
    rf"{NUMBER.pattern}|\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{4}}|\d{{1,9}}/\d{{1,9}}|\d{{1,9}}\s+(?:trong|trên)\s+(?:tổng\s+)?(?:số\s+)?\d{{1,9}}|"
    r"(?:ngày|mùng|tháng|quý)\s+\d{1,2}(?:[/.-]\d{1,2}[/.-]\d{4}|\s+tháng\s+\d{1,2})?(?:\s+năm\s+\d{4})?|"
    r"(?:năm|giai đoạn|đến|đế|vào|từ|trước|hết|cuối|kỳ)\s+(?:19|20)\d{2}(?:\s*[-–—]\s*20\d{2})?(?![\d.,]\d)|"
    r"(?<!mỗi )(?<!danh )\b(?:điều|khoản|mục|phụ lục|phần|chương|số|biểu|bảng|mẫu|quận|phường|hạng|loại|nhóm|quốc lộ|đường|"
    r"lớp|khóa|thứ|ISO|QCVN|TCVN|RON|nghị quyết|chỉ tiêu|phương thức|phương án|vòng|bước|hình)\s*(?:số\s+)?"
    r"\d+(?:[.:/-]\d+)*(?!\d|[.,]\d|\s*%)|^\W*\d{1,2}(?:\.\d{1,2})+\.?(?=\s+(?-i:[A-ZĐÀ-Ỹ]))|(?<!\w)[IVX]+\.\d+|(?<!\d)\d{1,3} khóa [IVX]+|(?<![\d.,])4\.0(?![\d.,]*\d)|"
    r"(?<!\d)0\d{2,3}[. ]?\d{3}[. ]?\d{3,4}(?!\d)|(?:điện thoại|ĐT|fax)\W+[\d. ]+",
    re.IGNORECASE,
)
_ALIKE = re.compile(
    r"(?<!\w)(?:phần\s+(?:ba|tư|năm|mười)|(?:tử|tư|tự|tứ|gắn|chung|hòn|hôn|hồn|hỗn)(?=\s))", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")
# Before a spelled number, these say which ones are meant, not how many are wanted.
_DEFINITE = re.compile(r"(?<![a-z])(?:cua|giua|chu|con|kem|ru|trong|nay|cac|nhung|do|tai|du|ca|tren|sau|qua)\s+$")
_GOAL = re.compile(rf"{folded(GOAL_VERBS)}\s+(?:(?:moi|duoc|lai|them|it nhat|tai|o|cho|voi|xong|du|dot xuat)\s+)*$")
# A further item of a list of what is counted: "3 kho, cùng một chợ đầu mối".
_FURTHER = re.compile(r"(?:,|(?<![a-z])(?:va|cung|cung voi))\s+$")
# "từ 10 con vật nuôi trở lên": words of the noun stand before "trở lên".
_UPWARD = re.compile(r"(?: [a-z]+){0,4} tro (len|xuong)(?![a-z])")
# "20 trường học, trạm y tế": nouns that one number governs; "và" only closes such a list.
_JOINED = any_of((*(n for n in NOUNS if " " in n and n not in {*GOAL_VERBS, *TASK_VERBS, *ACTS}), *PLACES))
_ALSO = re.compile(rf"(?:,\s(?:{_JOINED})(?!\w))+(?:\s(?:và|hoặc)\s(?:{_JOINED})(?!\w))?(?! [A-ZĐÀ-Ỹ])")
# "mỗi xã có một điểm": what each shall have is a number, though "một" is written.
_OF_EACH = re.compile(r"(?<!\w)(?:mỗi|từng|moi|tung)\s(?:[^\W\d]+[ ,]+){1,8}?(?P<having>(?:có|co)\s+)?$", re.IGNORECASE)
_PER_ONE = re.compile(r"(?<!dua )tren\s+$")

# A noun of the list's making is one word; any other is taken to have two syllables, unless it is foreign ("camera").
_SYLLABLE = re.compile(r"(?:ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ng|nh|ch|[cmnpt])?")
# "Nghi Sơn 12", "tầng 10", "(ISO 14064)": the number names what stands before it.
_NUMBERED = re.compile(
    r"(?:[A-ZĐÀ-Ỹ][\w-]*|(?<!\w)(?:án|khu|vùng|tầng|cột|khối|kho|đoạn|đợt|động|cấp|top|tốp|việc|tiêu|nhóm|hạng|chuẩn|mã|số|tuyến|tổ|đội|kênh|ca|"
    r"trang|lần|bậc|bàn|phòng|cảng|bến|cầu|lô|điểm|câu|báo động|[(\[/*×x–-]))\s*$"
)
_YEAR = re.compile(r"(?:19|20)\d{2}")
_LIMITED = frozenset({"giờ", "phút"})
_AGES = re.compile(r"(?:(?<!co )tuoi tho|keo dai)[^.;]{0,60}$")


@dataclass(frozen=True)
class Figure:
    """A number found: ``span`` with its comparator words and unit, ``noun`` where things are counted.

    ``sure`` is false where only the kind of text tells that something is counted: unlisted nouns, numbers in words.
    """

    span: Span
    comparator: Comparator
    values: tuple[float, ...]
    unit: str
    noun: str
    clause: Span
    sure: bool = True


def find_figures(flat: str, plain: str, parts: Sequence[Span]) -> list[Figure]:
    """Return the figures of ``flat`` (folded: ``plain``) that stand beside their unit; ``parts`` are its clauses."""
    masked = _blank(_ALIKE, flat, plain)
    if _DIGIT.search(flat):
        masked = _blank(_MASKED, flat, masked)
    return list(_found(flat, masked, parts, plain == flat.lower()))


def _blank(pattern: re.Pattern[str], flat: str, masked: str) -> str:
    """Blank in ``masked`` what ``pattern`` finds in ``flat``; the length stays."""
    pieces, end = [], 0
    for match in pattern.finditer(flat):
        pieces += [masked[end : match.start()], "\x00" * (match.end() - match.start())]
        end = match.end()
    return "".join([*pieces, masked[end:]])


def _found(flat: str, masked: str, parts: Sequence[Span], plain: bool) -> Iterator[Figure]:
    listed = (-1, -1)
    for match in _FIGURE.finditer(masked):
        after = match["after"] or ""
        least, most = compared(masked, match.span("compare"))
        words = match["compare"] or ""
        if (
            words.split()[-1:] == ["tu"]
            and not (match["high"] or after)
            and (upward := _UPWARD.match(masked, match.end()))
        ):
            after = upward[0]
        lowered = words.startswith(("xuong", "chi con"))
        counted = least or most or lowered or bool(match["high"]) or bool(after)
        clause = clause_at(parts, match.end() - 1, len(flat))
        further = listed[0] == clause[0] and bool(
            _FURTHER.search(masked, max(listed[1], match.start() - 12), match.start())
        )
        aimed = further or bool(_GOAL.search(masked, max(0, match.start() - 40), match.start()))
        unit, noun = _unit(flat, match, plain, (counted, aimed))
        sure = counted or aimed or not (match["spelled"] or match["quoted"] or (noun and match["word"]))
        if unit in _LIMITED and not (least or most):
            continue
        if not unit and match["word"] == "nam" and (least or most) and _AGES.search(masked, 0, match.start()):
            unit = "năm"
        if noun and not aimed and match["low"] and _YEAR.fullmatch(match["low"]):
            continue
        if not unit or (match["spelled"] and not _spelled_right(flat, match, plain, (counted, aimed))):
            continue
        values = _values(match)
        if values == (1.0,) and _PER_ONE.search(masked, max(0, match.start() - 8), match.start()):
            continue
        comparator: Comparator = "="
        if len(values) == 2:
            comparator = "range"
        elif least or after.endswith("len"):
            comparator = ">="
        elif most or after.endswith("xuong"):
            comparator = "<="
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        end, also = _ending(flat, match, noun)
        unit, noun = unit + also, noun + also
        if noun:
            listed = (clause[0], end)
        yield Figure((start, end), comparator, values, unit, noun, clause, sure)


def _ending(flat: str, match: re.Match[str], noun: str) -> tuple[int, str]:
    """Return where a figure ends, and the nouns that its number counts besides ``noun``."""
    if match["word"] and " " in noun:
        return match.end("second"), ""
    also = _ALSO.match(flat, match.end()) if noun and match["noun"] else None
    return (also.end(), also.group()) if also else (match.end(), "")


def clause_at(parts: Sequence[Span], place: int, length: int) -> Span:
    """Return the clause that holds ``place``, else the whole text."""
    return next((part for part in parts if part[0] <= place < part[1]), (0, length))


def compared(masked: str, span: Span) -> tuple[bool, bool]:
    """Tell whether the words in ``span`` say at least and whether they say at most."""
    return bool(_LEAST_FOUND.search(masked, *span)), bool(_MOST_FOUND.search(masked, *span))


def _spelled_right(flat: str, match: re.Match[str], plain: bool, sure: tuple[bool, bool]) -> bool:
    """Tell "ba mô hình" from "bà con" and "Bảy Mẫu"; "một" is an article and "năm" a year unless compared or aimed at."""
    counted, aimed = sure
    written = flat[match.start("spelled") : match.end("spelled")].lower()
    name = "noun" if match["noun"] else "scale" if match["scale"] else "measure"
    noun = flat[match.start(name) : match.end(name)]
    if written in ("một", "mot") and not counted:
        each = _OF_EACH.search(flat, max(0, match.start() - 80), match.start())
        return bool(match["noun"]) and ((aimed and noun in SINGLE) or bool(each and (aimed or each["having"])))
    return (
        (plain or written in SPELLED)
        and (counted or aimed or written not in ("năm", "nam"))
        and match["measure"] != "%"
        and (match["spelled"], match["noun"]) != ("mot", "don vi")
        and (counted or aimed or not _DEFINITE.search(fold(flat[max(0, match.start() - 8) : match.start()])))
        and noun.islower()
    )


def _unit(flat: str, match: re.Match[str], plain: bool, sure: tuple[bool, bool]) -> tuple[str, str]:
    """Return (unit, counted noun); both empty where the number counts nothing."""
    if match["double"]:
        return "lần", ""
    if match["measure"]:
        unit = MEASURES[match["measure"]]
        if (
            unit == "đồng"
            and not plain
            and flat[match.start("measure") : match.end("measure")].lower() not in ("đồng", "dong")
        ):
            return "", ""
        unit = {"phần trăm": "%", "hecta": "ha"}.get(unit, unit)
        return unit + (_rate(flat, match, "rate") if unit != "%" else ""), ""
    name = "noun" if match["noun"] else "word"
    written = flat[match.start(name) : match.end(name)].lower()
    if match["noun"]:
        noun = written if written in NOUNS else NOUN_SPELLING[match["noun"]]
        if noun != written and not plain and written.count(" ") == 1 and written.split()[0] in NOUNS:
            noun = written = written.split()[0]  # "hộ ủ", though "hố ủ" is listed
        # "20 Bộ Tài chính" runs two cells of a table together.
        name_follows = " " not in noun and flat[match.start("noun")].isupper() and not plain
        if name_follows or (" " in noun and match["noun"] in NEVER_COUNTED):
            return "", ""
        # One syllable says too little once folded ("cho" is also "chợ"): it must be written right.
        return (noun + _rate(flat, match, "flow"), noun) if noun == written or plain or " " in written else ("", "")
    if match["quoted"]:
        return (flat[slice(*match.span("quoted"))].lower(),) * 2
    if match["spelled"] or match["word"] in NEVER_COUNTED or not written.islower():
        return "", ""
    if not any(sure) and (
        len(match["low"]) < 2 or _NUMBERED.search(flat, max(0, match.start() - 30), match.start("low"))
    ):
        return "", ""
    unit = written
    if match["second"] and _SYLLABLE.fullmatch(match["word"]) and match["second"] not in NEVER_COUNTED:
        unit = flat[match.start("word") : match.end("second")]
    return (unit, unit) if unit.islower() else (written, written)


def _rate(flat: str, match: re.Match[str], name: str) -> str:
    return "/" + flat[match.start(name) + 1 : match.end(name)].strip().lower() if match[name] else ""


def _values(match: re.Match[str]) -> tuple[float, ...]:
    if match["double"]:
        return (2.0 if match["double"].endswith("doi") else 3.0,)
    scale = SCALES.get(match["scale"] or "", 1.0)
    if match["spelled"]:
        return (round(SPELLED_FOLDED[match["spelled"]] * scale, 6),)
    low = number(match["low"]) * (SCALES[match["low_scale"]] if match["low_scale"] else scale)
    low = round(low, 6)
    high = round(number(match["high"]) * scale, 6) if match["high"] else low
    return (low, high) if high > low else (low,)


def number(written: str) -> float:
    """Read "1.459,8" and "1.500", with dots between thousands, and "7.5", where it is a decimal point."""
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?", written):
        written = written.replace(".", "")
    return float(written.replace(",", "."))
