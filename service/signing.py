"""Signing in and out with a key, for pages; the form works without script."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from service import sessions
from service.access import Space, caller_with
from service.pages import Language, render

router = APIRouter(include_in_schema=False)
PATH = "/sign-in"
Field = Annotated[str, Form(max_length=2000)]


@router.get(PATH)
def form(request: Request, after: Annotated[str, Query(max_length=2000)] = "/", lang: Language = "vi") -> HTMLResponse:
    """Show the form."""
    return _form(request, after, lang)


@router.post(PATH)
def sign_in(
    request: Request, space: Space, key: Field, token: Field = "", after: Field = "/", lang: Language = "vi"
) -> Response:
    """Start a session for who has a key made by `kehoach keys create`, and go on to where they wanted to."""
    sessions.check_form(request, token)
    caller = caller_with(space, key.strip())
    if caller is None or caller.key_id is None:
        return _form(request, after, lang, is_wrong=True)
    answer = RedirectResponse(_inside(after), 303)
    sessions.start(request, answer, caller.key_id)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, token: Field = "", lang: Language = "vi") -> Response:
    """End the session."""
    sessions.check_form(request, token)
    answer = RedirectResponse(f"/?lang={lang}", 303)
    sessions.stop(answer)
    return answer


def _form(request: Request, after: str, lang: str, *, is_wrong: bool = False) -> HTMLResponse:
    token = sessions.form_token(request)
    status = 401 if is_wrong else 200
    return render(request, "sign-in.html", lang, status, after=_inside(after), is_wrong=is_wrong, token=token)


def _inside(address: str) -> str:
    """Return ``address`` where it is a path of ours, else the first page: a link must not lead a signed-in person away."""
    parts = urlsplit(address.replace("\\", "/"))
    is_ours = (
        address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    )
    return address if is_ours and address.isprintable() else "/"
