"""Put the words of a printed page in reading order: lines, columns side by side, paragraphs.

Pure geometry: coordinates are points from the top left corner of the page, whatever found the words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, takewhile
from statistics import median

from corpus.join import marker_of

# In line heights. A gap this wide parts what stands side by side; smaller ones are spaces between words.
_PARTING = 1.3
# One line alone is parted by a gap as wide as this.
_APART = 5
_INDENT = 0.6
_BIG_GAP = 1.7
# The width of a capital letter in mean letters.
_CAPITAL = 1.5
_MAX_LINES = 400
# Below columns of text, the foot of the text has columns of its own.
_RECIPIENTS = re.compile(r"Nơi nhận\s*:")
# Narrower left sides are numbers and bullets of a list, not columns.
_COLUMN = 0.12
# A word or number that goes on in the next line, such as "66-NQ/TW"; a dash has spaces on both sides.
_HYPHEN = re.compile(r"\S[-–]$")
# Footnotes are set smaller than this part of the text, and begin with a number without a full stop.
_NOTE = 0.93
# A number raised here is a power.
_UNIT = re.compile(r"(?:^|\d)[kcdm]?m$")
_NOTE_NUMBER = re.compile(r"\[?(\d{1,3})\]?\s*(?=[^\d\s.,)/-])")
_ENDED = re.compile(r"[.;:!?…]/?['\"”’)]*$")
# The two halves of the head of an official text often stand closer than the columns of a page.
_HEAD = re.compile(r"(?<=\S)\s+(?=CỘNG H(?:ÒA|OÀ) XÃ HỘI CHỦ NGHĨA|Độc lập\s*[-–]\s*Tự do)")


@dataclass(frozen=True)
class Run:
    """Words in one line without a wide gap between them; ``is_raised``: a number set small and high, as of a footnote."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    is_raised: bool = False

    @property
    def height(self) -> float:
        """The height of the line, in points."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """The height at which it stands."""
        return (self.top + self.bottom) / 2

    def holds(self, part: Run) -> bool:
        """Tell whether ``part`` stands in it."""
        return self.left <= part.left and part.right <= self.right and self.top <= part.middle <= self.bottom


@dataclass
class Block:
    """Lines below each other between the same margins; of a column, only the margins its lines reach are known."""

    lines: list[Run]
    left: float
    right: float
    is_column: bool = False

    @cached_property
    def sets_in(self) -> bool:
        """Whether paragraphs begin with a line set in, rather than being set in as a whole."""
        full = [(above, below) for above, below in pairwise(self.lines) if self.right - above.right < above.height]
        below = Counter(self.is_set_in(below) for above, below in full if self.is_set_in(above))
        return 0 < below[False] >= below[True]

    @cached_property
    def is_centred(self) -> bool:
        """Whether this is a column of centred lines, the widest of which reach its margins."""
        inside = [line for line in self.lines if line.left - self.left > 2 and self.evens(line)]
        return self.is_column and len(inside) > sum(not self.evens(line) for line in self.lines)

    def evens(self, line: Run) -> bool:
        """Tell whether a line leaves as much room on its left as on its right."""
        return abs((line.left - self.left) - (self.right - line.right)) < 0.5 * line.height

    def is_set_in(self, line: Run) -> bool:
        """Tell whether a line does not begin at the margin."""
        return line.left > self.left + _INDENT * line.height


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a page: the height it begins at, its text, and how it is set.

    ``is_full``: the last line reaches the margin; ``is_set_in``: the first line does not begin at the margin.
    """

    top: float
    text: str
    is_full: bool = False
    is_set_in: bool = False
    is_centred: bool = False


def paragraphs(runs: Sequence[Run], margins: tuple[float, float]) -> list[Paragraph]:
    """Return the paragraphs between the margins of a page, in order; footnotes before the one that may go on overleaf."""
    body, notes = _without_notes(runs)
    found: list[Paragraph] = []
    for block in _blocks([[part for run in line for part in _split_head(run)] for line in body], margins):
        for paragraph in _paragraphs(block):
            if found and found[-1].top > paragraph.top and goes_on(found[-1], paragraph):
                # From one column to the next.
                found[-1] = replace(paragraph, top=found[-1].top, text=_text([found[-1], paragraph]))
            else:
                found.append(paragraph)
    place = len(found) - bool(found and found[-1].is_full)
    return found[:place] + notes + found[place:]


def goes_on(last: Paragraph, first: Paragraph) -> bool:
    """Tell whether the last paragraph of a page or a column goes on in the first one of the next."""
    if not last.is_full or last.is_centred or first.is_centred or marker_of(first.text)[0]:
        return False
    if first.text[0].islower() or first.text[0] in "(,":
        return True
    return not first.is_set_in and not _ENDED.search(last.text)


def _without_notes(runs: Sequence[Run]) -> tuple[list[list[Run]], list[Paragraph]]:
    """Return the lines of a page without its footnotes and their numbers in the text, and the footnotes."""
    page = lines(runs)
    heights = [max(run.height for run in line) for line in page]
    size = median(heights) if page else 0.0
    first = len(page) - sum(1 for _ in takewhile(lambda height: height < _NOTE * size, reversed(heights)))
    found: list[list[Run]] = []
    raised = {run for before, run in pairwise(runs) if run.is_raised and not _UNIT.search(before.text)}
    numbers = {run.text.strip() for run in raised}
    for line in page[first:]:
        match = _NOTE_NUMBER.match(line[0].text)
        if match and match[1] in numbers:
            found.append([])
        if found:
            found[-1].append(_whole(line))
    if not found:
        return page, []
    top = found[0][0].top
    notes = [Paragraph(note[0].top, _NOTE_NUMBER.sub(r"[\1] ", _text(note), count=1)) for note in found]
    own = {match[1] for note in notes if (match := re.match(r"\[(\d+)\]", note.text))}
    return lines([run for run in runs if run.middle < top and not (run in raised and run.text.strip() in own)]), notes


def cell_text(runs: Sequence[Run]) -> str:
    """Return the words of a cell, line by line."""
    return _text([_whole(line) for line in lines(runs)], "\n")


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
    place = since = 0
    while place < len(page):
        end, gutter = _columns(page, place, margins)
        if gutter is None:
            if not blocks or (blocks[-1].left, blocks[-1].right) != (left, right):
                blocks.append(Block([], left, right, is_column))
            blocks[-1].lines += map(_whole, page[place:end])
        else:
            above = _right_of(gutter, page[since:place], page[place])
            if above:
                del blocks[-1].lines[-above:]
            since = end
            runs = [run for line in page[place - above : end] for run in line]
            for side in ([r for r in runs if r.right <= gutter], [r for r in runs if r.right > gutter]):
                reach = (min(r.left for r in side), max(r.right for r in side))
                blocks += _blocks(lines(side), reach, is_column=True)
        place = end
    return blocks


def _right_of(gutter: float, page: list[list[Run]], line: list[Run]) -> int:
    """Return how many lines above ``line`` belong to its columns: those up to the last one that stands right of the gutter."""
    found = 0
    for count, above in enumerate(reversed(page), 1):
        crossed = any(run.left < gutter < run.right for run in above)
        if crossed or line[0].top - above[0].bottom > 1.5 * above[0].height:
            break
        found, line = count if above[0].left > gutter else found, above
    return found


def _whole(line: list[Run]) -> Run:
    text = " ".join(" ".join(run.text for run in line).split())
    return Run(text, line[0].left, min(r.top for r in line), line[-1].right, max(r.bottom for r in line))


def _columns(page: list[list[Run]], place: int, margins: tuple[float, float]) -> tuple[int, float | None]:
    """Return the place after the lines from ``place`` that share a gutter, and where it is; None for no gutter.

    A gutter parts the runs of two lines at least, or of one very widely; no line crosses it; what stands left of it is
    no list's numbers.
    """
    least = _COLUMN * (margins[1] - margins[0])
    whole = Block([], *margins)
    for a, b in zip(page[place], page[place][1:], strict=False):
        low, high = a.right, b.left
        both, end = 1, place + 1
        for line in page[place + 1 :]:
            inner = _narrowed(line, low, high)
            is_title = len(line) == 1 and line[0].left - margins[0] > 2 and whole.evens(line[0])
            if inner is None or is_title or _RECIPIENTS.match(line[0].text):
                break
            low, high = inner
            both += any(run.right <= low for run in line) and any(run.left >= high for run in line)
            end += 1
        end = _without_below(page, place, end, low)
        left = [run for line in page[place:end] for run in line if run.right <= low]
        is_parted = both >= 2 or high - low > _APART * a.height
        if is_parted and max(run.right for run in left) - min(run.left for run in left) >= least:
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


def _paragraphs(block: Block) -> list[Paragraph]:
    leads = [b.top - a.top for a, b in zip(block.lines, block.lines[1:], strict=False)]
    lead = median(leads) if leads else 0.0
    paragraphs: list[list[Run]] = []
    for place, line in enumerate(block.lines):
        if paragraphs and _goes_on(paragraphs[-1], line, block, leads[place - 1] > _BIG_GAP * lead):
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
    return [
        Paragraph(
            lines_[0].top,
            _text(lines_),
            _is_full(lines_[-1], "nghiêng", block),
            block.is_set_in(lines_[0]),
            all(_is_centred(line, block) for line in lines_),
        )
        for lines_ in paragraphs
    ]


def _text(below: Sequence[Run | Paragraph], parting: str = " ") -> str:
    """Return the words of what stands below each other."""
    text = ""
    for line in below:
        close = not text or (_HYPHEN.search(text) and line.text[:1].isalnum())
        text += line.text if close else f"{parting}{line.text}"
    return text


def _goes_on(paragraph: list[Run], line: Run, block: Block, far: bool) -> bool:
    """Tell whether ``line`` continues ``paragraph``: the line above had no room for its first word, and it is not set in."""
    last = paragraph[-1]
    if (block.is_column and _is_centred(last, block)) or (last.text.isupper() and line.text.startswith("(")):
        return False
    if far or len(paragraph) > _MAX_LINES or abs(line.height - last.height) > 0.45 * last.height:
        return False
    if paragraph[0].text.startswith("(") and ")" not in "".join(run.text for run in paragraph):
        return True
    indent = _INDENT * line.height
    if block.sets_in and block.is_set_in(line) and not _is_centred(line, block):
        return False
    ended = bool(_ENDED.search(last.text))
    marker, _ = marker_of(line.text)
    # "kinh tế / - xã hội"
    cut = marker == "dash" and not ended and line.text[1:].lstrip()[:1].islower()
    if marker and not cut and (ended or block.is_set_in(line) or abs(line.left - paragraph[0].left) < indent):
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
    return block.evens(line) and (line.left - block.left > 2 or block.is_centred)


def _is_full(line: Run, following: str, block: Block) -> bool:
    """Tell whether the first word of ``following`` would not have fitted on ``line``."""
    letter = (line.right - line.left) / max(1, len(line.text))
    room = block.right - line.right
    if _is_centred(line, block):
        room += line.left - block.left
    word = following.split(maxsplit=1)[0]
    return room < letter * (1 + sum(_CAPITAL if c.isupper() else 1 for c in word)) + 1
