"""Sessions of people who signed in with a key, and the tokens that keep other sites from sending our forms.

A session is a signed cookie that names a key; it ends with the key, after twelve hours, or by signing out. Forms carry a
token bound to the session, another one on every page, so that compressing pages gives nothing away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

from fastapi import Request, Response

from service.hosts import made_once
from service.problems import ProblemError
from service.settings import Settings

COOKIE = "kehoach_session"
_SECONDS = 12 * 3600
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def signing_key(settings: Settings) -> bytes:
    """Return the key that sessions are signed with: that of the settings, else a random one of the home folder."""
    given = settings.session_key.get_secret_value()
    return given.encode() if given else made_once(settings.home / "session.key", secrets.token_bytes(32))


def start(request: Request, response: Response, key_id: str) -> None:
    """Let ``response`` sign the caller in as the key ``key_id``."""
    content = f"{key_id}.{int(time.time()) + _SECONDS}.{secrets.token_urlsafe(8)}"
    response.set_cookie(
        COOKIE, f"{content}.{_sign(request, 'session', content)}", max_age=_SECONDS, httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def stop(response: Response) -> None:
    """Let ``response`` sign the caller out."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")


def key_id_of(request: Request) -> str | None:
    """Return the id of the key that the caller signed in with, or None. Whether it is in force is not looked at."""
    content, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
    key_id, _, rest = content.partition(".")
    expires = rest.partition(".")[0]
    if not hmac.compare_digest(signature.encode(), _sign(request, "session", content).encode()):
        return None
    return key_id if expires.isdigit() and int(expires) > time.time() else None


def form_token(request: Request) -> str:
    """Return a token for the hidden field ``token`` of a form."""
    salt = secrets.token_urlsafe(8)
    return f"{salt}.{_sign(request, 'form', salt + request.cookies.get(COOKIE, ''))}"


def check_form(request: Request, token: str) -> None:
    """Raise ProblemError 403 where a form was not sent from a page that this caller was shown."""
    salt, _, signature = token.partition(".")
    expected = _sign(request, "form", salt + request.cookies.get(COOKIE, ""))
    if not is_same_site(request) or not hmac.compare_digest(signature.encode(), expected.encode()):
        raise ProblemError(403, "the form is not one of this session; go back, reload the page and send it again")


def is_same_site(request: Request) -> bool:
    """Tell whether a browser sent the request from our own pages; true also for callers that are no browsers."""
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")


def is_local(request: Request) -> bool:
    """Tell whether the caller is on this machine, not behind a proxy, and asked for this machine by its own name."""
    host = request.headers.get("host", "")
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    forwarded = any(header.startswith(("x-forwarded-", "forwarded", "via")) for header in request.headers)
    address = request.client.host if request.client else ""
    return name in _LOCAL_NAMES and address in ("127.0.0.1", "::1") and not forwarded and is_same_site(request)


def _sign(request: Request, purpose: str, content: str) -> str:
    key = signing_key(request.app.state.workspace.settings)
    digest = hmac.digest(key, f"{purpose}:{content}".encode(errors="surrogatepass"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
