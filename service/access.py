"""Who calls and what they may do: dependencies of endpoints and pages."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader
from starlette.concurrency import run_in_threadpool

from service import audit, keys, sessions
from service.keys import Scope, allows
from service.problems import ProblemError
from service.workspace import Workspace

HEADER = "X-API-Key"
_KEY = APIKeyHeader(
    name=HEADER, auto_error=False, description="A key of `kehoach keys create`, or the operator's KEHOACH_API_KEY."
)
_WANTED = {"WWW-Authenticate": "ApiKey"}


@dataclass(frozen=True)
class Caller:
    """Who calls: a name for the audit log, what they may do (None: nothing), the id of their key where the store has it.

    ``kind`` is "local" for a caller on this machine that needs no key, "anyone" for one without a key.
    """

    name: str
    scope: Scope | None
    key_id: str | None = None
    kind: Literal["key", "local", "anyone"] = "key"

    @property
    def sees_names(self) -> bool:
        """Tell whether who corrected a tag, and why, may be shown: not to the public that reads plans."""
        return self.kind != "anyone"


async def space_of(request: Request) -> Workspace:
    """Return the workspace of the application."""
    # A coroutine, as all here that every request goes through: FastAPI takes anything else to another thread and back.
    space: Workspace = request.app.state.workspace
    return space


Space = Annotated[Workspace, Depends(space_of)]


async def caller_of(request: Request, space: Space) -> Caller:
    """Return who calls. Raises ProblemError 401 for a key that is wrong or revoked, 403 for a session used from another site."""
    if secret_of(request) or sessions.COOKIE in request.cookies:
        return await run_in_threadpool(_known, request, space)
    return _unknown(request, space)


def _known(request: Request, space: Workspace) -> Caller:
    if secret := secret_of(request):
        caller = caller_with(space, secret)
        if caller is None:
            raise ProblemError(401, f"the key in {HEADER} is wrong or revoked", _WANTED)
        return caller
    if (key_id := sessions.key_id_of(request)) and (key := keys.key_by_id(space.store, key_id)):
        if request.method not in ("GET", "HEAD") and not sessions.is_same_site(request):
            raise ProblemError(403, "another site sent this request")
        return Caller(key.name, key.scope, key.id)
    return _unknown(request, space)


def _unknown(request: Request, space: Workspace) -> Caller:
    if space.settings.local_writes and sessions.is_local(request):
        return Caller("this machine", "editor", kind="local")
    return Caller("anyone", "reader" if space.settings.open_reads else None, kind="anyone")


def secret_of(request: Request) -> str:
    """Return the key that was sent: in X-API-Key, or as the password of HTTP Basic, which feed readers can send."""
    if given := request.headers.get(HEADER):
        return given
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def caller_with(space: Workspace, secret: str) -> Caller | None:
    """Return who has a key: that of the settings, or one in force of the store; None for any other."""
    expected = space.settings.api_key.get_secret_value()
    if expected and hmac.compare_digest(secret.encode(), expected.encode()):
        return Caller("KEHOACH_API_KEY", "admin")
    key = keys.key_of(space.store, secret)
    return Caller(key.name, key.scope, key.id) if key else None


Who = Annotated[Caller, Depends(caller_of)]


async def may_read(caller: Who) -> None:
    """Let readers through. Raises ProblemError 401 where reading needs a key and none came."""
    if not allows(caller.scope, "reader"):
        raise ProblemError(401, f"reading needs a key, in the header {HEADER}", _WANTED)


def may_edit(request: Request, space: Space, caller: Who, _key: Annotated[str | None, Security(_KEY)]) -> None:
    """Let editors through and note what they are about to do. Raises ProblemError 401 or 403 saying what lacks."""
    _require(request, space, caller, "editor")


def may_administer(request: Request, space: Space, caller: Who, _key: Annotated[str | None, Security(_KEY)]) -> None:
    """Let admins through and note what they are about to do. Raises ProblemError 401 or 403 saying what lacks."""
    _require(request, space, caller, "admin")


def _require(request: Request, space: Workspace, caller: Caller, needed: Scope) -> None:
    if not allows(caller.scope, needed):
        if caller.key_id:
            raise ProblemError(403, f"this needs a key of scope {needed}; {caller.name!r} has scope {caller.scope}")
        if not space.settings.api_key.get_secret_value() and not keys.exist(space.store):
            how = "`kehoach keys create NAME`, KEHOACH_API_KEY, or for this machine alone `kehoach serve --local`"
            raise ProblemError(403, f"writing over HTTP is off; the operator switches it on with {how}")
        raise ProblemError(401, f"this needs a key of scope {needed}, in the header {HEADER}", _WANTED)
    request.state.is_editor = True
    if request.method not in ("GET", "HEAD"):
        action, target = f"{request.method} {request.url.path}", request.query_params.get("name", "")
        request.state.audit = audit.begin(space.store, caller.name, action, target, request.state.request_id)
