"""Join the lines of a text into pieces: a piece is a paragraph, a numbered item, a dash, or a row of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from corpus.clean import Line
from corpus.title import is_capitals
from nlp.fold import fold

# The name of each way of numbering and its pattern; the first group is the label used in anchors.
_ROMAN_OR_WORD = r"(?:thứ\s+)?([IVXL]{1,6}|\d{1,2}|[A-H]|(?i:nhất|hai|ba|tư|bốn|năm|sáu))(?![\wÀ-ỹ])"
_MARKERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("part", rf"(?:PHẦN|Phần)\s+{_ROMAN_OR_WORD}\s*[.:]?"),
        (
            "annex",
            r"(?:PHỤ LỤC|Phụ lục)(?:\s+(?:SỐ\s+|số\s+)?([IVXL]{1,5}|\d{1,2}[A-Z]?))?(?=\s*(?:[.:(–-]|$)|\s+[A-ZĐÀ-Ỹ]{2})",
        ),
        ("chapter", rf"(?:CHƯƠNG|Chương)\s+{_ROMAN_OR_WORD}\s*[.:]?"),
        ("section", r"(?:MỤC|Mục)\s+(\d{1,2}|[IVXL]{1,5})\s*(?:[.:]|$)"),
        ("roman", r"([IVXL]{1,6})\s*(?:[.)](?=\s|[A-ZĐÀ-Ỹ]|$)|[-/–](?=\s))"),
        ("letter", r"([A-HĐ])\s*(?:\.(?=\s|[A-ZĐÀ-Ỹ]{2})|[-/–](?=\s))"),
        ("article", r"(?:ĐIỀU|Điều)\s+(\d{1,3})\s*[.:]"),
        ("number", r"(\d{1,2})\s*(?:[.)](?!\d)(?=\s|[A-ZĐÀ-Ỹ]|$)|[/-](?=\s))"),
        ("number2", r"(\d{1,2}\.\d{1,2})\s*(?:[.)]$|(?:[.)](?!\d))?(?=\s|[A-ZĐÀ-Ỹ]))"),
        ("number3", r"(\d{1,2}\.\d{1,2}\.\d{1,2})\s*(?:[.)]$|(?:[.)](?!\d))?(?=\s|[A-ZĐÀ-Ỹ]))"),
        ("item", r"([a-zđ])\s*[.)](?=\s|[A-ZĐÀ-Ỹ]|$)"),
        ("dash", r"([-–—•●▪*])(?=\s|[A-ZĐÀ-Ỹ0-9])"),
        ("plus", r"([+○◦])(?=\s|[A-ZĐÀ-Ỹ0-9])"),
    )
)
_TITLED = frozenset({"roman", "letter", "number", "number2", "item"})
_MARK_ALONE = re.compile(r"(?:[\dIVXL]{1,5}(?:\.\d{1,2}){0,2}|[a-zđA-H])\s?[.)]")
_MARK_WORDS = re.compile(rf"(?:Phần|Chương|Phụ lục)(?:\s+(?:số\s+)?{_ROMAN_OR_WORD})?\s*[.:]?")
BULLETS = frozenset({"dash", "plus"})
_ENDED = re.compile(r"[.;:!?…]/?['\"”’)]*$")
_COLUMN = re.compile(
    r"nhiem vu|noi dung|chu tri|phoi hop|thoi gian|thoi han|tien do|lo trinh|don vi|san pham|chi tieu|muc tieu|ket qua|tieu chi|^ten\b|kinh phi|ghi chu|"
    r"co quan|hoat dong|giai phap|trach nhiem|^(?:den )?nam 20\d\d$|^giai doan"
)
_COUNT_COLUMN = frozenset({"tt", "stt", "so tt", "so thu tu", "#"})
_COUNT = re.compile(r"(\d{1,3}(?:\.\d{1,3})*|[IVXL]{1,6}|[A-H])[.)]?")


@dataclass
class Piece:
    """A piece of text: its span in the source, how it is numbered (None: not at all) and its label."""

    text: str
    start: int
    end: int
    line: int
    marker: str | None = None
    label: str = ""
    last: Line | None = field(default=None, repr=False)


def marker_of(text: str) -> tuple[str | None, str]:
    """Return the name of the numbering ``text`` begins with and its label; (None, "") without one."""
    for name, pattern in _MARKERS:
        if match := pattern.match(text):
            return name, match.group(1) or ""
    return None, ""


def join_wrapped(lines: list[Line]) -> list[Piece]:
    """Return the pieces of ``lines`` (already without boilerplate), in order.

    Lines that a page's width cut are joined; a text that holds one paragraph a line is left as it is.
    """
    layout = _Layout(lines)
    pieces: list[Piece] = []
    place = 0
    while place < len(lines):
        rows = _table_at(lines, place) or lines[place : place + (" | " in lines[place].text)]
        if rows:
            pieces += _row_pieces(rows)
            place += len(rows)
            continue
        line = lines[place]
        marker, label = marker_of(line.text)
        if pieces and pieces[-1].last and layout.continues(pieces[-1], pieces[-1].last, line, marker):
            pieces[-1].text += f" {line.text}"
            pieces[-1].end, pieces[-1].last = line.end, line
        else:
            pieces.append(Piece(line.text, line.start, line.end, line.number, marker, label, line))
        place += 1
    for piece in pieces:
        if piece.marker in BULLETS:
            piece.text = piece.text[1:].lstrip()
        elif piece.marker is None and _is_heading(piece.text):
            piece.marker, piece.label = "capitals", _slug(piece.text)
    return [piece for piece in pieces if piece.text]


def _is_heading(text: str) -> bool:
    """Tell whether an unnumbered line is a title in capitals: words, not formulas, and no sentence."""
    words = [word.strip("“”,:()") for word in text.split()]
    spoken = sum(len(word) > 1 and word.isalpha() for word in words)
    return text.isupper() and 2 <= len(words) <= 45 and text[-1] not in ".;" and 3 * spoken >= 2 * len(words)


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", fold(text))[:5])


class _Layout:
    """How a text is set: whether its lines are wrapped, at what width, and whether blank lines part its paragraphs."""

    def __init__(self, lines: list[Line]) -> None:
        following = list(pairwise(lines))
        close = [(a, b) for a, b in following if b.number == a.number + 1 and " | " not in a.text]
        small = sum(b.text[0].islower() for _, b in close)
        self.wrapped = small >= 3 and 5 * small >= len(close)
        self.parted = 7 * (len(following) - len(close)) >= len(following)
        lengths = sorted(len(line.text) for line in lines if len(line.text) <= 160)
        self.width = lengths[9 * len(lengths) // 10] if lengths else 0

    def continues(self, piece: Piece, last: Line, line: Line, marker: str | None) -> bool:
        """Tell whether ``line`` goes on the sentence of ``piece``, whose last line is ``last``."""
        text = line.text
        if piece.marker in ("row", "group") or line.number > last.number + 2:
            return False
        if (
            piece.marker in ("part", "annex", "chapter")
            and marker is None
            and is_capitals(text)
            and (is_capitals(piece.text) or _MARK_WORDS.fullmatch(piece.text))
        ):
            # "PHẦN I" or "Phần thứ nhất" and its name on the next line.
            return True
        if marker is None and _MARK_ALONE.fullmatch(piece.text):
            return True
        if line.number != last.number + 1:
            return (
                self.wrapped
                and marker is None
                and text[0].islower()
                and not _ENDED.search(piece.text)
                and len(last.text) > 40
            )
        if marker is not None:
            return self._marker_is_text(piece, text, marker)
        if is_capitals(piece.text) or (is_capitals(text) and len(text.split()) > 2):
            return (
                is_capitals(piece.text) and (is_capitals(text) or text[0].islower()) and not _ENDED.search(piece.text)
            )
        ended = bool(_ENDED.search(piece.text))
        if not self.wrapped:
            if text[0].isdigit():
                return bool(re.search(r"\b(?:số|ngày|tháng|năm)$", piece.text))
            return not ended and (text[0].islower() or text[0] in ",)%" or piece.text[-1] in ",(/")
        if ended:
            return text[0].islower() or (self.parted and len(last.text) >= 0.8 * self.width)
        if piece.marker in _TITLED and len(piece.text.split()) <= 7 and text[0].isupper():
            # A short numbered title and the sentence below it.
            return 2 * len(last.text) > self.width
        return self.parted or text[0].islower() or len(last.text) >= 0.6 * self.width

    def _marker_is_text(self, piece: Piece, text: str, marker: str) -> bool:
        """Tell whether what looks like a number or dash only stands where a line broke: "2021 / - 2025", "ngày / 15. Sau"."""
        if not self.wrapped or _ENDED.search(piece.text):
            return False
        if marker == "dash":
            # "kinh tế / - xã hội"; a list in small letters follows a colon, which ends the piece.
            return text[1:].lstrip()[:1].islower() or (text[1:].lstrip()[:1].isdigit() and piece.text[-1].isdigit())
        return marker in ("number", "number2") and bool(
            re.search(r"\b(?:số|ngày|tháng|năm|khoản|điều|từ|đến|mục|điểm)$", piece.text)
        )


def _table_at(lines: list[Line], place: int) -> list[Line]:
    """Return the lines of the table that begins at ``place``: at least two neighbouring lines, the first and last of cells.

    A line without cells between two rows names the rows below it.
    """
    end = place
    for here in range(place, len(lines)):
        if here > place and lines[here].number > lines[here - 1].number + 1:
            break
        if " |" in lines[here].text:
            end = here + 1
        elif here != end or here == place:
            break
    return lines[place:end] if end - place >= 2 else []


def _row_pieces(rows: list[Line]) -> list[Piece]:
    cells = [[cell.strip() for cell in line.text.split("|")] for line in rows]
    # A lone line of cells is read as it stands, whatever its words.
    is_table = len(rows) > 1
    names = cells[0] if is_table and _is_header_row(cells[0]) else []
    pieces = []
    for line, row in zip(rows[1:] if names else rows, cells[1:] if names else cells, strict=True):
        if is_table and not names and _is_header_row(row):
            continue
        piece = _group(line, row, names) or _data_row(line, row, names)
        if piece.text:
            pieces.append(piece)
    return pieces


def _is_header_row(row: list[str]) -> bool:
    folded = [fold(cell) for cell in row]
    if len(row) < 2 or any(len(cell.split()) > 10 for cell in row) or folded[0][:1].isdigit():
        return False
    return folded[0] in _COUNT_COLUMN or sum(bool(_COLUMN.search(cell)) for cell in folded) * 2 > len(row)


def _group(line: Line, row: list[str], names: list[str]) -> Piece | None:
    """Return a row that only names the rows below it, such as "II | Hạ tầng", or None."""
    filled = [cell for cell in row if cell]
    if len(names) < 3 or not filled or len(filled) > 2 or (len(filled) == 2 and not _COUNT.fullmatch(filled[0])):
        return None
    text = " ".join(filled) if len(filled) == 1 else f"{filled[0].rstrip('.)')}. {filled[1]}"
    if filled[0].isdigit() and not is_capitals(text):
        return None
    marker, label = marker_of(text)
    return Piece(text, line.start, line.end, line.number, "group", label if marker else _slug(text))


def _data_row(line: Line, row: list[str], names: list[str]) -> Piece:
    label = match.group(1) if (match := _COUNT.fullmatch(row[0])) else ""
    counted = bool(names) and (fold(names[0]) in _COUNT_COLUMN or bool(label))
    named = [*names, *[""] * len(row)]
    cells = [(name, cell) for name, cell in zip(named, row, strict=False) if cell][1 if counted and row[0] else 0 :]
    text = "; ".join(f"{_sentence(name)}: {cell}" if name else cell for name, cell in cells)
    return Piece(text, line.start, line.end, line.number, "row", label if counted else "")


def _sentence(name: str) -> str:
    return name.capitalize() if name.isupper() else name
