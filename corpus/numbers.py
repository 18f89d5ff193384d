"""Find the numbers of documents and the days named in a text."""

from __future__ import annotations

import re
from datetime import date

_LETTERS = r"[A-ZĐ]{2,12}[a-z]?\d{0,2}"
_JOIN = r"(?:[-/]|\s[-/]|[-/]\s)"
# 1043/KH-UBND, 08/2022/NĐ-CP, 66-NQ/TW, 10- CTr/TU, 202/2025/QH15, 6676/BYT-CDS; typos such as KH-UNBD pass.
NUMBER = re.compile(
    rf"(?<![\w/])(\d{{1,5}}[a-z]?(?:"
    rf"(?:/\d{{4}})?\s?[-/]\s?(?:KH|QĐ|QD|NQ|CT|CTr|CTR|TT|NĐ|TB|BC|HD|TTr|CV|PA|ĐA|KL|CĐ|QC|QCPH|TTLT|VBHN)(?:{_JOIN}{_LETTERS}){{1,3}}"
    rf"|(?:/\d{{4}})?/{_LETTERS}-{_LETTERS}"
    rf"|/\d{{4}}/(?:UBTV)?QH\d{{2}}))(?!\w)"
)
_DAY = re.compile(
    r"(?:ngày\s*)?(?<!\d)(\d{1,2})\s*(?:tháng|[/.-])\s*(\d{1,2})\s*(?:năm|[/.-])\s*((?:19|20)\d{2})(?!\d)",
    re.IGNORECASE,
)


def numbers_in(text: str) -> list[str]:
    """Return the document numbers in ``text``, cleaned, in order, with repetitions."""
    return [clean_number(match.group(1)) for match in NUMBER.finditer(text)]


def is_party_number(number: str) -> bool:
    """Tell a number of the Party ("45-NQ/TU", "57-NQ/TW") from one of the state ("1043/KH-UBND")."""
    return bool(re.fullmatch(r"\d+-[^/\d]+/(?:TW|TU|HU|ĐU|BTV|BTVTU|BCĐ\w*|TGV|BCSĐ)", number))


def clean_number(number: str) -> str:
    """Return a document number without inner spaces, in the usual spelling of its letters."""
    number = re.sub(r"\s+", "", number).replace("/QD-", "/QĐ-").replace("UNBD", "UBND")
    return re.sub(r"CTR(?=[-/])", "CTr", re.sub(r"-TTG\b", "-TTg", number))


def parse_day(text: str) -> date | None:
    """Return the first day named in ``text`` ("07/05/2021", "ngày 7 tháng 5 năm 2021"), or None."""
    for match in _DAY.finditer(text):
        try:
            return date(int(match[3]), int(match[2]), int(match[1]))
        except ValueError:
            continue
    return None
