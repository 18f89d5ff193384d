"""Compare two provinces or plans of the store, with errors that name what would be accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from corpus.store import Filter, Store, StoredDocument, StoredParagraph
from index.align import Comparison, compare
from index.view import View
from nlp.fold import fold
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace

# How many plans an error names.
_NAMED = 8


class CommonPlanError(UsageError):
    """Both sides of a comparison have a plan in common."""


@dataclass(frozen=True)
class Party:
    """One side of a comparison: ``name`` is a province of the view or the id of a plan, ``title`` what people call it.

    ``documents`` are the ids of the plans whose paragraphs are compared.
    """

    name: str
    title: str
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """Two parties and their clauses; no plan is on both sides."""

    a: Party
    b: Party
    clauses: Comparison


def compare_named(space: Workspace, a: str, b: str, view: View, task_group: str | None = None) -> Compared:
    """Compare ``a`` and ``b``, each a province in any spelling or the id of a plan, optionally within one task group.

    Raises UsageError for an unknown name, CommonPlanError where a plan would be on both sides, NothingUsableError where one
    has no paragraphs.
    """
    sides = [_meant(space.store, name, view) for name in (a, b)]
    _refuse_common(space.store, (a, b), sides, view)
    of_a, of_b = (_paragraphs(space.store, side, view, task_group) for side in sides)
    titles = titles_of([side for side in sides if isinstance(side, StoredDocument)])
    parties = [
        Party(name, titles.get(name, name), tuple(dict.fromkeys(p.document_id for p in found)))
        for name, found in zip(map(name_of, sides), (of_a, of_b), strict=True)
    ]
    return Compared(parties[0], parties[1], compare(parties[0].name, parties[1].name, of_a, of_b, space.matcher))


def meant(store: Store, name: str, view: View) -> str | StoredDocument | None:
    """Return the province of the view, or else the plan, that ``name`` means; None where it means neither.

    A plan whose id is the name of a province, as ready paragraphs may have it, is meant by no name.
    """
    return view.named(name) or store.document(name)


def name_of(party: str | StoredDocument) -> str:
    """Return the name of a province or the id of a plan."""
    return party if isinstance(party, str) else party.id


def titles_of(documents: Sequence[StoredDocument]) -> dict[str, str]:
    """Return the id of each plan to what people call it: province, number and year; to its id where that does not tell it."""
    titles = {
        d.id: " · ".join(str(part) for part in (d.province, d.number, d.year) if part) if d.number or d.year else d.id
        for d in documents
    }
    shared = Counter(titles.values())
    return {name: title if shared[title] == 1 else name for name, title in titles.items()}


def places_of(store: Store, view: View) -> list[str]:
    """Return the provinces of the view that have plans in the store, in alphabetical order."""
    return sorted({place for name in store.provinces() if (place := view.named(name))}, key=fold)


def plans_of(store: Store, place: str, view: View) -> list[StoredDocument]:
    """Return the plans that count for a province of the view, by the province that published and year."""
    return [document for document in store.documents(place) if view.place(document) == place]


def paragraphs_of(store: Store, place: str, view: View, task_group: str | None = None) -> list[StoredParagraph]:
    """Return the paragraphs of the plans that count for a province of the view, each once."""
    return [p for p in store.paragraphs(Filter(place, task_group=task_group)) if view.place(p) == place]


def _meant(store: Store, name: str, view: View) -> str | StoredDocument:
    found = meant(store, name, view)
    if found is None:
        documents = store.documents()
        numbered = [d.id for d in documents if d.number and fold(d.number) == fold(name)]
        near = numbered[:_NAMED] or get_close_matches(name, [d.id for d in documents], 3)
        raise UsageError(
            f"unknown province {name!r}, and no plan has that id; accepted are the names of the 63 provinces, with or without "
            "diacritics, and ids of plans as `kehoach documents` lists them"
            + (f", such as {', '.join(near)}" if near else "")
        )
    return found


def _refuse_common(store: Store, given: Sequence[str], sides: Sequence[str | StoredDocument], view: View) -> None:
    rule = "two different provinces or plans are compared"
    plans = [side for side in sides if isinstance(side, StoredDocument)]
    places = [side for side in sides if isinstance(side, str)]
    if len(plans) == 1 and view.place(plans[0]) == places[0]:
        raise CommonPlanError(f"{rule}, and {plans[0].id} is a plan of {places[0]}{_plans(store, places[0], view)}")
    if sides[0] != sides[1]:
        return
    if not places:
        raise CommonPlanError(f"{rule}, got {plans[0].id} twice")
    if len({View(as_published=True).named(name) for name in given}) > 1 and not view.as_published:
        raise CommonPlanError(
            f"{rule}, and {given[0]} and {given[1]} are both {places[0]} today; they are two with --as-published "
            f"(over HTTP as_published=true){_plans(store, places[0], view)}"
        )
    raise CommonPlanError(f"{rule}, got {places[0]} twice{_plans(store, places[0], view)}")


def _plans(store: Store, place: str, view: View) -> str:
    plans = [plan.id for plan in plans_of(store, place, view)]
    more = f" and {len(plans) - _NAMED} more" if len(plans) > _NAMED else ""
    return f"; plans of {place} are {', '.join(plans[:_NAMED])}{more}" if plans else ""


def _paragraphs(store: Store, party: str | StoredDocument, view: View, task_group: str | None) -> list[StoredParagraph]:
    within = f" in task group {task_group}" if task_group else ""
    if isinstance(party, StoredDocument):
        found = store.paragraphs(Filter(document_id=party.id, task_group=task_group))
        if not found:
            raise NothingUsableError(
                f"{party.id} has no paragraphs{within}; a plan is compared whole without a task group"
            )
        return found
    found = paragraphs_of(store, party, view, task_group)
    if not found:
        named = ", ".join(places_of(store, view)) or "none yet: run `kehoach ingest`"
        raise NothingUsableError(f"no paragraphs of {party}{within} in the store; provinces in it: {named}")
    return found
