"""Compare two provinces of the store, with errors that name the provinces it has."""

from __future__ import annotations

from corpus.provinces import province_named
from corpus.store import Filter, StoredParagraph
from index.align import Comparison, compare
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace


def compare_provinces(space: Workspace, a: str, b: str, task_group: str | None = None) -> Comparison:
    """Compare provinces ``a`` and ``b``, optionally within one task group.

    Raises UsageError for an unknown or equal name, NothingUsableError where a province has no paragraphs.
    """
    named = [_known(name) for name in (a, b)]
    if named[0] == named[1]:
        raise UsageError(f"two different provinces are compared, got {named[0]} twice")
    of_a, of_b = (_paragraphs(space, name, task_group) for name in named)
    twice = {p.document_id for p in of_a} & {p.document_id for p in of_b}
    if twice:
        raise UsageError(f"{named[0]} and {named[1]} have the same plans in the store: {', '.join(sorted(twice))}")
    return compare(named[0], named[1], of_a, of_b, space.matcher)


def _known(name: str) -> str:
    province = province_named(name)
    if province is None:
        raise UsageError(
            f"unknown province {name!r}; accepted are the names of the 63 provinces, with or without diacritics"
        )
    return province.name


def _paragraphs(space: Workspace, province: str, task_group: str | None) -> list[StoredParagraph]:
    # A province's own plans come first; only a province that has none is taken as what it is part of today.
    found = [p for p in space.store.paragraphs(Filter(province, task_group=task_group)) if p.province == province]
    found = found or space.store.paragraphs(Filter(province, task_group=task_group))
    if not found:
        have = ", ".join(space.store.provinces()) or "none yet: run `kehoach ingest`"
        within = f" in task group {task_group}" if task_group else ""
        raise NothingUsableError(f"no paragraphs of {province}{within} in the store; provinces in it: {have}")
    return found
