"""Tell what a paragraph is about from its headings and wording: aims, tasks or facts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from corpus.target_words import HEADINGS_OF_AIMS, HEADINGS_OF_FACTS, folded
from nlp.fold import fold, has_diacritics

_HEADING = re.compile(rf"(?P<aim>{folded(HEADINGS_OF_AIMS)})|(?P<fact>{folded(HEADINGS_OF_FACTS)})")
_DONE = re.compile(r"(?:muc tieu|chi tieu|nhiem vu|ket qua)[^.;:]{0,30} da (?:dat|hoan thanh|thuc hien)")
_STRICT_AIM = re.compile(r"muc tieu|chi tieu")
PURSUED = (
    r"phan dau|muc tieu|(?<![a-z])se |chi tieu|bao dam|dam bao|toi thieu|it nhat|(?:den|toi) (?:nay )?(?:het |cuoi )?(?:ngay |thang |nam |quy )?(?:[iv\d]{1,3}/){0,2}20[2-9]\d|tu nay (?:den|toi)|phai |"
    r"cam ket|dang ky|du kien|dat muc|yeu cau|quyet tam|du tinh|nam toi|giai doan toi|thoi gian toi|quy hoach |dat ra|chi dao|khang dinh se|de ra|(?<![a-z])muon |huong den|theo do|[,;] (?:trong |sang |den |tu )?nam 20(?:2[5-9]|[3-9]\d)"
)
PURSUIT = re.compile(PURSUED)
_TOLD = re.compile(r"""^\W*(?:(?:ông|bà|anh|chị)\s(?-i:[A-ZĐÀ-Ỹ])|["“].*nói\W*$)""", re.IGNORECASE | re.DOTALL)
_STOPPED = re.compile(r"[.!?][\"”’)\s]*(?:$|\[\d|\s[\"“(]?[A-ZĐÀ-Ỹ])")
_LINE = 160
_CELLS = re.compile(r"(?:[;|.]|–)\s+[A-ZĐÀ-Ỹ][^:;|.]{1,30}:\s|\|\|?")
_OWN_YEAR = re.compile(r"(?<!den )(?<!cuoi )(?<!tu )(?<!het )nam (20\d{2})(?! ?[-–])")
_ANY_YEAR = re.compile(r"(?<![\d/.-])20\d\d(?![\d/])")
# The year from which a bare year is taken to lie ahead, where neither headings nor title name one.
_FIRST_AHEAD = "2025"
_YEAR_CELL = re.compile(r"(?:^|[|;])\s*(20\d\d)\s*:")
_SAMPLING = re.compile(r"quan trac|lay mau|tan suat|chi tieu giam sat|giam sat moi truong")
# Words that, folded, read like "đã", "chỉ", "khi" and "nếu".
_ALIKE = re.compile(r"(?<!\w)(?:đá|đa|da|dạ|đà|chị|khí|nêu)(?!\w)", re.IGNORECASE)
Stance = Literal["aim", "task", "fact", ""]


def stance(headings: Sequence[str]) -> Stance:
    """Tell from the innermost heading that says so whether paragraphs under it set aims, set tasks or state facts."""
    for heading in reversed(headings):
        if _DONE.search(fold(heading)):
            return "fact"
        match = _HEADING.search(fold(heading))
        if match:
            return "fact" if match["fact"] else "aim" if _STRICT_AIM.search(fold(heading)) else "task"
    return ""


@dataclass(frozen=True)
class Setting:
    """A paragraph for judging its figures: as written, folded, with what its headings say.

    ``since`` is the first year that headings or title name; ``sampled`` says that they speak of monitoring.
    """

    text: str
    folded: str
    stance: Stance
    year: str
    since: str
    sampled: bool

    @classmethod
    def of(cls, text: str, headings: Sequence[str], title: str = "") -> Setting:
        """Read what ``headings`` and the document's ``title`` say of ``text``."""
        years = _OWN_YEAR.findall(fold(headings[-1])) if headings else []
        plain = not has_diacritics(text)
        folded_text = fold(text if plain else _ALIKE.sub(lambda match: "\x00" * len(match.group()), text))
        above = fold(" ".join((title, *headings)))
        since = min(_ANY_YEAR.findall(above), default=_FIRST_AHEAD)
        return cls(text, folded_text, stance(headings), min(years, default=""), since, bool(_SAMPLING.search(above)))

    @cached_property
    def fragment(self) -> bool:
        """Whether the text is no prose: a line without a full stop, as items of lists and cells are."""
        return len(self.text) <= _LINE and not _STOPPED.search(self.text) and not self.text.isupper()

    @cached_property
    def row(self) -> bool:
        """Whether the text is a row of a table: cells with labels, or between bars."""
        return len(_CELLS.findall(self.text)) >= 2

    @cached_property
    def past(self) -> bool:
        """Whether this is a row whose cells are headed by years that all lie behind: "2022: 88% | 2023: 91,5%"."""
        years = _YEAR_CELL.findall(self.folded) if self.row else []
        return len(years) > 1 and max(years) < self.since

    @cached_property
    def told(self) -> bool:
        """Whether the paragraph tells of a person or quotes one who promises nothing."""
        return self.stance == "" and bool(_TOLD.match(self.text[:2000])) and not PURSUIT.search(self.folded)
