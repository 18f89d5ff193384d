"""Put the targets of all provinces for one indicator on one scale, beside the national ones, and rank their ambition."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from corpus.national import Indicator, indicator_of, middle
from corpus.store import Store, StoredDocument, StoredParagraph
from corpus.types import Comparator, Target
from index.view import View

_NEVER = 9999
_AIMING = ("objective", "task", "assignment")


@dataclass(frozen=True)
class Aim:
    """A target of a province on its indicator's scale.

    ``values`` are in the indicator's unit; ``due`` is the year it is to be reached: its own deadline's, else the last one
    of the plan's period, else that of issue. ``lead`` is how much more ambitious it is than the national value for that
    year, in the indicator's unit; None where there is no national value. ``rank`` counts from 1 among a province's most
    ambitious targets, the same for equal ones; None for a province's other targets.
    """

    indicator: Indicator
    place: str | None
    document: StoredDocument
    paragraph: StoredParagraph
    target: Target
    values: tuple[float, ...]
    comparator: Comparator
    due: int | None
    lead: float | None
    rank: int | None = None

    @property
    def value(self) -> float:
        """The number that stands for the values."""
        return middle(self.values)


def aims(store: Store, view: View) -> list[Aim]:
    """Return all targets of the store that measure an indicator of ours, by indicator and rank, the unranked last.

    Targets of news and of preambles are left out, and of those that one document repeats word by word (same indicator,
    values and year) all but the first.
    """
    plans = {document.id: document for document in store.documents()}
    members = [paragraph for paragraph in store.paragraphs() if paragraph.kind in _AIMING]
    measured = store.targets_by_key([paragraph.key for paragraph in members])
    found: dict[tuple[object, ...], Aim] = {}
    for paragraph in members:
        for target in measured.get(paragraph.key, ()):
            aim = aim_of(target, paragraph, plans[paragraph.document_id], view)
            if aim:
                found.setdefault((paragraph.document_id, aim.indicator.key, aim.values, aim.due), aim)
    by_indicator: dict[str, list[Aim]] = {}
    for aim in found.values():
        by_indicator.setdefault(aim.indicator.key, []).append(aim)
    return [aim for key in sorted(by_indicator) for aim in ranked(by_indicator[key])]


def aim_of(target: Target, paragraph: StoredParagraph, document: StoredDocument, view: View) -> Aim | None:
    """Return a target on the scale of its indicator, or None where it measures none of ours."""
    indicator = indicator_of(target, paragraph.text)
    if indicator is None:
        return None
    factor = indicator.units[target.unit]
    values = tuple(round(value * factor, 6) for value in target.values)
    due = _due(target, document)
    national = indicator.reference(due) if due else None
    lead = None
    if national is not None:
        lead = round((middle(values) - national) * (1 if indicator.better == "more" else -1), 6)
    place = view.place(paragraph)
    return Aim(indicator, place, document, paragraph, target, values, target.comparator, due, lead)


def _due(target: Target, document: StoredDocument) -> int | None:
    if target.deadline:
        return int(target.deadline[:4])
    return document.period[1] if document.period else document.year


def ranked(aims_of_one: Iterable[Aim]) -> list[Aim]:
    """Return the targets of one indicator with their ranks, most ambitious first.

    A target is the more ambitious the further it is ahead of the national value for its year; without a national value,
    the more it asks for; of equal ones the one due earlier. Each province is ranked by its most ambitious target.
    """
    first: dict[str, Aim] = {}
    others = []
    for aim in sorted(aims_of_one, key=_order):
        if aim.place is None or aim.place in first:
            others.append(aim)
        else:
            first[aim.place] = aim
    leading: list[Aim] = []
    for count, aim in enumerate(first.values(), 1):
        equal = leading and _strength(leading[-1]) == _strength(aim)
        leading.append(replace(aim, rank=leading[-1].rank if equal else count))
    return leading + others


def _strength(aim: Aim) -> tuple[float, int]:
    if aim.lead is not None:
        return -aim.lead, aim.due or _NEVER
    if aim.indicator.national:
        # Without a year there is nothing to hold it against.
        return math.inf, _NEVER
    return -aim.value if aim.indicator.better == "more" else aim.value, aim.due or _NEVER


def _order(aim: Aim) -> tuple[float, int, str, str, int]:
    return (*_strength(aim), aim.place or "", aim.paragraph.id, aim.target.span[0])


@dataclass(frozen=True)
class Step:
    """A province's target and how it differs from the one before: ``change`` is in the indicator's unit, None for the first."""

    aim: Aim
    change: float | None


def history(aims_of_one: Iterable[Aim]) -> dict[str, list[Step]]:
    """Return province to its targets of one indicator by year of plan, then by year due; provinces of one plan are left out.

    Provinces are those that published: what two planned before they were merged is no change of either. The target before
    is the last one of an earlier plan for the same year, else the last one for any year.
    """
    by_place: dict[str, list[Aim]] = {}
    for aim in aims_of_one:
        if aim.paragraph.province is not None:
            by_place.setdefault(aim.paragraph.province, []).append(aim)
    found = {}
    for place, own in sorted(by_place.items()):
        own.sort(key=lambda a: (a.document.year or 0, a.due or 0, a.document.id, a.value))
        if len({aim.document.id for aim in own}) > 1:
            found[place] = [Step(aim, _change(aim, own[:number])) for number, aim in enumerate(own)]
    return found


def _change(aim: Aim, before: list[Aim]) -> float | None:
    earlier = [other for other in before if other.document.id != aim.document.id]
    same = [other for other in earlier if other.due == aim.due]
    last = (same or earlier)[-1:]
    return round(aim.value - last[0].value, 6) if last else None
