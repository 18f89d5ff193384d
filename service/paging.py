"""Opaque cursors of lists, and answers that a caller has already."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request, Response

from service.access import Space, Who
from service.problems import ProblemError
from service.workspace import Workspace

T = TypeVar("T")
MOST = 1000
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the answer before; without it, the beginning.")
]
# What the rows of a list are sorted by, the same for no two of them.
Order = tuple[int | str, ...]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.", examples=[100])]


def write_cursor(value: str | int | Order) -> str:
    """Return a cursor that stands for ``value``; callers must not look into it."""
    return base64.urlsafe_b64encode(json.dumps(value, ensure_ascii=False).encode()).decode().rstrip("=")


def read_number(cursor: str | None) -> int | None:
    """Return the number behind a cursor. Raises ProblemError 400 for one that no answer gave."""
    value = _read(cursor)
    # SQLite's integers have 64 bits.
    if value is not None and (type(value) is not int or not 0 <= value < 2**63):
        raise _unknown()
    return value


def read_text(cursor: str | None) -> str | None:
    """Return the text behind a cursor. Raises ProblemError 400 for one that no answer gave."""
    value = _read(cursor)
    if value is not None and not isinstance(value, str):
        raise _unknown()
    return value


def _read(cursor: str | None) -> Any:
    if cursor is None:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _unknown() from error


def _unknown() -> ProblemError:
    return ProblemError(400, "the cursor is not one of this service; accepted is `next_cursor` of the answer before")


def page_of(found: Sequence[T], limit: int, place: Callable[[T], str | int | Order]) -> tuple[Sequence[T], str | None]:
    """Return at most ``limit`` of ``found`` (which holds one more where there are more) and the cursor to the rest."""
    if len(found) <= limit:
        return found, None
    return found[:limit], write_cursor(place(found[limit - 1]))


def page_after(
    rows: Sequence[T], cursor: str | None, limit: int, order: Callable[[T], Order]
) -> tuple[Sequence[T], str | None]:
    """Return at most ``limit`` of ``rows``, sorted by ``order``, that come after ``cursor``, and the cursor to the rest.

    A cursor of a list that was made anew since leads on from the same place in the order. Raises ProblemError 400 for one
    that no answer gave.
    """
    value = _read(cursor)
    if value is not None and not isinstance(value, list):
        raise _unknown()
    try:
        start = 0 if value is None else bisect_right(rows, tuple(value), key=order)
    except TypeError as error:
        raise _unknown() from error
    return page_of(rows[start : start + limit + 1], limit, order)


class NotModified(Exception):  # noqa: N818
    """The caller has the answer already; ``headers`` are those of 304."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers = headers


def fresh(request: Request, response: Response, space: Space) -> None:
    """Give an answer that depends on the store and the models alone its ETag. Raises NotModified where it is known.

    The tag is weak: times and compression differ between two answers that say the same. Asked before the store is read, so
    that an answer is never newer than its tag says to the caller's disadvantage.
    """
    tell_apart(request, response, space, space.store.content)


def fresh_to(request: Request, response: Response, space: Space, caller: Who) -> None:
    """As ``fresh``, for an answer that leaves names out for some callers."""
    tell_apart(request, response, space, space.store.content, "names" if caller.sees_names else "")


def tell_apart(request: Request, response: Response, space: Workspace, *contents: str) -> None:
    """Give an answer that depends on the models and on what ``contents`` name its ETag. Raises NotModified where it is known."""
    parts = (*contents, request.app.state.program, space.models, request.url.path, request.url.query)
    tag = f'W/"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache" if space.settings.open_reads else "private, no-cache"}
    given = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
    if "*" in given or tag in given or tag.removeprefix("W/") in given:
        raise NotModified(headers)
    response.headers.update(headers)


def program_of(space: Workspace) -> str:
    """Return what tells this version of the program, its embedder and its task groups from others."""
    return hashlib.sha256(f"{version('kehoach')} {space.settings.embedder} {space.groups!r}".encode()).hexdigest()
