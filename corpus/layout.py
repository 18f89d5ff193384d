"""Put the words of a printed page in reading order: lines, columns side by side, paragraphs.

Pure geometry: coordinates are points from the top left corner of the page, whatever found the words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from corpus.join import marker_of

# In line heights. A gap this wide parts what stands side by side; smaller ones are spaces between words.
_PARTING = 1.3
_INDENT = 0.6
_BIG_GAP = 1.7
# The width of a capital letter in mean letters.
_CAPITAL = 1.5
_MAX_LINES = 400
# Narrower left sides are numbers and bullets of a list, not columns.
_COLUMN = 0.12
_ENDED = re.compile(r"[.;:!?…]/?['\"”’)]*$")
# The two halves of the head of an official text often stand closer than the columns of a page.
_HEAD = re.compile(r"(?<=\S)\s+(?=CỘNG H(?:ÒA|OÀ) XÃ HỘI CHỦ NGHĨA|Độc lập\s*[-–]\s*Tự do)")


@dataclass(frozen=True)
class Run:
    """Words in one line without a wide gap between them."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """The height of the line, in points."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """The height at which it stands."""
        return (self.top + self.bottom) / 2


@dataclass
class Block:
    """Lines below each other between the same margins; of a column, only the margins its lines reach are known."""

    lines: list[Run]
    left: float
    right: float
    is_column: bool = False


def paragraphs(runs: Sequence[Run], margins: tuple[float, float]) -> list[tuple[float, str, bool]]:
    """Return (top, text, whether it may go on overleaf) of the paragraphs between the margins of a page, in order."""
    found: list[tuple[float, str, bool]] = []
    for block in _blocks(lines([part for run in runs for part in _split_head(run)]), margins):
        found += _paragraphs(block)
    return found


def lines(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs of each line of the page, left to right, from the top."""
    found: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.middle):
        if found and abs(run.middle - found[-1][0].middle) < 0.45 * min(run.height, found[-1][0].height):
            found[-1].append(run)
        else:
            found.append([run])
    return [_joined(sorted(line, key=lambda run: run.left)) for line in found]


def _joined(line: list[Run]) -> list[Run]:
    """Join the neighbours of a line that no wide gap parts."""
    joined = [line[0]]
    for run in line[1:]:
        last = joined[-1]
        gap = run.left - last.right
        if gap > _PARTING * max(run.height, last.height):
            joined.append(run)
            continue
        space = " " if gap > 0.12 * run.height and not last.text.endswith(" ") else ""
        joined[-1] = Run(
            f"{last.text}{space}{run.text}",
            last.left,
            min(last.top, run.top),
            max(last.right, run.right),
            max(last.bottom, run.bottom),
        )
    return joined


def _split_head(run: Run) -> list[Run]:
    match = _HEAD.search(run.text)
    if not match:
        return [run]
    place = run.left + (run.right - run.left) * match.end() / len(run.text)
    return [
        Run(run.text[: match.start()], run.left, run.top, place - run.height, run.bottom),
        Run(run.text[match.end() :], place + run.height, run.top, run.right, run.bottom),
    ]


def _blocks(page: list[list[Run]], margins: tuple[float, float], is_column: bool = False) -> list[Block]:
    """Cut a page into blocks, columns one after the other where lines share a gutter."""
    blocks: list[Block] = []
    left, right = margins
    place = 0
    while place < len(page):
        end, gutter = _columns(page, place, _COLUMN * (right - left))
        if gutter is None:
            if not blocks or (blocks[-1].left, blocks[-1].right) != (left, right):
                blocks.append(Block([], left, right, is_column))
            blocks[-1].lines += map(_whole, page[place:end])
        else:
            runs = [run for line in page[place:end] for run in line]
            for side in ([r for r in runs if r.right <= gutter], [r for r in runs if r.right > gutter]):
                reach = (min(r.left for r in side), max(r.right for r in side))
                blocks += _blocks(lines(side), reach, is_column=True)
        place = end
    return blocks


def _whole(line: list[Run]) -> Run:
    return Run(" ".join(r.text for r in line), line[0].left, line[0].top, line[-1].right, line[0].bottom)


def _columns(page: list[list[Run]], place: int, least: float) -> tuple[int, float | None]:
    """Return the place after the lines from ``place`` that share a gutter, and where it is; None for no gutter.

    A gutter parts two runs of one line at least, no line crosses it, and what stands left of it is ``least`` wide.
    """
    for a, b in zip(page[place], page[place][1:], strict=False):
        low, high = a.right, b.left
        both, end = 1, place + 1
        for line in page[place + 1 :]:
            inner = _narrowed(line, low, high)
            if inner is None:
                break
            low, high = inner
            both += any(run.right <= low for run in line) and any(run.left >= high for run in line)
            end += 1
        end = _without_below(page, place, end, low)
        left = [run for line in page[place:end] for run in line if run.right <= low]
        if both >= 2 and max(run.right for run in left) - min(run.left for run in left) >= least:
            return end, low
    return place + 1, None


def _narrowed(line: list[Run], low: float, high: float) -> tuple[float, float] | None:
    """Return what a line leaves of the gutter from ``low`` to ``high``; None where it closes it."""
    for run in line:
        if run.left < high and run.right > low:
            low, high = (low, run.left) if run.left - low > high - run.right else (run.right, high)
            if high - low < 0.7 * run.height:
                return None
    return low, high


def _without_below(page: list[list[Run]], place: int, end: int, gutter: float) -> int:
    """Leave out the last lines of one side that stand far below the last line of the other."""
    while end > place + 1:
        line = page[end - 1]
        above = [run for other in page[place : end - 1] for run in other]
        on_left = line[-1].right <= gutter
        other_side = [run.bottom for run in above if (run.right > gutter) == on_left]
        if len({run.right <= gutter for run in line}) > 1 or not other_side:
            break
        if line[0].top - page[end - 2][0].bottom < 1.5 * line[0].height:
            break
        end -= 1
    return end


def _paragraphs(block: Block) -> list[tuple[float, str, bool]]:
    leads = [b.top - a.top for a, b in zip(block.lines, block.lines[1:], strict=False)]
    lead = median(leads) if leads else 0.0
    paragraphs: list[list[Run]] = []
    for place, line in enumerate(block.lines):
        if paragraphs and _goes_on(paragraphs[-1], line, block, leads[place - 1] > _BIG_GAP * lead):
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
    return [
        (
            paragraph[0].top,
            " ".join(" ".join(line.text for line in paragraph).split()),
            _is_full(paragraph[-1], "nghiêng", block),
        )
        for paragraph in paragraphs
    ]


def _goes_on(paragraph: list[Run], line: Run, block: Block, far: bool) -> bool:
    """Tell whether ``line`` continues ``paragraph``: the line above had no room for its first word, and it is not set in."""
    last = paragraph[-1]
    if block.is_column and _is_centred(last, block):
        return False
    if far or len(paragraph) > _MAX_LINES or abs(line.height - last.height) > 0.35 * last.height:
        return False
    if paragraph[0].text.startswith("(") and ")" not in "".join(run.text for run in paragraph):
        return True
    indent = _INDENT * line.height
    ended = bool(_ENDED.search(last.text))
    marker, _ = marker_of(line.text)
    if marker and (ended or line.left > block.left + indent or abs(line.left - paragraph[0].left) < indent):
        return False
    hanging = len(paragraph) == 1 and marker_of(last.text)[0] is not None
    if line.left > last.left + indent and not hanging and not _is_centred(last, block):
        return False
    if len(paragraph) > 1 and line.left < last.left - indent and not _is_centred(last, block):
        return False
    if _is_full(last, line.text, block):
        return True
    return line.text[:1].islower() and not ended and last.right - last.left > 0.7 * (block.right - block.left)


def _is_centred(line: Run, block: Block) -> bool:
    before, after = line.left - block.left, block.right - line.right
    return (before > 2 or block.is_column) and abs(before - after) < 0.5 * line.height


def _is_full(line: Run, following: str, block: Block) -> bool:
    """Tell whether the first word of ``following`` would not have fitted on ``line``."""
    letter = (line.right - line.left) / max(1, len(line.text))
    room = block.right - line.right
    if _is_centred(line, block):
        room += line.left - block.left
    word = following.split(maxsplit=1)[0]
    return room < letter * (1 + sum(_CAPITAL if c.isupper() else 1 for c in word)) + 1
