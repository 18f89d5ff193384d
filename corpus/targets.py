"""Find the targets of a paragraph: figures it commits to, with indicator, comparator, values, unit and deadline.

Rules only, no model: figures are found (``figures``, ``bare_figures``), those that commit to nothing dropped
(``stance``, ``commitments``), the rest dated (``deadlines``) and named (``indicators``). Word lists are in ``target_words.toml``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from corpus.bare_figures import find_bare_figures, is_share
from corpus.commitments import commits, is_pursued
from corpus.deadlines import find_deadlines, governing, headed
from corpus.figures import Figure, find_figures
from corpus.indicators import carried_indicator, find_scope, is_cell, name_indicator, row_name
from corpus.stance import Setting
from corpus.types import Target
from nlp.fold import fold
from nlp.sentences import Span, clauses

# Figures of one paragraph that are judged; no paragraph of a plan comes near, but a dump of numbers would take minutes.
MAX_FIGURES = 1000


def find_targets(text: str, heading_path: Sequence[str] = (), title: str = "") -> list[Target]:
    """Return the targets of NFC ``text`` in order; a missing deadline comes from the innermost heading that has one.

    Where no heading has, that of the document's ``title`` holds ("... giai đoạn 2026 - 2030", "... năm 2026").
    Values are scaled ("115 triệu kWh" is 115000000 kWh); spans are (start, end) characters of ``text``. Of more than
    ``MAX_FIGURES`` figures only the first are judged.
    """
    flat = _flatten(text)
    parts = clauses(flat)
    folded = fold(flat)
    figures = find_figures(flat, folded, parts)
    figures = sorted([*figures, *find_bare_figures(flat, folded, parts, figures)], key=lambda figure: figure.span)[
        :MAX_FIGURES
    ]
    if not figures:
        return []
    setting = Setting.of(flat, heading_path, title)
    if setting.stance == "fact":
        return []
    deadlines = find_deadlines(folded, parts, figures)
    inherited = headed((title, *heading_path))
    row = row_name(flat)
    targets: list[Target] = []
    for place, figure in enumerate(figures):
        if not commits(setting, figures, place) or (is_share(flat, figure) and not is_pursued(setting, figure)):
            continue
        indicator = row if row and is_cell(flat, figure) else name_indicator(flat, figure, _room(figures, place))
        if not indicator or indicator == figure.noun:
            base = place and (not targets or targets[-1].span != figures[place - 1].span)
            earlier = name_indicator(flat, figures[place - 1], _room(figures, place - 1)) if base else ""
            earlier = earlier or (targets[-1].indicator if targets else "")
            last = heading_path[-1] if heading_path else ""
            indicator = row or carried_indicator(flat, figure, earlier) or indicator or last
        if indicator != figure.noun or len(text.split(maxsplit=5)) > 4:
            due = governing(folded, figure, figures, deadlines, inherited)
            scope = find_scope(text, figure, _room(figures, place))
            targets.append(Target(indicator, figure.comparator, figure.values, figure.unit, due, scope, figure.span))
    return targets


def _room(figures: Sequence[Figure], place: int) -> Span:
    """Return where the words about a figure may stand: from the figure before it to the one after."""
    return (
        figures[place - 1].span[1] if place else 0,
        figures[place + 1].span[0] if place + 1 < len(figures) else sys.maxsize,
    )


def _flatten(text: str) -> str:
    """Join hard-wrapped lines and blank parentheses without digits; the length stays."""
    joined = re.sub(r"(?<![.;:!?])[\r\n](?=[ \t]*(?:[a-zà-ỹđ](?![.)])|\d+(?![\d.)])))", " ", text)
    return re.sub(r"\([^()\d]*\)", lambda match: " " * len(match.group()), joined)
