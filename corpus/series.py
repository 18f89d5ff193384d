"""Group plans into series: a base plan and the yearly plans that carry it out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from corpus.stored import StoredDocument

_BASE_YEARS = 3


def series(documents: Sequence[StoredDocument]) -> dict[str, tuple[str, ...]]:
    """Return base plan's id to the ids of its series, base first and then by year; plans without relations are left out.

    A plan carries out another one of its province when it cites that one's number, or, for a plan of a single year that
    cites none, when both carry out the same national text and the year lies in the other's period.
    """
    by_province: dict[str, list[StoredDocument]] = defaultdict(list)
    for document in documents:
        if document.province:
            by_province[document.province].append(document)
    found: dict[str, tuple[str, ...]] = {}
    for plans in by_province.values():
        base_of = {plan.id: base.id for plan in plans if (base := _base(plan, plans))}
        members: dict[str, list[StoredDocument]] = defaultdict(list)
        for plan in plans:
            if (root := _root(plan.id, base_of)) != plan.id:
                members[root].append(plan)
        for root, carrying in members.items():
            found[root] = (root, *(plan.id for plan in sorted(carrying, key=lambda p: (p.year or 0, p.id))))
    return found


def _base(plan: StoredDocument, plans: Sequence[StoredDocument]) -> StoredDocument | None:
    others = [p for p in plans if p.id != plan.id and (p.year or 0) <= (plan.year or 9999)]
    cited = [p for p in others if p.number and p.number in plan.based_on]
    if cited:
        return max(cited, key=lambda p: (p.year or 0, p.id))
    if plan.period is None or plan.period[0] != plan.period[1]:
        return None
    national = {number for number in plan.based_on if number.endswith("-TTg")}
    spanning = [p for p in others if _spans(p, plan.period[0]) and national & set(p.based_on)]
    return max(spanning, key=lambda p: (p.year or 0, p.id), default=None)


def _spans(plan: StoredDocument, year: int) -> bool:
    return (
        plan.period is not None
        and plan.period[1] - plan.period[0] >= _BASE_YEARS
        and plan.period[0] <= year <= plan.period[1]
    )


def _root(name: str, base_of: dict[str, str]) -> str:
    seen = {name}
    while (base := base_of.get(name)) and base not in seen:
        seen.add(base)
        name = base
    return name
