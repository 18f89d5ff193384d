"""Suggestions while a query is typed: /v1/suggest."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from service.access import may_read
from service.behind import Behind
from service.finished import FINISHED
from service.problems import problem_responses
from service.schemas import Answer

router = APIRouter(prefix="/v1", responses=problem_responses(401, 422, 429, 500), dependencies=[Depends(may_read)])


class Suggested(Answer):
    """What may be meant, and where it comes from."""

    text: str
    kind: Literal["heading", "number", "province", "task_group", "term"]


class Suggestions(Answer):
    """Suggestions, likeliest first."""

    suggestions: list[Suggested]


@router.get("/suggest", response_model=Suggestions, dependencies=FINISHED)
def suggest(
    request: Request,
    q: Annotated[
        str,
        Query(max_length=200, description="What was typed so far, with or without diacritics.", examples=["nang l"]),
    ],
    k: Annotated[int, Query(ge=1, le=20, description="How many at most.", examples=[8])] = 8,
) -> dict[str, Any]:
    """Suggest headings, numbers, provinces, task groups and terms of which a word begins with what was typed."""
    behind: Behind = request.app.state.background
    suggester = behind.kept.suggester()
    return {"suggestions": [vars(found) for found in suggester.suggest(q, k)] if suggester else []}
