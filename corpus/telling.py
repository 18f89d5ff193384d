"""Tell what is reported from what is pursued: results, surveys, forecasts and descriptions are no targets.

Under a heading of aims a figure counts unless its own words say "now"; under tasks unless something says that it was
reached; without such a heading only with words of pursuit, in a clause that opens with a verb, or in a list or table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.figures import COMPARISON, Figure
from corpus.stance import PURSUED, PURSUIT, Setting
from corpus.target_words import GOAL_VERBS, TASK_VERBS, any_of
from nlp.fold import fold

_REPORTED = re.compile(
    r"(?<![a-z])(?:da(?! dang)|hien (?:nay|dang|tai|ca)|(?<!thuc )hien co(?! hieu|,)|dang (?:co|khai thac|van hanh|cap|chay)|uoc|"
    r"hien trang|con toi|(?<!thon )(?<!xay )(?<!trong )moi (?:co|dat|khai thac|dap ung|bao quat)|"
    r"cung ky|vua (?:qua|roi|khanh thanh|dua|hoan thanh|khai truong|ra mat|trao)|den nay|(?:nam|thang|tuan|sang|hom) qua|nam ngoai|dau nam|luy ke|tinh den|truoc (?:day|kia)|"
    r"theo so lieu|cho (?:biet|hay)|du bao|nam 20[01]\d|tiem nang|dan so|(?<=[a-z] )khanh thanh|dien ra|ghi nhan|hom thu|"
    rf"la (?:quoc gia|tinh|huyen|mot trong|loai|san pham|hang hoa)|(?:moi|hang) (?:ngay|gio)|ket qua,)(?![a-z])(?!.*(?:{PURSUED}))",
    re.DOTALL,
)
# "gấp 2,5 lần hiện nay, và không quá 10%": the present is what an aim is measured by.
_BASE_OF_AIM = re.compile(
    r"(?<![a-z])tu [\d.,]+[^,;.\d]{0,20}(?:hien nay|hien tai)|(?:lan|so voi|cao hon|thap hon|it hon|nhieu hon|muc) (?:muc )?(?:hien nay|hien tai|hien trang)"
)
_ONLY = re.compile(
    r"(?<![a-z])chi (?:dat|co|moi|bang|chiem)?\s*$|(?<!thon )(?<!xay )(?<!trong )(?<!lap )(?<!tu )(?<!lam )(?<![a-z])moi (?:chi )?(?:dat |co |bang )?$|"
    r"(?<![a-z])co (?:luc|noi|nam)(?![a-z])[^.;]{0,40}$"
)
# Under a heading of aims: the sentence speaks of today, or a cell of a row holds what was reached.
_TODAY = re.compile(
    r"^\W*(?:hien nay|hien tai|den nay|tinh den nay|thoi gian qua|nam vua qua)(?![a-z])|"
    rf"(?<![a-z])(?:hien|moi) (?:chi )?(?:dat|co|la|chiem)\s+(?:{COMPARISON})?$"
)
_CELL_OF_RESULTS = re.compile(
    r"(?:^|[|;:,(])\s*(?:hien trang|thuc hien|thuc trang|uoc|uoc thuc hien|nam hien hanh|nam goc|ket qua thuc hien|so lieu|nen|nam co so|ban dau)"
    r"(?! (?:den|trong|muc tieu|can|phai|du kien))[^|;:]{0,40}:\s*$|\((?:nam )?20\d\d (?:la|moi|chi)(?: [a-z]+)?\s*$"
)
# "Phấn đấu đến năm 2030: ...; công suất của các nhà máy mới đạt": new ones, no result.
_NEW = re.compile(r"(?<![a-z])moi (?:dat|co|la)\s")
# Behind the figure: it is compared with what was, or what it counts has acted already.
_ALREADY = re.compile(
    r"[^.;]{0,60}so voi (?:cung ky|vu (?:truoc|ngoai)|(?:nam|thang) (?:ngoai|truoc))|[^.;,]{0,12}(?<![a-z])(?:hien nay|hien tai|cua nam nay|(?:nam|thang|tuan) qua)|"
    r"\s*(?:so voi )?(?:ke hoach|chi tieu|du toan) (?:nam|giao|de ra)|\s*cung ky"
)
_OF_PLAN = re.compile(r"\s*(?:ke hoach|chi tieu|du toan)")
_ACTED = re.compile(r"[^.;:]{0,80}?(?<![a-z])(?:(?<!cuoi )da(?! dang)|dang (?!hoat dong))(?![a-z])")
_HAVING = re.compile(r"[^.;:,]{0,45}?(?<![a-z])(?<!cuoi )da(?! dang)(?![a-z])")
_YEAR = re.compile(r"\W*(?:trong )?nam (20\d{2})")
# Behind the figure, the day it is due.
_DUE = re.compile(
    r"[^.;]{0,80}?(?<![a-z])(?:vao|den|truoc|trong|het) (?:het |cuoi )?(?:ngay |thang |nam |quy |nhiem ky )?(?:[iv\d]{1,3}[/ .-](?:thang |nam )?){0,2}20[2-9]\d"
)
_SURVEY = re.compile(r"(?<![a-z])(?:trong|tren) (?:tong )?so \d|(?:duoc hoi|khao sat|phong van|dieu tra)(?![a-z])")
_LINKING = re.compile(
    r"\W*(?:trong do|theo do|cu the|dong thoi|ngoai ra|rieng|cung voi|ben canh do|con so nay|con lai|muc nay|ty le nay)(?![a-z])"
)
_VERBS = any_of({fold(verb) for verb in (*GOAL_VERBS, *TASK_VERBS)})
_OPENS_WITH_VERB = re.compile(
    rf"(?:^|[.;:]\s|\n)[^\w]*(?:[a-z\d]{{1,2}}[.)]\s*)?(?:(?:den|trong|nam|giai doan|tu|quy)[^,.;:]{{0,25}}20\d\d,?\s)?(?:{_VERBS})(?![a-z])"
)
# A goal that a result is measured by: "thấp hơn mục tiêu 70%".
_MISSED = re.compile(
    r"(?:(?:thap|cao|cham|it|nhieu|kem) hon|so voi|vuot|\()\s*(?:muc tieu|chi tieu|ke hoach|yeu cau)(?: [a-z]+){0,3}\s*(?:la )?$"
)
_AMOUNT = re.compile(
    r"(?:dau ra|san pham|ket qua|yeu cau|so luong|khoi luong|quy mo thuc hien|muc|muc tieu|chi tieu|gia tri|ke hoach|ket qua (?:can|phai) dat)[^:|;]{0,40}[:|]\s*(?:\d[^:|;]{0,40}, )?$"
)
# How many characters of earlier sentences are searched for words of pursuit.
_EARLIER = 1000
_NUMBERED = re.compile(r"(?:^|\s)\d{1,2}\.\s?$")
_BULLET = re.compile(r"\s*(?:[-+•*–]\s|[a-z\d]{1,2}[.)]\s)")


def is_told(setting: Setting, figures: Sequence[Figure], place: int, around: tuple[int, str, str]) -> bool:
    """Tell what was reached already or simply is.

    ``around`` are the start of the sentence, the words of the clause before the figure, and those behind it.
    """
    sentence, before, after = around
    text, figure = setting.folded, figures[place]
    first = next(f.span[0] for f in figures[max(0, place - 150) : place + 1] if f.span[0] >= sentence)
    lead = _BASE_OF_AIM.sub("", text[sentence:first])
    if (
        (
            figure.unit != "lần"
            and _ALREADY.match(after)
            and not (setting.stance in ("aim", "task") and _OF_PLAN.match(after))
        )
        or setting.told
        or setting.past
        or _CELL_OF_RESULTS.search(before[-80:])
    ):
        return True
    year = _YEAR.match(lead)
    if year and (year[1] < setting.year or f"so voi nam {int(year[1]) - 1}" in text):
        return True
    if setting.stance != "aim" and _MISSED.search(before[-60:]):
        return True
    pursued = bool(PURSUIT.search(text[sentence : figure.span[1]]))
    if setting.stance == "aim":
        return bool(_TODAY.search(before)) and not PURSUIT.search(
            text[sentence:first] if _NEW.search(before) else before
        )
    if setting.stance == "" and not (
        pursued or _DUE.match(text, figure.span[1]) or _is_listed(setting, sentence, before, figure)
    ):
        return True
    if not figure.sure and setting.stance == "" and not pursued:
        return True
    anew = before.strip() and figure.span[0] - len(before) >= first and PURSUIT.search(before)
    near = _BASE_OF_AIM.sub("", before)[-60:]
    if (_REPORTED.search(lead) and not anew) or _REPORTED.search(near) or _ONLY.search(near):
        return True
    if setting.stance == "" and text.startswith("chung ", figure.span[0]):
        return True
    acted = _HAVING if pursued and figure.unit != "%" else _ACTED
    return bool(acted.match(after)) and not (pursued and figure.unit == "%")


def _is_listed(setting: Setting, sentence: int, before: str, figure: Figure) -> bool:
    """Tell whether a figure that no word of pursuit leads is an item of a plan all the same: a task, a cell, a bullet."""
    text = setting.folded
    clause = text[sentence : figure.span[0]]
    if _SURVEY.search(clause):
        return False
    lead = text[max(0, sentence - 5) : sentence].rstrip(" ")
    if setting.row or _OPENS_WITH_VERB.search(clause) or _AMOUNT.search(before) or lead.endswith(":"):
        return True
    if (_LINKING.match(clause) or _NUMBERED.search(lead)) and PURSUIT.search(
        text, max(0, sentence - _EARLIER), sentence
    ):
        return True
    opens = not lead or lead.endswith("\n")
    return setting.fragment or (opens and (bool(_BULLET.match(text, sentence)) or not clause.strip(" -+•*–")))
