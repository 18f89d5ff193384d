"""What families of obligations say: who has them since when, who sets the strongest target, and what a province lacks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from corpus.national import middle
from corpus.types import Target
from index.ambition import aim_of, ranked
from index.families import Families, Family, sign
from index.statements import Statement
from index.view import View
from nlp.fold import fold

_TITLE = 90
_NEAR = 0.75
_SHORT = 9
# What may stand before the words that name an obligation: numbering, dates, "Phấn đấu" and the labels of tables.
_LEAD = re.compile(
    r"^(?:[-–•+*\s]+|(?:[IVX]+|\d+(?:\.\d+)*|[a-zđ])[.)]+\s+|\d{1,2}(?:\.\d{1,2})+\s+|(?:Chỉ tiêu|Nhiệm vụ|Đơn vị|Nội dung|Trách nhiệm):\s*|"
    r"(?:Đến|Từ|Trong|Trước|Hết)\s+(?:hết\s+|cuối\s+)?(?:tháng\s+\d+/|quý\s+\w+\s+)?(?:năm\s+)?20\d\d\s*[,:]?\s+(?:có\s+)?|"
    r"(?:Phấn đấu|Mục tiêu|Bảo đảm|Đảm bảo|Về [^:;,.]{2,30}:)\s*)+",
)
_STOP = re.compile(r"[;.]\s")


@dataclass(frozen=True)
class Summary:
    """A family in a view: ``places`` maps each province that has it to its statements, in the order of their plans.

    ``strongest`` is the member with the most ambitious target, and that target; None where no member sets one.
    """

    family: Family
    title: str
    places: Mapping[str, Sequence[Statement]]
    earliest: Statement
    latest: Statement
    strongest: tuple[Statement, Target] | None


@dataclass(frozen=True)
class Gap:
    """A family that others have and one province lacks.

    ``having`` of the ``of`` provinces looked at have it. ``near`` are the province's own statements that come near it
    without counting as the same: on average at least three quarters as like its members as these are to one another.
    """

    summary: Summary
    having: tuple[str, ...]
    of: int
    near: tuple[Statement, ...]


def title_of(family: Family) -> str:
    """Return a plain title: the medoid without numbering, date and its further parts, at most 90 characters."""
    parts = [_LEAD.sub("", part).strip(" ;.:/") for part in _STOP.split(_LEAD.sub("", family.medoid.text))]
    parts = [part for part in parts if part] or [family.medoid.text]
    # Of a row of a table, the body to act comes first and is no title by itself.
    first = ": ".join(parts[:2]) if len(parts[0].split()) < _SHORT else parts[0]
    if len(first) > _TITLE:
        first = first[:_TITLE].rsplit(" ", 1)[0].rstrip(",;:") + " …"
    return first[:1].upper() + first[1:]


def summarise(families: Sequence[Family], view: View) -> list[Summary]:
    """Return the families of two provinces or more in a view, those of most provinces first; national texts count for none."""
    found = []
    for family in families:
        places: dict[str, list[Statement]] = defaultdict(list)
        for member in family.members:
            place = view.place(member.paragraph)
            if place is not None:
                places[place].append(member)
        if len(places) > 1:
            dated = [m for of in places.values() for m in of]
            dated.sort(key=lambda m: (m.document.year or 0, m.document.id, m.paragraph.ordinal))
            found.append(
                Summary(
                    family,
                    title_of(family),
                    dict(sorted(places.items(), key=lambda item: fold(item[0]))),
                    dated[0],
                    dated[-1],
                    _strongest(dated, view),
                )
            )
    return sorted(found, key=summary_order)


def summary_order(summary: Summary) -> tuple[int, str, str]:
    """Return what summaries are sorted by; no two of a list have the same."""
    return -len(summary.places), summary.title, summary.family.id


def _strongest(members: Sequence[Statement], view: View) -> tuple[Statement, Target] | None:
    """Return the most ambitious target: on the scale of an indicator where most are, else of the commonest unit."""
    measured = [(member, target) for member in members for target in member.targets]
    aims = [(m, t, a) for m, t in measured if (a := aim_of(t, m.paragraph, m.document, view))]
    if aims and 2 * len(aims) >= len(measured):
        key = Counter(aim.indicator.key for _, _, aim in aims).most_common(1)[0][0]
        of = {id(aim): (m, t) for m, t, aim in aims if aim.indicator.key == key}
        best = ranked([aim for _, _, aim in aims if aim.indicator.key == key])[0]
        return next((pair for pair in of.values() if pair[1] is best.target), None)
    if not measured:
        return None
    unit = Counter(target.unit for _, target in measured).most_common(1)[0][0]
    counted = [(m, t) for m, t in measured if t.unit == unit]
    falling = 2 * sum(t.comparator == "<=" for _, t in counted) > len(counted)
    sign = -1 if falling else 1
    return max(counted, key=lambda pair: (sign * middle(pair[1].values), -int((pair[1].deadline or "9999")[:4])))


def gaps(found: Families, province: str, view: View, within: Callable[[str], bool], least: int = 2) -> list[Gap]:
    """Return the families that at least ``least`` of the provinces ``within`` have and ``province`` lacks, commonest first.

    ``within`` tells which provinces count, itself included. Provinces without any statement count neither way.
    """
    counted = {
        place
        for of in found.statements.values()
        for s in of[:1]
        if (place := view.place(s.paragraph)) and within(place)
    }
    own = {name for name, of in found.statements.items() if of and view.place(of[0].paragraph) == province}
    near = _near(found, own)
    result = []
    for summary in summarise(found.families, view):
        having = tuple(place for place in summary.places if place in counted)
        if province not in summary.places and len(having) >= least:
            result.append(Gap(summary, having, len(counted | {province}), near.get(summary.family.id, ())))
    return sorted(result, key=gap_order)


def gap_order(gap: Gap) -> tuple[int, bool, str, str]:
    """Return what gaps are sorted by; no two of a list have the same."""
    return -len(gap.having), bool(gap.near), gap.summary.title, gap.summary.family.id


def _near(found: Families, own: set[str]) -> dict[str, tuple[Statement, ...]]:
    """Return family to the statements of the ``own`` documents that are near it, nearest first."""
    family_of = {sign(member): family for family in found.families for member in family.members}
    total: dict[tuple[str, tuple[str, int]], float] = defaultdict(float)
    for (a, b), links in found.linked.items():
        if (a in own) == (b in own):
            continue
        for i, j, similarity in links.tolist():
            mine, (name, number) = ((a, i), (b, j)) if a in own else ((b, j), (a, i))
            family = family_of.get(sign(found.statements[name][number]))
            if family:
                total[family.id, mine] += similarity
    size = {family.id: _NEAR * family.cohesion * len(family.members) for family in found.families}
    near: dict[str, list[Statement]] = defaultdict(list)
    for (key, (name, number)), similarity in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        if similarity >= size[key]:
            near[key].append(found.statements[name][number])
    return {key: tuple(statements) for key, statements in near.items()}
