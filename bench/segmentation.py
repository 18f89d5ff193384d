"""Measure segmentation beside underthesea's own function on the same paragraphs in one run; write a section of results/speed.md.

    python bench/segmentation.py

Every paragraph is that of the labelled data, one thread, processor time: other work on the machine disturbs it less than the
clock. Exits with status 1 where a word differs.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from corpus import labelled
from nlp import crf
from nlp.segment import chunks, segment

PAGE = Path(__file__).resolve().parents[1] / "results" / "speed.md"
TITLE = "## Segmentation"
PARAGRAPHS = 1000
Words = Callable[[Sequence[str]], list[str]]


def timed(words: Words, texts: list[list[str]]) -> tuple[float, list[list[str]]]:
    began = time.process_time()
    cut = [words(text) for text in texts]
    return time.process_time() - began, cut


def rows() -> tuple[list[str], bool]:
    """Return a line of the table for every way, and whether all give the same words."""
    drawn = random.Random(889).sample(labelled.texts(), 2 * PARAGRAPHS)
    first, second = [[chunks(text) for text in part] for part in (drawn[:PARAGRAPHS], drawn[PARAGRAPHS:])]
    segment("khởi động")
    fresh = crf.load().words
    lines: list[str] = []
    same = True
    stock: dict[int, tuple[float, list[list[str]]]] = {}
    for name, words, texts in (
        ("`underthesea.word_tokenize`, a paragraph a call", crf.stock_words, first),
        ("the same, other paragraphs", crf.stock_words, second),
        ("ours, its first paragraphs", fresh, first),
        ("ours, other paragraphs after these", fresh, second),
        ("ours, paragraphs read before", fresh, first),
    ):
        took, cut = timed(words, texts)
        base, right = stock.setdefault(id(texts), (took, cut))
        same = same and cut == right
        syllables = sum(map(len, texts))
        lines.append(f"| {name} | {syllables:,} | {syllables / took:,.0f} | {base / took:.1f} |")
    return lines, same


def main() -> None:
    lines, same = rows()
    section = f"""{TITLE}

`python bench/segmentation.py`, {date.today().isoformat()}, underthesea {version("underthesea")}: {2 * PARAGRAPHS:,} labelled paragraphs,
one thread, processor time on a busy machine; the ratio is to underthesea's function on the same paragraphs. Words are
{"identical in all" if same else "NOT identical"}.

| way | syllables | a second | ratio |
|---|---|---|---|
{chr(10).join(lines)}
"""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(f"{TITLE}\n")
    _, heading, after = rest.partition("\n## ")
    PAGE.write_text(f"{before.rstrip()}\n\n{section}{heading}{after}", encoding="utf-8")
    print(section)
    sys.exit(not same)


if __name__ == "__main__":
    main()
